/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "core-fixture.h"

#include <glib/gstdio.h>

#include "await.h"
#include "common/vocabulary.h"
#include "files.h"

static void
say (CoreFixture *self, char *line)
{
  g_ptr_array_add (self->said, line);
}

static gsize
on_event (TrdSession *session, const char *to, const TrdEvent *event, gpointer data)
{
  const char *error = "";

  g_variant_lookup (event->details, "error", "&s", &error);
  say (data,
       g_strdup_printf ("EVENT %s %s %" G_GUINT64_FORMAT "%s%s%s",
                        to,
                        trundle_event_kind_to_word (event->kind),
                        event->sequence,
                        *error ? " " : "",
                        error,
                        event->offered ? " again" : ""));
  return 0;
}

static void
on_finish (TrdSession *session, const char *to, guint64 last, gpointer data)
{
  say (data, g_strdup_printf ("FINISH %s %" G_GUINT64_FORMAT, to, last));
}

static void
on_detached (TrdSession *session, const char *to, const char *reason, gpointer data)
{
  say (data, g_strdup_printf ("DETACHED %s %s", to, reason));
}

static void
on_left (TrdSession *session, const char *to, gpointer data)
{
  say (data, g_strdup_printf ("LEFT %s", to));
}

static void
on_handle (TrdSession *session, const char *to, const char *reason, gpointer data)
{
  say (data, g_strdup_printf ("HANDLE %s %s", to, reason));
}

static const TrdOutlet outlet = {
  on_event, on_finish, on_detached, on_left, on_handle, NULL,
};

static void
build (CoreFixture *self)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *database = g_build_filename (self->directory, "trundle.db", NULL);

  self->transport = fake_transport_new ();
  self->env.transport = TRD_TRANSPORT (self->transport);
  /* What the one before had in a thread may end after it, and has the lock until then. */
  test_await ((self->env.spool = trd_spool_new (self->directory, NULL)) != NULL);
  self->env.store = trd_store_new (database, &error);
  g_assert_no_error (error);

  self->registry = trd_registry_new (&self->env);
  trd_registry_restore (self->registry, &error);
  g_assert_no_error (error);
  if (self->env.new_boot)
    trd_registry_keep_moments (self->registry, &error);
  g_assert_no_error (error);
  self->scheduler = trd_scheduler_new (self->registry);
  self->courier = trd_courier_new (self->registry);
  trd_courier_set_outlet (self->courier, &outlet, self);
  trd_scheduler_start (self->scheduler);
  trd_courier_start (self->courier, FALSE);
}

static void
raze (CoreFixture *self)
{
  g_clear_object (&self->courier);
  g_clear_object (&self->scheduler);
  g_clear_object (&self->registry);
  trd_store_close (self->env.store);
  g_clear_object (&self->env.store);
  g_clear_object (&self->env.spool);
  g_clear_object (&self->transport);
}

void
core_fixture_set_up (CoreFixture *self, gconstpointer data)
{
  self->directory = g_dir_make_tmp ("trundle-core-XXXXXX", NULL);
  self->said = g_ptr_array_new_with_free_func (g_free);
  self->owner = trd_owner_new ("host", "org.example.App");
  self->clock = fake_clock_new ();
  self->launcher = fake_launcher_new ();
  self->vault = fake_vault_new ();
  self->env.clock = TRD_CLOCK (self->clock);
  self->env.vault = TRD_VAULT (self->vault);
  self->env.state_id = "state";
  self->env.launcher = TRD_LAUNCHER (self->launcher);
  self->env.conditions = trd_conditions_new ();
  g_object_set (self->env.conditions, "graphical", TRUE, NULL);
  self->env.random = g_rand_new_with_seed (1);
  build (self);
}

void
core_fixture_tear_down (CoreFixture *self, gconstpointer data)
{
  raze (self);
  test_settle ();
  g_clear_object (&self->launcher);
  g_clear_object (&self->vault);
  g_clear_object (&self->clock);
  g_clear_object (&self->env.conditions);
  g_clear_pointer (&self->env.random, g_rand_free);
  g_clear_pointer (&self->owner, trd_owner_unref);
  g_clear_pointer (&self->said, g_ptr_array_unref);
  test_remove_tree (self->directory);
  g_free (self->directory);
}

void
core_fixture_restart (CoreFixture *self)
{
  raze (self);
  /* The parts of the dead are closed. */
  test_settle ();
  build (self);
}

