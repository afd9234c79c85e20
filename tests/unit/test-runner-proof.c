/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "await.h"
#include "core-fixture.h"

/* What the daemon keeps of digests, and believes of them (laws 4 and 10). */

#define WHOLE "0123456789"
#define URL "http://example.org/a"
#define MD5 "781e5e245d69b566979b86e28d23f2c7"
#define MD5_BYTES                                                                        \
  "[byte 0x78, 0x1e, 0x5e, 0x24, 0x5d, 0x69, 0xb5, 0x66, 0x97, 0x9b, 0x86, 0xe2, 0x8d, " \
  "0x23, 0xf2, 0xc7]"
#define OTHER_BYTES                                                                      \
  "[byte 0x00, 0x1e, 0x5e, 0x24, 0x5d, 0x69, 0xb5, 0x66, 0x97, 0x9b, 0x86, 0xe2, 0x8d, " \
  "0x23, 0xf2, 0xc7]"

/* Runs, and has received @n bytes. */
static TrdTask *
start (CoreFixture *f, const char *options, guint n)
{
  TrdTask *task = core_fixture_create (f, core_fixture_open (f, "{}"), URL, options);

  test_await (fake_transport_is_running (f->transport, task->id));
  fake_transport_respond (
      f->transport,
      task->id,
      g_variant_new_parsed ("{'status': <@u 200>, 'content-length': <@x 10>, 'headers': "
                            "<[('ETag', '\"v1\"')]>}"));
  fake_transport_write (f->transport, task->id, WHOLE, n);
  fake_transport_progress (f->transport, task->id, n, 0, 10);
  return task;
}

static GVariant *
make_state (guint64 offset)
{
  return g_variant_new_parsed ("{'version': <@u 1>, 'offset': <%t>, 'md5': <b'x'>}",
                               offset);
}

static void
cut (CoreFixture *f, TrdTask *task, guint n, GVariant *state)
{
  TrdOutcome *outcome = trd_outcome_new_failed (TRUNDLE_ERROR_CONNECTION_LOST, "Cut");

  outcome->received = n;
  outcome->digest_state = state != NULL ? g_variant_ref_sink (state) : NULL;
  fake_transport_take_done (f->transport, task->id, outcome);
  test_await (task->state == TRUNDLE_TASK_QUEUED);
}

/* Offset of the state that the next attempt is given, 0 for none. */
static guint64
await_state (CoreFixture *f, TrdTask *task)
{
  g_autoptr (GVariant) state = NULL;
  guint64 offset = 0;

  fake_clock_advance (f->clock, 2 * G_USEC_PER_SEC);
  test_await (fake_transport_is_running (f->transport, task->id));
  state = g_variant_lookup_value (fake_transport_find (f->transport, task->id)->request,
                                  "digest-state",
                                  G_VARIANT_TYPE_VARDICT);
  if (state != NULL)
    g_variant_lookup (state, "offset", "t", &offset);
  return offset;
}

/* Fault (power): the machine stopped while the disk of a part was away, which then cannot
 * be written yet | Proves: no more is believed than was synced (law 4) */
static void
believes_nothing_before_it_is_cut (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "{'start': <true>}", 8);
  g_autofree char *path = g_build_filename (f->directory, "spool", "1", NULL);
  g_autoptr (TrdTaskRow) row = NULL;
  guint64 offset = 0;
  int fd;

  cut (f, task, 8, make_state (8));
  row = trd_store_load_task (f->env.store, task->id, NULL);
  row->synced = 4;
  row->untrusted = TRUE;
  g_assert_true (trd_store_update_task (f->env.store, row, NULL));
  fd = open (path, O_RDWR | O_CLOEXEC);
  test_await (flock (fd, LOCK_EX | LOCK_NB) == 0);
  fake_clock_advance (f->clock, 2 * G_USEC_PER_SEC);
  test_await (task->failures == 2);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_QUEUED);

  close (fd);
  fake_clock_advance (f->clock, 10 * G_USEC_PER_SEC);
  test_await (fake_transport_is_running (f->transport, task->id));
  g_variant_lookup (
      fake_transport_find (f->transport, task->id)->request, "offset", "t", &offset);
  g_assert_cmpuint (offset, ==, 4);
  g_clear_pointer (&row, trd_task_row_free);
  row = trd_store_load_task (f->env.store, task->id, NULL);
  g_assert_cmpuint (row->synced, ==, 4);
  g_assert_false (row->untrusted);
  g_assert_null (row->digest_state);
}

