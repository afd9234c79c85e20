/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Every property of a task, as a table from name to getter.  A view is one row, read
 * once, so that what GetAll and ListTasks show belongs to one moment.  No address here
 * has user info, and no request its secret headers: they are not in the row (law 9). */

#include "config.h"

#include "face/task-view.h"

#include "common/enums.h"
#include "common/url.h"
#include "common/vocabulary.h"
#include "core/challenges.h"
#include "core/request.h"
#include "core/waits.h"
#include "face/answer.h"

const char *const trd_task_view_default_names[]
    = { "State",       "Url", "BytesReceived", "BytesExpectedToReceive", "WaitReasons",
        "Description", NULL };

static GVariant *
new_path (char *path)
{
  g_autofree char *owned = path;

  return g_variant_new_object_path (owned);
}

static GVariant *
new_text (const char *text)
{
  return g_variant_new_string (text != NULL ? text : "");
}

static GVariant *
new_dict (GVariant *dict)
{
  return dict != NULL ? g_variant_ref (dict) : g_variant_new ("a{sv}", NULL);
}

static GVariant *
new_bytes (GBytes *bytes)
{
  if (bytes == NULL)
    return g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, "", 0, TRUE, NULL, NULL);

  return g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE);
}

static GVariant *
new_error (const char *name, GVariant *details)
{
  g_autoptr (GVariant) dict = g_variant_take_ref (new_dict (details));

  return g_variant_new ("(s@a{sv})", name != NULL ? name : "", dict);
}

static GVariant *
get_session (gpointer view)
{
  const TrdTaskView *self = view;

  return new_path (trd_session_object_path (self->row->session_id));
}

static GVariant *
get_identifier (gpointer view)
{
  return g_variant_new_uint64 (((TrdTaskView *)view)->row->number);
}

static GVariant *
get_uuid (gpointer view)
{
  return new_text (((TrdTaskView *)view)->row->uuid);
}

static GVariant *
get_kind (gpointer view)
{
  return new_text (trundle_kind_to_word (((TrdTaskView *)view)->row->kind));
}

static GVariant *
new_url (const char *url)
{
  g_autofree char *shown = url != NULL ? trundle_url_without_user_info (url, NULL) : NULL;

  return new_text (shown);
}

static GVariant *
get_url (gpointer view)
{
  return new_url (((TrdTaskView *)view)->row->url);
}

static GVariant *
get_state (gpointer view)
{
  return new_text (trundle_task_state_to_word (((TrdTaskView *)view)->row->state));
}

static GVariant *
get_priority (gpointer view)
{
  return g_variant_new_double (((TrdTaskView *)view)->row->priority);
}

static GVariant *
get_description (gpointer view)
{
  return new_text (((TrdTaskView *)view)->row->description);
}

static GVariant *
get_user_data (gpointer view)
{
  return new_bytes (((TrdTaskView *)view)->row->user_data);
}

static GVariant *
get_group (gpointer view)
{
  return new_text (((TrdTaskView *)view)->row->group);
}

static GVariant *
get_original_request (gpointer view)
{
  const TrdTaskRow *row = ((TrdTaskView *)view)->row;

  return trd_request_describe (row, row->url);
}

static GVariant *
get_current_request (gpointer view)
{
  const TrdTaskRow *row = ((TrdTaskView *)view)->row;
  g_autofree char *url = trd_request_find_url (row);

  return trd_request_describe (row, row->current_url != NULL ? row->current_url : url);
}

static GVariant *
get_response (gpointer view)
{
  return new_dict (((TrdTaskView *)view)->row->response);
}

static GVariant *
get_error (gpointer view)
{
  const TrdTaskRow *row = ((TrdTaskView *)view)->row;

  return new_error (row->error_name, row->error_details);
}

static GVariant *
get_error_body (gpointer view)
{
  return new_bytes (((TrdTaskView *)view)->row->error_body);
}

static GVariant *
get_wait_reasons (gpointer view)
{
  const TrdTaskView *self = view;
  g_autofree const char **words = trundle_wait_reasons_to_words (
      trd_task_wait_reasons (self->task));

  return g_variant_new_strv (words, -1);
}

static GVariant *
get_challenge (gpointer view)
{
  const TrdTaskView *self = view;
  const TrdTaskRow *row = self->row;
  const TrdChallenge *challenge = self->task->challenge;
  g_autoptr (GVariant) told = NULL;

  if (row->state != TRUNDLE_TASK_CHALLENGED || challenge == NULL
      || !trd_challenge_is_unanswered (challenge))
    return new_dict (NULL);

  told = trd_challenge_describe (trd_registry_get_challenges (self->registry),
                                 challenge,
                                 challenge->row,
                                 challenge->deadline_us,
                                 row,
                                 row->transient_name);
  return g_steal_pointer (&told);
}