void
core_fixture_reboot (CoreFixture *self, gint64 now_us)
{
  self->env.last = trd_clock_now (self->env.clock);
  raze (self);
  test_settle ();
  fake_clock_reboot (self->clock, now_us);
  self->env.rebooted = TRUE;
  self->env.new_boot = TRUE;
  build (self);
  self->env.rebooted = FALSE;
  self->env.new_boot = FALSE;
}

void
core_fixture_set_aside (CoreFixture *self)
{
  g_autofree char *path = g_build_filename (
      trd_spool_get_state_directory (self->env.spool),
      "trundle.db.damaged-20260101T000000Z",
      NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, "damaged", -1, &error);
  g_assert_no_error (error);
}

static GVariant *
parse_options (const char *text, guint scopes)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) raw = NULL;
  GVariant *checked;

  raw = g_variant_parse (G_VARIANT_TYPE_VARDICT, text, NULL, NULL, &error);
  g_assert_no_error (error);
  checked = trundle_vocabulary_check (raw, scopes, &error);
  g_assert_no_error (error);

  return checked;
}

TrdSession *
core_fixture_open_named (CoreFixture *self,
                         const char *identifier,
                         const char *configuration)
{
  g_autoptr (GVariant) options = parse_options (configuration,
                                                TRUNDLE_SCOPE_CONFIGURATION);
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) ignored = NULL;
  gboolean existing;
  TrdSession *session = trd_registry_open_session (self->registry,
                                                   self->owner,
                                                   identifier,
                                                   options,
                                                   FALSE,
                                                   &existing,
                                                   &ignored,
                                                   &error);

  g_assert_no_error (error);
  return session;
}

TrdSession *
core_fixture_open (CoreFixture *self, const char *configuration)
{
  return core_fixture_open_named (self, "s", configuration);
}

void
core_fixture_configure (CoreFixture *self, TrdSession *session, const char *configuration)
{
  g_autoptr (GVariant) parsed = g_variant_ref_sink (g_variant_new_parsed (configuration));
  g_autoptr (GError) error = NULL;

  trd_registry_configure (self->registry, session, parsed, &error);
  g_assert_no_error (error);
}

TrdTask *
core_fixture_create (CoreFixture *self,
                     TrdSession *session,
                     const char *url,
                     const char *options)
{
  g_autoptr (GVariant) checked = parse_options (options, TRUNDLE_SCOPE_TASK);
  g_autoptr (GPtrArray) drafts = g_ptr_array_new_with_free_func (
      (GDestroyNotify)trd_draft_free);
  g_autofree char *path = trundle_options_get_string (checked, NULL, "destination-path");
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) ids = NULL;
  TrdDraft *draft = trd_draft_new (TRUNDLE_KIND_DOWNLOAD, url, checked);

  if (path != NULL)
    {
      g_autofree char *word = trundle_options_get_string (checked, NULL, "if-exists");
      TrundleIfExists policy = TRUNDLE_IF_EXISTS_FAIL;

      trundle_if_exists_from_word (word, &policy);
      draft->place = trd_spool_resolve (self->env.spool, -1, path, NULL, policy, &error);
      g_assert_no_error (error);
    }
  g_ptr_array_add (drafts, draft);
  ids = trd_registry_create_tasks (self->registry, session, drafts, &error);
  g_assert_no_error (error);

  return trd_registry_find_task (self->registry, g_array_index (ids, gint64, 0));
}

void
core_fixture_complete (CoreFixture *self, TrdTask *task, const char *body)
{
  TrdOutcome *outcome = trd_outcome_new_complete (strlen (body), "content-length");
  g_autoptr (TrdTaskRow) row = NULL;
  gint64 id = task->id;

  test_await (fake_transport_is_running (self->transport, id));
  row = trd_store_load_task (self->env.store, id, NULL);
  outcome->body_sent = row->body_size;
  fake_transport_write (self->transport, id, body, strlen (body));
  fake_transport_take_done (self->transport, id, outcome);
}

void
core_fixture_fail (CoreFixture *self, TrdTask *task, TrundleError code)
{
  test_await (fake_transport_is_running (self->transport, task->id));
  fake_transport_take_done (
      self->transport, task->id, trd_outcome_new_failed (code, "As the test says"));
}

const char *
core_fixture_last (CoreFixture *self)
{
  return self->said->len > 0 ? g_ptr_array_index (self->said, self->said->len - 1) : "";
}

guint
core_fixture_count (CoreFixture *self, const char *prefix)
{
  guint n = 0;

  for (guint i = 0; i < self->said->len; i++)
    n += g_str_has_prefix (g_ptr_array_index (self->said, i), prefix);

  return n;
}