static void
asks_for_digests (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = start (
      f, "{'start': <true>, 'digests': <{'md5': '" MD5 "'}>, 'max-bytes': <@t 20>}", 0);
  GVariant *request = fake_transport_find (f->transport, task->id)->request;
  g_auto (GStrv) names = NULL;
  guint64 max = 0;

  g_assert_true (g_variant_lookup (request, "digests", "^as", &names));
  g_assert_cmpstr (names[0], ==, "md5");
  g_assert_null (names[1]);
  g_assert_true (g_variant_lookup (request, "max-bytes", "t", &max));
  g_assert_cmpuint (max, ==, 20);
}

static void
keeps_what_is_digested (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "{'start': <true>}", 8);
  g_autoptr (TrdTaskRow) row = NULL;

  fake_transport_digest (f->transport, task->id, make_state (6));
  row = trd_registry_load_task (f->registry, task, NULL);
  g_assert_nonnull (row->digest_state);
  g_assert_cmpuint (row->synced, ==, 6);
  cut (f, task, 8, NULL);
  g_assert_cmpuint (await_state (f, task), ==, 6);
}

static void
keeps_what_an_attempt_ends_with (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "{'start': <true>}", 8);

  fake_transport_digest (f->transport, task->id, make_state (6));
  cut (f, task, 8, make_state (8));
  g_assert_cmpuint (await_state (f, task), ==, 8);
}

/* What was digested behind what is on disk for sure is not there any more. */
static void
forgets_what_is_ahead_after_a_reboot (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "{'start': <true>}", 8);
  g_autoptr (TrdTaskRow) row = NULL;

  fake_transport_digest (f->transport, task->id, make_state (6));
  cut (f, task, 8, make_state (8));
  f->env.rebooted = TRUE;
  core_fixture_restart (f);
  task = trd_registry_find_task (f->registry, 1);
  g_assert_cmpuint (await_state (f, task), ==, 0);
  row = trd_registry_load_task (f->registry, task, NULL);
  g_assert_null (row->digest_state);
}

static void
believes_what_is_synced_after_a_reboot (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "{'start': <true>}", 8);

  fake_transport_digest (f->transport, task->id, make_state (6));
  cut (f, task, 8, NULL);
  f->env.rebooted = TRUE;
  core_fixture_restart (f);
  task = trd_registry_find_task (f->registry, 1);
  g_assert_cmpuint (await_state (f, task), ==, 6);
}

/* Law 11: the server begins anew, and so do the digests. */
static void
forgets_another_version (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "{'start': <true>}", 8);
  g_autoptr (TrdTaskRow) row = NULL;

  cut (f, task, 8, make_state (8));
  g_assert_cmpuint (await_state (f, task), ==, 8);
  fake_transport_respond (
      f->transport,
      task->id,
      g_variant_new_parsed ("{'status': <@u 200>, 'content-length': <@x 10>, 'offset': "
                            "<@t 0>, 'headers': <[('ETag', '\"v2\"')]>}"));
  row = trd_registry_load_task (f->registry, task, NULL);
  g_assert_null (row->digest_state);
}

static void
complete (CoreFixture *f, TrdTask *task, const char *computed)
{
  TrdOutcome *outcome = trd_outcome_new_complete (10, "content-length");

  outcome->digests = g_variant_ref_sink (
      g_variant_parse (G_VARIANT_TYPE ("a{say}"), computed, NULL, NULL, NULL));
  fake_transport_take_done (f->transport, task->id, outcome);
}