static GVariant *
get_next_attempt_at (gpointer view)
{
  const TrdTaskView *self = view;
  TrdMoment now = trd_clock_now (trd_registry_get_env (self->registry)->clock);

  gint64 next_us = 0;

  if (self->row->state != TRUNDLE_TASK_QUEUED)
    return g_variant_new_int64 (0);
  if (self->task->not_before_us > now.boot_us)
    next_us = trd_moment_date (now, self->task->not_before_us);
  if (self->task->earliest_begin_us > now.wall_us)
    next_us = MAX (next_us, self->task->earliest_begin_us);

  return g_variant_new_int64 (next_us);
}

static GVariant *
get_attempts (gpointer view)
{
  return g_variant_new_uint32 (((TrdTaskView *)view)->row->attempts);
}

static GVariant *
get_last_transient_error (gpointer view)
{
  const TrdTaskRow *row = ((TrdTaskView *)view)->row;

  return new_error (row->transient_name, row->transient_details);
}

static GVariant *
get_bytes_sent (gpointer view)
{
  return g_variant_new_uint64 (((TrdTaskView *)view)->row->body_sent);
}

static GVariant *
get_bytes_confirmed (gpointer view)
{
  return g_variant_new_uint64 (((TrdTaskView *)view)->row->body_confirmed);
}

/* A download sends no body. */
static GVariant *
get_bytes_expected_to_send (gpointer view)
{
  return g_variant_new_int64 ((gint64)((TrdTaskView *)view)->row->body_size);
}

static GVariant *
get_response_body (gpointer view)
{
  const TrdTaskView *self = view;
  g_autoptr (GBytes) body = trd_answer_read (self->registry, self->row);

  return new_bytes (body);
}

static GVariant *
get_bytes_received (gpointer view)
{
  return g_variant_new_uint64 (((TrdTaskView *)view)->row->received);
}

/* What the server said, else what is known of the end, else what the app guesses. */
/* The answer of who wants to know first who is there: its body is not the file. */
static gboolean
is_question (GVariant *response)
{
  guint status = 0;

  g_variant_lookup (response, "status", "u", &status);
  return status == 401 || status == 407;
}

static GVariant *
get_bytes_expected_to_receive (gpointer view)
{
  const TrdTaskView *self = view;
  const TrdTaskRow *row = self->row;
  guint64 received;
  gint64 expected = -1;

  if (trd_registry_get_progress (self->registry, self->task, &received, &expected)
      && expected >= 0)
    return g_variant_new_int64 (expected);
  if (row->state == TRUNDLE_TASK_FINISHED && row->error_name == NULL)
    return g_variant_new_int64 ((gint64)row->received);
  if (row->response != NULL
      && (row->state == TRUNDLE_TASK_FINISHED || !is_question (row->response))
      && g_variant_lookup (row->response, "content-length", "x", &expected)
      && expected >= 0)
    return g_variant_new_int64 (expected);

  return g_variant_new_int64 (
      trundle_options_get_int64 (row->options, NULL, "expected-bytes-to-receive"));
}

static GVariant *
get_integrity (gpointer view)
{
  const TrdTaskRow *row = ((TrdTaskView *)view)->row;
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (row->integrity);

  if (row->proof != NULL)
    g_variant_dict_insert (&dict, "proof", "s", row->proof);
  if (row->file_moved)
    g_variant_dict_insert (&dict, "file-moved", "b", TRUE);

  return g_variant_dict_end (&dict);
}

/* The row says what was; the wait that goes on is in memory. */
static GVariant *
get_metrics (gpointer view)
{
  const TrdTaskView *self = view;
  const TrdTaskRow *row = self->row;
  TrdClock *clock = trd_registry_get_env (self->registry)->clock;
  g_autoptr (GVariant) waited = NULL;
  g_auto (GVariantDict) dict = { 0 };
  TrdMetricsWaits waits;

  if (trd_waits_get (self->task, trd_clock_boottime_us (clock), &waits))
    waited = trd_metrics_add_waits (row->metrics, &waits);
  g_variant_dict_init (&dict, waited != NULL ? waited : row->metrics);
  g_variant_dict_insert (&dict, "interval", "(xx)", row->created_us, row->finished_us);
  g_variant_dict_insert (&dict, "attempts", "u", row->attempts);

  return g_variant_dict_end (&dict);
}

static GVariant *
get_durable (gpointer view)
{
  const TrdTaskView *self = view;

  return g_variant_new_boolean (self->row->durable
                                && trd_session_is_durable (self->task->session));
}

