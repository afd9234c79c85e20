/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who has which token, and who waits for one.  The daemon has no HTTP: a worker asks.
 * What a token server gives in place of the refresh token takes its place at once, in
 * every set of secrets of the session that has it and in their items of the keyring: the
 * old one may be worth nothing from then on. */

#include "config.h"

#include "core/refresh.h"

#include <string.h>

#include "common/vocabulary.h"
#include "core/challenges.h"
#include "core/oauth2.h"
#include "core/registry-internal.h"
#include "core/request.h"

/* Kept in memory; of those that nobody waits for the oldest go first, which costs one
 * question more. */
#define GRANTS_MAX 256

typedef struct
{
  gint64 session_id;
  GVariant *oauth2;    /* (owned): as it is now */
  GPtrArray *waiting;  /* (owned) (element-type GTask) */
  gboolean is_asking;  /* the token server */
  gboolean is_refused; /* by the token server, for good */
  char *token;         /* (owned) (nullable) */
  guint generation;    /* of the token; 0 before the first */
  gint64 expires_us;   /* CLOCK_BOOTTIME; 0: never */
  GHashTable *origins; /* (owned) (element-type utf8): where it was asked for */
} Grant;

struct _TrdRefresh
{
  TrdRegistry *registry; /* (unowned), outlives us */
  const TrdEnv *env;     /* (unowned), outlives us */
  GPtrArray *grants;     /* (owned) (element-type Grant): the newest last */
  GPtrArray *askings;    /* (owned) (element-type Asking): under way */
};

/* One question to a token server. */
typedef struct
{
  TrdRefresh *refresh; /* (unowned) (nullable): NULL once that is gone */
  gint64 session_id;
  GVariant *oauth2; /* (owned): what was asked with */
} Asking;

static void
grant_free (gpointer data)
{
  Grant *self = data;

  for (guint i = 0; i < self->waiting->len; i++)
    g_task_return_int (g_ptr_array_index (self->waiting, i), TRD_REFRESH_GONE);
  g_ptr_array_unref (self->waiting);
  g_variant_unref (self->oauth2);
  g_free (self->token);
  g_hash_table_unref (self->origins);
  g_free (self);
}

static void
asking_free (Asking *self)
{
  g_variant_unref (self->oauth2);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Asking, asking_free)

/* ---- grants ---- */

static Grant *
find_grant (TrdRefresh *self, gint64 session_id, GVariant *oauth2)
{
  for (guint i = 0; i < self->grants->len; i++)
    {
      Grant *grant = g_ptr_array_index (self->grants, i);

      if (grant->session_id == session_id && g_variant_equal (grant->oauth2, oauth2))
        return grant;
    }

  return NULL;
}

static void
make_room (TrdRefresh *self)
{
  for (guint i = 0; self->grants->len >= GRANTS_MAX && i < self->grants->len; i++)
    {
      const Grant *grant = g_ptr_array_index (self->grants, i);

      if (!grant->is_asking)
        g_ptr_array_remove_index (self->grants, i--);
    }
}

static Grant *
add_grant (TrdRefresh *self, gint64 session_id, GVariant *oauth2)
{
  Grant *grant = g_new0 (Grant, 1);

  make_room (self);
  grant->session_id = session_id;
  grant->oauth2 = g_variant_ref (oauth2);
  grant->waiting = g_ptr_array_new_with_free_func (g_object_unref);
  grant->origins = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_ptr_array_add (self->grants, grant);

  return grant;
}

static gboolean
has_token (TrdRefresh *self, const Grant *grant)
{
  return grant->token != NULL
         && (grant->expires_us == 0
             || trd_clock_boottime_us (self->env->clock) < grant->expires_us);
}

/* (transfer full) */
static char *
describe_origin (const TrdSpace *origin)
{
  return g_strdup_printf ("%s %s %u", origin->protocol, origin->host, origin->port);
}

GVariant *
trd_task_find_oauth2 (TrdTask *task)
{
  return trd_oauth2_find (trd_secrets_get_value (task->secrets),
                          trd_secrets_get_value (task->session->secrets));
}

