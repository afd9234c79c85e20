/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "core-fixture-upload.h"

#include "await.h"
#include "port/sources.h"

#include <sys/mman.h>
#include <unistd.h>

static GVariant *
make_body (void)
{
  guint8 bytes[UPLOAD_SIZE] = { 1, 2, 3 };
  g_auto (GVariantBuilder) body = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  g_auto (GVariantDict) piece = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert_value (
      &piece,
      "bytes",
      g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, sizeof bytes, 1));
  g_variant_builder_add_value (&body, g_variant_dict_end (&piece));
  return g_variant_ref_sink (g_variant_builder_end (&body));
}

/* @body is taken. */
static TrdTask *
create (CoreFixture *f,
        TrdSession *session,
        const char *url,
        const char *method,
        const char *options,
        GVariant *body)
{
  g_autofree char *text = g_strdup_printf ("{'start': <true>, 'method': <'%s'>%s%s}",
                                           method,
                                           *options != '\0' ? ", " : "",
                                           options);
  g_autoptr (GPtrArray) drafts = g_ptr_array_new_with_free_func (
      (GDestroyNotify)trd_draft_free);
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) ids = NULL;
  TrdDraft *draft = trd_draft_new (TRUNDLE_KIND_UPLOAD, url, g_variant_new_parsed (text));
  const char *path;

  if (g_variant_lookup (draft->options, "destination-path", "&s", &path))
    draft->place = trd_spool_resolve (
        f->env.spool, -1, path, NULL, TRUNDLE_IF_EXISTS_FAIL, &error);
  g_assert_no_error (error);
  draft->body = body;
  draft->body_size = UPLOAD_SIZE;
  g_ptr_array_add (drafts, draft);
  ids = trd_registry_create_tasks (f->registry, session, drafts, &error);
  g_assert_no_error (error);
  return trd_registry_find_task (f->registry, g_array_index (ids, gint64, 0));
}

TrdTask *
upload_create_in (CoreFixture *f,
                  TrdSession *session,
                  const char *url,
                  const char *method,
                  const char *options)
{
  return create (f, session, url, method, options, make_body ());
}

TrdTask *
upload_create (CoreFixture *f, const char *method, const char *options)
{
  return upload_create_in (f, core_fixture_open (f, "{}"), UPLOAD_URL, method, options);
}

TrdTask *
upload_create_spooled (CoreFixture *f, const char *method, const char *options)
{
  TrdSource source = { .fd = memfd_create ("source", MFD_CLOEXEC) };
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TrdBody) body = trd_body_new ();
  g_autoptr (GError) error = NULL;
  TrdPiece *piece;

  g_assert_cmpint (write (source.fd, UPLOAD_TEXT, UPLOAD_SIZE), ==, UPLOAD_SIZE);
  trd_sources_adopt_async (f->env.spool, &source, NULL, test_take_result, &result);
  test_await (result != NULL);
  piece = trd_sources_adopt_finish (result, &error);
  g_assert_no_error (error);
  g_assert_nonnull (piece->spool);
  trd_body_take (body, piece);
  return create (f,
                 core_fixture_open (f, "{}"),
                 UPLOAD_URL,
                 method,
                 options,
                 trd_body_to_variant (body));
}

guint
upload_count_files (CoreFixture *f)
{
  g_autofree char *path = g_build_filename (f->directory, "spool", NULL);
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  const char *name;
  guint n = 0;

  g_assert_nonnull (directory);
  while ((name = g_dir_read_name (directory)) != NULL)
    n += trd_body_is_file_name (name);
  return n;
}

static GVariant *
find_request (CoreFixture *f, TrdTask *task)
{
  test_await (fake_transport_is_running (f->transport, task->id));
  return fake_transport_find (f->transport, task->id)->request;
}

char *
upload_offered (CoreFixture *f, TrdTask *task)
{
  g_autofree char **words = NULL;

  g_assert_true (g_variant_lookup (find_request (f, task), "resumable", "^a&s", &words));
  return g_strjoinv (" ", words);
}

char *
upload_asked_place (CoreFixture *f, TrdTask *task)
{
  g_autoptr (GVariant) upload = g_variant_lookup_value (
      find_request (f, task), "upload", G_VARIANT_TYPE_VARDICT);
  char *url = NULL;

  if (upload == NULL)
    return g_strdup ("");
  g_assert_true (g_variant_lookup (upload, "url", "s", &url));
  g_assert_true (g_variant_lookup (upload, "dialect", "&s", NULL));
  /* None of our own notes. */
  g_assert_cmpuint (g_variant_n_children (upload), ==, 2);
  return url;
}

void
upload_tell (CoreFixture *f, TrdTask *task, const char *upload)
{
  test_await (fake_transport_is_running (f->transport, task->id));
  g_assert_true (fake_transport_upload (f->transport, task->id, upload));
}

TrdOutcome *
upload_failed (TrundleError code, guint64 sent, guint64 confirmed)
{
  TrdOutcome *outcome = trd_outcome_new_failed (code, NULL);

  outcome->sent = TRUE;
  outcome->body_sent = sent;
  outcome->body_confirmed = confirmed;
  return outcome;
}

TrdOutcome *
upload_refused (guint status, guint64 sent, guint64 confirmed)
{
  TrdOutcome *outcome = upload_failed (TRUNDLE_ERROR_HTTP_STATUS, sent, confirmed);

  outcome->status = status;
  return outcome;
}

void
upload_end (CoreFixture *f, TrdTask *task, TrdOutcome *outcome)
{
  test_await (fake_transport_is_running (f->transport, task->id));
  fake_transport_take_done (f->transport, task->id, outcome);
  g_assert_cmpint (task->state, !=, TRUNDLE_TASK_RUNNING);
}

void
upload_sit_out (CoreFixture *f, TrdTask *task)
{
  gint64 now_us = trd_clock_boottime_us (f->env.clock);

  fake_clock_advance (f->clock, MAX (task->not_before_us - now_us, 0));
}

void
upload_break (CoreFixture *f, TrdTask *task, guint64 sent, guint64 confirmed)
{
  upload_end (f, task, upload_failed (TRUNDLE_ERROR_CONNECTION_LOST, sent, confirmed));
  upload_sit_out (f, task);
}

TrdTaskRow *
upload_load (CoreFixture *f, TrdTask *task)
{
  g_autoptr (GError) error = NULL;
  TrdTaskRow *row = trd_registry_load_task (f->registry, task, &error);

  g_assert_no_error (error);
  return row;
}

void
upload_assert_ended (CoreFixture *f, TrdTask *task, const char *error_name)
{
  g_autoptr (TrdTaskRow) row = upload_load (f, task);

  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_FINISHED);
  g_assert_cmpstr (row->error_name, ==, error_name);
  g_assert_null (row->upload);
}
