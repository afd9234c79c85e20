/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a form must not be: of too many files, or sent by tus. */

#include "config.h"

#include "common/names.h"
#include "upload-fixture.h"

#define REFUSED TRUNDLE_ERROR_INVALID_ARGUMENT

/* As many files as a worker can be handed over; texts do not count. */
static void
test_many_files (UploadFixture *f, gconstpointer data)
{
  const int fds[] = { upload_fixture_make_memfd ("picture"), -1 };
  const int others[] = { upload_fixture_make_memfd ("picture"), -1 };
  g_autoptr (GString) parts = g_string_new ("{'name': <'a'>, 'value': <'b'>}");
  g_autofree char *just = NULL;
  g_autofree char *over = NULL;

  for (guint i = 0; i < TRD_BODY_FILES_MAX; i++)
    g_string_append (parts, ", {'name': <'a'>, 'body': <handle 0>}");
  just = g_strdup_printf ("{'parts': <[%s]>}", parts->str);
  over = g_strdup_printf ("{'parts': <[%s, {'name': <'a'>, 'body': <handle 0>}]>}",
                          parts->str);

  upload_fixture_create (f, just, fds);
  upload_fixture_refuse (f, over, others, REFUSED, "parts: at most 64");
}

/* Nobody can make another thing of it later, either. */
static void
test_form_not_by_tus (UploadFixture *f, gconstpointer data)
{
  TrdTask *task = upload_fixture_create (
      f, "{'parts': <[{'name': <'a'>, 'value': <'b'>}]>}", NULL);
  g_autofree char *path = trd_task_object_path (task->id);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = bus_fixture_call_full (
      &f->bus,
      f->bus.app,
      path,
      TRUNDLE_INTERFACE_TASK,
      "UpdateRequest",
      g_variant_new_parsed ("({'resumable': <'tus'>},)"),
      NULL,
      NULL,
      &error);

  g_assert_null (reply);
  g_assert_error (error, TRUNDLE_ERROR, REFUSED);
  g_assert_nonnull (strstr (error->message, "resumable"));
}

#define ADD(path, func)                                                                  \
  g_test_add ("/upload-forms/" path,                                                     \
              UploadFixture,                                                             \
              NULL,                                                                      \
              upload_fixture_set_up,                                                     \
              func,                                                                      \
              upload_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("many-files", test_many_files);
  ADD ("not-by-tus", test_form_not_by_tus);

  return g_test_run ();
}