/* ---- what came ---- */

/* (transfer full) (nullable): another value for @secrets */
static GVariant *
replace_oauth2 (TrdSecrets *secrets, GVariant *before, GVariant *after)
{
  GVariant *value = trd_secrets_get_value (secrets);
  g_autoptr (GVariant) oauth2 = trd_oauth2_find (value, NULL);

  if (oauth2 == NULL || !g_variant_equal (oauth2, before))
    return NULL;

  return trundle_options_with (value, "oauth2", after);
}

static void
rotate_set (TrdSecrets *secrets, GVariant *before, GVariant *after)
{
  g_autoptr (GVariant) value = replace_oauth2 (secrets, before, after);

  if (value != NULL)
    trd_secrets_replace (secrets, value);
}

/* In all sets of the session that have it: tasks may share one. */
static void
rotate (TrdRefresh *self, Grant *grant, const char *token)
{
  g_autoptr (GVariant) before = g_steal_pointer (&grant->oauth2);
  TrdSession *session = g_hash_table_lookup (
      trd_registry_get_session_table (self->registry), &grant->session_id);
  GHashTableIter iter;
  TrdTask *task;

  grant->oauth2 = trd_oauth2_rotate (before, token);
  if (session == NULL)
    return;

  rotate_set (session->secrets, before, grant->oauth2);
  g_hash_table_iter_init (&iter, session->tasks);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&task))
    rotate_set (task->secrets, before, grant->oauth2);
}

static void
take_token (TrdRefresh *self, Grant *grant, GVariant *answer, const char *token)
{
  const char *next = "";
  guint64 life_s = 0;

  g_free (grant->token);
  grant->token = g_strdup (token);
  grant->generation = trd_credentials_raise (
      trd_challenges_get_credentials (trd_registry_get_challenges (self->registry)), 0);
  g_variant_lookup (answer, "expires-in", "t", &life_s);
  grant->expires_us = life_s == 0
                          ? 0
                          : trd_moment_after (trd_clock_now (self->env->clock),
                                              (gint64)MIN (life_s, G_MAXINT) * 1000000);
  if (g_variant_lookup (answer, "refresh-token", "&s", &next) && *next != '\0')
    rotate (self, grant, next);
}

/* RFC 6749 §5.2: 4xx is an answer; but for those that tell to come again. */
static gboolean
is_for_now (TrundleError code, guint status)
{
  if (code == TRUNDLE_ERROR_HTTP_STATUS)
    return status >= 500 || status == 408 || status == 425 || status == 429;

  return code == TRUNDLE_ERROR_CANNOT_CONNECT || code == TRUNDLE_ERROR_CONNECTION_LOST
         || code == TRUNDLE_ERROR_HOST_NOT_FOUND || code == TRUNDLE_ERROR_TIMED_OUT;
}

/* What follows for those who wait: for TRD_REFRESH_FAILED @out_why is known. */
static TrdRefreshResult
take_answer (TrdRefresh *self, Grant *grant, GVariant *answer, TrundleError *out_why)
{
  TrundleError code = TRUNDLE_ERROR_CONNECTION_LOST;
  const char *text = "";
  guint status = 0;

  if (answer != NULL && g_variant_lookup (answer, "access-token", "&s", &text)
      && *text != '\0')
    {
      take_token (self, grant, answer, text);
      return TRD_REFRESH_FRESH;
    }

  *out_why = TRUNDLE_ERROR_CONNECTION_LOST;
  if (answer == NULL)
    return TRD_REFRESH_FAILED;

  if (!g_variant_lookup (answer, "error", "&s", &text)
      || !trundle_error_from_name (text, &code))
    code = TRUNDLE_ERROR_PROTOCOL_ERROR;
  g_variant_lookup (answer, "status", "u", &status);
  if (is_for_now (code, status))
    {
      if (code != TRUNDLE_ERROR_HTTP_STATUS)
        *out_why = code;
      return TRD_REFRESH_FAILED;
    }

  g_message ("A token server gave no token: %s %u", trundle_error_to_name (code), status);
  grant->is_refused = code == TRUNDLE_ERROR_HTTP_STATUS && status >= 400;
  return TRD_REFRESH_REFUSED;
}