/* Where the file is, else where it will be; nothing for one that is kept in the spool. */
static GVariant *
get_destination (gpointer view)
{
  const TrdTaskRow *row = ((TrdTaskView *)view)->row;
  g_autofree char *path = NULL;

  if (row->final_path != NULL)
    return new_text (row->final_path);
  if (row->place != NULL && row->place->directory != NULL && row->place->name != NULL)
    path = g_build_filename (row->place->directory, row->place->name, NULL);

  /* A name that is not UTF-8 cannot be said on the bus. */
  return new_text (path != NULL && g_utf8_validate (path, -1, NULL) ? path : NULL);
}

static GVariant *
get_created_at (gpointer view)
{
  return g_variant_new_int64 (((TrdTaskView *)view)->row->created_us);
}

static GVariant *
get_finished_at (gpointer view)
{
  return g_variant_new_int64 (((TrdTaskView *)view)->row->finished_us);
}

/* A date computed now, so that it is true whatever was done to the clock since. */
static GVariant *
get_deadline (gpointer view)
{
  const TrdTaskView *self = view;
  TrdMoment now = trd_clock_now (trd_registry_get_env (self->registry)->clock);

  return g_variant_new_int64 (trd_moment_date (now, self->task->deadline_us));
}

static GVariant *
get_earliest_begin (gpointer view)
{
  return g_variant_new_int64 (((TrdTaskView *)view)->row->earliest_begin_us);
}

/* ---- what the app may change ---- */

static gboolean
set_earliest_begin (gpointer object, TrdCall *call, GVariant *value, GError **error)
{
  return trd_registry_set_earliest_begin (
      trd_gate_get_registry (call->gate), object, g_variant_get_int64 (value), error);
}

static gboolean
set_priority (gpointer object, TrdCall *call, GVariant *value, GError **error)
{
  return trd_registry_set_priority (
      trd_gate_get_registry (call->gate), object, g_variant_get_double (value), error);
}

static gboolean
set_description (gpointer object, TrdCall *call, GVariant *value, GError **error)
{
  return trd_registry_set_description (trd_gate_get_registry (call->gate),
                                       object,
                                       g_variant_get_string (value, NULL),
                                       error);
}

static gboolean
set_user_data (gpointer object, TrdCall *call, GVariant *value, GError **error)
{
  g_autoptr (GBytes) bytes = g_variant_get_data_as_bytes (value);

  return trd_registry_set_user_data (
      trd_gate_get_registry (call->gate), object, bytes, error);
}

const TrdProperty trd_task_view_properties[] = {
  { "Session", get_session, NULL },
  { "Identifier", get_identifier, NULL },
  { "Uuid", get_uuid, NULL },
  { "Kind", get_kind, NULL },
  { "Url", get_url, NULL },
  { "State", get_state, NULL },
  { "Priority", get_priority, set_priority },
  { "Description", get_description, set_description },
  { "UserData", get_user_data, set_user_data },
  { "Group", get_group, NULL },
  { "OriginalRequest", get_original_request, NULL },
  { "CurrentRequest", get_current_request, NULL },
  { "Response", get_response, NULL },
  { "ResponseBody", get_response_body, NULL },
  { "Error", get_error, NULL },
  { "ErrorBody", get_error_body, NULL },
  { "WaitReasons", get_wait_reasons, NULL },
  { "EarliestBegin", get_earliest_begin, set_earliest_begin },
  { "Challenge", get_challenge, NULL },
  { "NextAttemptAt", get_next_attempt_at, NULL },
  { "Attempts", get_attempts, NULL },
  { "LastTransientError", get_last_transient_error, NULL },
  { "BytesSent", get_bytes_sent, NULL },
  { "BytesConfirmed", get_bytes_confirmed, NULL },
  { "BytesReceived", get_bytes_received, NULL },
  { "BytesExpectedToSend", get_bytes_expected_to_send, NULL },
  { "BytesExpectedToReceive", get_bytes_expected_to_receive, NULL },
  { "Integrity", get_integrity, NULL },
  { "Metrics", get_metrics, NULL },
  { "Durable", get_durable, NULL },
  { "Destination", get_destination, NULL },
  { "CreatedAt", get_created_at, NULL },
  { "FinishedAt", get_finished_at, NULL },
  { "Deadline", get_deadline, NULL },
};

G_STATIC_ASSERT (G_N_ELEMENTS (trd_task_view_properties) == TRD_TASK_VIEW_N_PROPERTIES);

const TrdProperty *
trd_task_view_find (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (trd_task_view_properties); i++)
    if (g_str_equal (trd_task_view_properties[i].name, name))
      return &trd_task_view_properties[i];

  return NULL;
}

GVariant *
trd_task_view_to_dict (const TrdTaskView *self, const char *const *names)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  for (guint i = 0; names[i] != NULL; i++)
    {
      const TrdProperty *property = trd_task_view_find (names[i]);
      g_autoptr (GVariant) value = g_variant_take_ref (property->get ((gpointer)self));

      g_variant_builder_add (&builder, "{sv}", names[i], value);
    }

  return g_variant_builder_end (&builder);
}