static void
tells_what_was_compared (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "{'start': <true>, 'digests': <{'md5': '" MD5 "'}>}", 10);
  g_autoptr (TrdTaskRow) row = NULL;
  g_autoptr (GVariant) digests = NULL;

  complete (f, task, "{'md5': " MD5_BYTES "}");
  test_await (task->state == TRUNDLE_TASK_FINISHED);
  row = trd_registry_load_task (f->registry, task, NULL);
  g_assert_null (row->error_name);
  digests = g_variant_lookup_value (row->integrity, "digests", NULL);
  g_assert_cmpuint (g_variant_n_children (digests), ==, 1);
}

/* Not a byte of another file is kept, whatever becomes of the task. */
static void
discards_another_file (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "{'start': <true>, 'digests': <{'md5': '" MD5 "'}>}", 10);
  g_autofree char *part = g_build_filename (f->directory, "spool", "1", NULL);
  g_autoptr (TrdTaskRow) row = NULL;

  g_assert_true (g_file_test (part, G_FILE_TEST_EXISTS));
  complete (f, task, "{'md5': " OTHER_BYTES "}");
  test_await (!fake_transport_is_running (f->transport, task->id));
  g_assert_false (g_file_test (part, G_FILE_TEST_EXISTS));
  row = trd_registry_load_task (f->registry, task, NULL);
  g_assert_null (row->integrity);
  g_assert_cmpstr (row->transient_name, ==, "IntegrityFailed");
}

/* Beside the part while it may be needed, and gone when it is not. */
static void
makes_room_to_decode (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "{'start': <true>, 'decode': <true>}", 10);
  g_autofree char *decoded = g_build_filename (f->directory, "spool", "1.decoded", NULL);

  g_assert_cmpint (fake_transport_find (f->transport, task->id)->decode_fd, >=, 0);
  g_assert_true (g_file_test (decoded, G_FILE_TEST_EXISTS));
  complete (f, task, "{}");
  test_await (task->state == TRUNDLE_TASK_FINISHED);
  g_assert_false (g_file_test (decoded, G_FILE_TEST_EXISTS));
}

static void
lets_the_decoded_be_the_file (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "{'start': <true>, 'decode': <true>}", 10);
  TrdOutcome *outcome = trd_outcome_new_complete (10, "content-length");
  g_autofree char *part = g_build_filename (f->directory, "spool", "1", NULL);
  g_autofree char *contents = NULL;

  g_assert_cmpint (
      write (fake_transport_find (f->transport, task->id)->decode_fd, "plain", 5), ==, 5);
  outcome->has_decoded = TRUE;
  outcome->decoded = 5;
  fake_transport_take_done (f->transport, task->id, outcome);
  test_await (task->state == TRUNDLE_TASK_FINISHED);
  g_assert_true (g_file_get_contents (part, &contents, NULL, NULL));
  g_assert_cmpstr (contents, ==, "plain");
}

#define add(name, func)                                                                  \
  g_test_add ("/runner-proof/" name,                                                     \
              CoreFixture,                                                               \
              NULL,                                                                      \
              core_fixture_set_up,                                                       \
              func,                                                                      \
              core_fixture_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("asks-for-digests", asks_for_digests);
  add ("law-4/believes-nothing-before-it-is-cut", believes_nothing_before_it_is_cut);
  add ("keeps-what-is-digested", keeps_what_is_digested);
  add ("keeps-what-an-attempt-ends-with", keeps_what_an_attempt_ends_with);
  add ("law-4/forgets-what-is-ahead", forgets_what_is_ahead_after_a_reboot);
  add ("law-4/believes-what-is-synced", believes_what_is_synced_after_a_reboot);
  add ("law-11/forgets-another-version", forgets_another_version);
  add ("law-10/tells-what-was-compared", tells_what_was_compared);
  add ("law-10/discards-another-file", discards_another_file);
  add ("decode/makes-room", makes_room_to_decode);
  add ("decode/decoded-is-the-file", lets_the_decoded_be_the_file);

  return g_test_run ();
}