/* With the word for it: the result of a task is a number only. */
static void
tell_waiting (Grant *grant, TrdRefreshResult result, TrundleError why)
{
  g_autoptr (GPtrArray) waiting = g_steal_pointer (&grant->waiting);

  grant->waiting = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < waiting->len; i++)
    {
      GTask *task = g_ptr_array_index (waiting, i);

      g_task_set_task_data (task, GINT_TO_POINTER ((int)why), NULL);
      g_task_return_int (task, result);
    }
}

static void
on_answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Asking) asking = user_data;
  TrdRefresh *self = asking->refresh;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = NULL;
  TrundleError why = TRUNDLE_ERROR_CONNECTION_LOST;
  TrdRefreshResult verdict;
  Grant *grant;

  if (self == NULL)
    return;

  answer = trd_transport_refresh_finish (self->env->transport, result, &error);
  g_ptr_array_remove (self->askings, asking);
  grant = find_grant (self, asking->session_id, asking->oauth2);
  if (grant == NULL)
    return;

  grant->is_asking = FALSE;
  if (error != NULL)
    g_message ("A token server could not be asked: %s", error->message);
  verdict = g_error_matches (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT)
                ? TRD_REFRESH_REFUSED
                : take_answer (self, grant, answer, &why);
  tell_waiting (grant, verdict, why);
}

/* ---- asking ---- */

static void
ask (TrdRefresh *self, TrdSession *session, Grant *grant, GVariant *request)
{
  Asking *asking = g_new0 (Asking, 1);
  g_autoptr (GVariant) question = trd_oauth2_compose (grant->oauth2, request);

  grant->is_asking = TRUE;
  asking->refresh = self;
  asking->session_id = grant->session_id;
  asking->oauth2 = g_variant_ref (grant->oauth2);
  g_ptr_array_add (self->askings, asking);
  trd_transport_refresh_async (
      self->env->transport, session->row->owner, question, on_answered, asking);
}

void
trd_refresh_get_async (TrdRefresh *self,
                       TrdSession *session,
                       GVariant *oauth2,
                       const TrdSpace *origin,
                       guint given,
                       GVariant *request,
                       GAsyncReadyCallback callback,
                       gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  gint64 session_id = session->row->id;
  Grant *grant = find_grant (self, session_id, oauth2);

  g_task_set_source_tag (task, trd_refresh_get_async);
  if (grant == NULL)
    grant = add_grant (self, session_id, oauth2);
  g_hash_table_add (grant->origins, describe_origin (origin));
  if (has_token (self, grant) && grant->generation > given)
    g_task_return_int (task, TRD_REFRESH_FRESH);
  else if (grant->is_refused)
    g_task_return_int (task, TRD_REFRESH_REFUSED);
  else
    {
      g_ptr_array_add (grant->waiting, g_object_ref (task));
      if (!grant->is_asking)
        ask (self, session, grant, request);
    }
}

TrdRefreshResult
trd_refresh_get_finish (GAsyncResult *result, TrdOutcome **out_outcome)
{
  TrdRefreshResult verdict;

  g_return_val_if_fail (g_async_result_is_tagged (result, trd_refresh_get_async),
                        TRD_REFRESH_GONE);

  verdict = (TrdRefreshResult)g_task_propagate_int (G_TASK (result), NULL);
  if (verdict == TRD_REFRESH_FAILED)
    *out_outcome = trd_outcome_new_failed (
        (TrundleError)GPOINTER_TO_INT (g_task_get_task_data (G_TASK (result))),
        "The token server could not be asked");
  return verdict;
}

/* ---- using ---- */

void
trd_refresh_note_refused (TrdRefresh *self, TrdSession *session, guint generation)
{
  for (guint i = 0; i < self->grants->len; i++)
    {
      Grant *grant = g_ptr_array_index (self->grants, i);

      if (grant->session_id == session->row->id && grant->generation == generation)
        g_clear_pointer (&grant->token, g_free);
    }
}

/* What the app itself has said for it later goes before. */
static gboolean
is_superseded (TrdRefresh *self, TrdTask *task, const Grant *grant, TrdSpace *space)
{
  TrdCredentials *credentials = trd_challenges_get_credentials (
      trd_registry_get_challenges (self->registry));
  const TrdCredential *last;

  space->method = g_strdup ("bearer");
  last = trd_credentials_find_last (credentials, task->session, space);
  return last != NULL && !last->refused && last->generation > grant->generation;
}

/* Before all others: they are for later. */
static GVariant *
add_token (GVariant *request, const TrdSpace *origin, const Grant *grant)
{
  g_auto (GVariantBuilder) all = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GVariant) before = g_variant_lookup_value (
      request, "credentials", G_VARIANT_TYPE ("aa{sv}"));

  g_variant_dict_insert (&dict, "protocol", "s", origin->protocol);
  g_variant_dict_insert (&dict, "host", "s", origin->host);
  g_variant_dict_insert (&dict, "port", "u", origin->port);
  g_variant_dict_insert (&dict, "method", "s", "bearer");
  g_variant_dict_insert (&dict, "token", "s", grant->token);
  g_variant_dict_insert (&dict, "generation", "u", grant->generation);
  g_variant_dict_insert (&dict, "preemptive", "b", TRUE);
  g_variant_builder_add_value (&all, g_variant_dict_end (&dict));
  for (gsize i = 0; before != NULL && i < g_variant_n_children (before); i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (before, i);

      g_variant_builder_add_value (&all, child);
    }

  return trundle_options_with (request, "credentials", g_variant_builder_end (&all));
}

gboolean
trd_refresh_find_origin (TrdTask *task, const TrdTaskRow *row, TrdSpace *out_origin)
{
  g_autofree char *url = trd_request_find_url (row);

  return trd_request_is_same_origin (row, url) && trd_space_init_origin (out_origin, url)
         && (g_str_equal (out_origin->protocol, "https")
             || trd_challenges_allows_insecure (row, task->session));
}

GVariant *
trd_refresh_compose (TrdRefresh *self,
                     TrdTask *task,
                     const TrdTaskRow *row,
                     GVariant *request)
{
  g_autoptr (GVariant) oauth2 = trd_task_find_oauth2 (task);
  Grant *grant = oauth2 != NULL ? find_grant (self, task->session->row->id, oauth2)
                                : NULL;
  g_auto (TrdSpace) origin = { 0 };
  g_autofree char *name = NULL;

  if (grant == NULL || !has_token (self, grant)
      || !trd_refresh_find_origin (task, row, &origin))
    return g_variant_ref (request);

  name = describe_origin (&origin);
  if (!g_hash_table_contains (grant->origins, name)
      || is_superseded (self, task, grant, &origin))
    return g_variant_ref (request);

  return add_token (request, &origin, grant);
}

/* ---- the object ---- */

void
trd_refresh_forget_session (TrdRefresh *self, TrdSession *session)
{
  for (guint i = self->grants->len; i > 0; i--)
    {
      const Grant *grant = g_ptr_array_index (self->grants, i - 1);

      if (grant->session_id == session->row->id)
        g_ptr_array_remove_index (self->grants, i - 1);
    }
}

TrdRefresh *
trd_refresh_new (TrdRegistry *registry)
{
  TrdRefresh *self = g_new0 (TrdRefresh, 1);

  self->registry = registry;
  self->env = trd_registry_get_env (registry);
  self->grants = g_ptr_array_new_with_free_func (grant_free);
  self->askings = g_ptr_array_new ();

  return self;
}

void
trd_refresh_free (TrdRefresh *self)
{
  for (guint i = 0; i < self->askings->len; i++)
    ((Asking *)g_ptr_array_index (self->askings, i))->refresh = NULL;
  g_ptr_array_unref (self->askings);
  g_ptr_array_unref (self->grants);
  g_free (self);
}
