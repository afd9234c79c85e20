/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* trundle put: hands uploads to the service, all in one call, and may wait for them. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/body.h"
#include "cli/destination.h"
#include "cli/hand-over.h"
#include "cli/put-options.h"

#define BUFFER_BYTES (64 * 1024)

/* All that is not about what is sent. */
static void
describe_request (const TrcPutOptions *self, GVariantDict *dict)
{
  const char *method = self->post ? "POST" : self->method;

  if (method != NULL)
    g_variant_dict_insert (dict, "method", "s", method);
  if (self->snapshot != NULL)
    g_variant_dict_insert (dict, "snapshot", "s", self->snapshot);
  if (self->resumable != NULL)
    g_variant_dict_insert (dict, "resumable", "s", self->resumable);
  if (self->idempotency_key)
    g_variant_dict_insert (dict, "idempotency-key", "b", TRUE);
  if (self->retry_safe)
    g_variant_dict_insert (dict, "retry-safe", "b", TRUE);
  if (self->expect_continue)
    g_variant_dict_insert (dict, "expect-continue", "b", TRUE);
  if (self->if_exists != NULL)
    g_variant_dict_insert (dict, "if-exists", "s", self->if_exists);
}

static TrcNewTask *
new_task (const TrcPutOptions *self, const char *url, const char *name)
{
  TrcNewTask *task = g_new0 (TrcNewTask, 1);

  task->is_upload = TRUE;
  task->url = g_strdup (url);
  task->name = name != NULL ? g_filename_display_name (name) : NULL;
  task->destination = g_strdup (self->destination);
  return task;
}

/* Where @source goes.  NULL after it was told why not.  (transfer full) */
static char *
choose_url (const TrcPutOptions *self, const TrcSource *source)
{
  gboolean is_one = g_strv_length (self->files) == 1;
  g_autofree char *url = NULL;

  if (!trc_put_options_names_files (self))
    return g_strdup (self->url);
  url = trc_body_name_url (self->url, source->name != NULL ? source->name : "");
  if (url == NULL && is_one)
    return g_strdup (self->url);
  if (url == NULL)
    trc_command_misuse (_ ("For several files the URL must end with “/”"));
  else if (source->name == NULL)
    trc_command_misuse (_ ("Standard input has no name: the URL must not end with “/”"));
  else
    return g_steal_pointer (&url);
  return NULL;
}

static TrcExit
add_file (const TrcPutOptions *self, const char *file, GPtrArray *tasks, GUnixFDList *fds)
{
  g_auto (TrcSource) source = { .fd = -1 };
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *url = NULL;
  TrcNewTask *task;

  if (!trc_source_open (&source, file))
    return TRC_EXIT_FAILED;
  url = choose_url (self, &source);
  if (url == NULL)
    return TRC_EXIT_USAGE;
  describe_request (self, &dict);
  if (!trc_source_describe (&source, self->wanted_range, &dict, fds, &error))
    return trc_command_fail (error);

  task = new_task (self, url, source.name);
  task->options = g_variant_ref_sink (g_variant_dict_end (&dict));
  g_ptr_array_add (tasks, task);
  return TRC_EXIT_DONE;
}

/* What is sent for @field into @dict. */
static TrcExit
describe_field (const TrcField *field, GVariantDict *dict, GUnixFDList *fds)
{
  g_auto (TrcSource) source = { .fd = -1 };
  g_autoptr (GError) error = NULL;
  g_autofree char *shown = NULL;

  g_variant_dict_insert (dict, "name", "s", field->name);
  if (field->type != NULL)
    g_variant_dict_insert (dict, "content-type", "s", field->type);
  if (field->file == NULL)
    {
      g_variant_dict_insert (dict, "value", "s", field->value);
      return TRC_EXIT_DONE;
    }

  if (!trc_source_open (&source, field->file))
    return TRC_EXIT_FAILED;
  /* A field with a file name is a file to servers, also when nobody gave it one. */
  shown = g_filename_display_name (source.name != NULL ? source.name : "-");
  g_variant_dict_insert (
      dict, "file-name", "s", field->file_name != NULL ? field->file_name : shown);
  if (!trc_source_describe (&source, NULL, dict, fds, &error))
    return trc_command_fail (error);
  return TRC_EXIT_DONE;
}

static TrcExit
add_form (const TrcPutOptions *self, GPtrArray *tasks, GUnixFDList *fds)
{
  g_auto (GVariantBuilder) parts = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  TrcNewTask *task;

  for (guint i = 0; i < self->fields->len; i++)
    {
      g_auto (GVariantDict) part = G_VARIANT_DICT_INIT (NULL);
      TrcExit problem = describe_field (g_ptr_array_index (self->fields, i), &part, fds);

      if (problem != TRC_EXIT_DONE)
        return problem;
      g_variant_builder_add_value (&parts, g_variant_dict_end (&part));
    }
  describe_request (self, &dict);
  g_variant_dict_insert_value (&dict, "parts", g_variant_builder_end (&parts));

  task = new_task (self, self->url, NULL);
  task->options = g_variant_ref_sink (g_variant_dict_end (&dict));
  g_ptr_array_add (tasks, task);
  return TRC_EXIT_DONE;
}

/* What was begun before, and goes on with what the service has kept of it. */
static TrcExit
add_rest (const TrcPutOptions *self, GPtrArray *tasks)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  TrcNewTask *task = new_task (self, self->url, NULL);

  describe_request (self, &dict);
  task->options = g_variant_ref_sink (g_variant_dict_end (&dict));
  g_ptr_array_add (tasks, task);
  return TRC_EXIT_DONE;
}

static TrcExit
describe_tasks (const TrcPutOptions *self, GPtrArray *tasks, GUnixFDList *fds)
{
  TrcExit problem = TRC_EXIT_DONE;

  if (self->task.resume_file != NULL)
    return add_rest (self, tasks);
  if (self->fields->len > 0)
    return add_form (self, tasks, fds);
  for (guint i = 0; problem == TRC_EXIT_DONE && self->files[i] != NULL; i++)
    problem = add_file (self, self->files[i], tasks, fds);
  return problem;
}

/* ---- the answer on standard output ---- */

/* The service puts it into a file, as any, from where it is shown. */
static TrcExit
make_room (TrcPutOptions *self)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("trundle-answer-XXXXXX", &error);

  if (folder == NULL)
    return trc_command_fail (error);
  self->destination = g_build_filename (folder, "answer", NULL);
  return TRC_EXIT_DONE;
}

static gboolean
show_file (const char *path)
{
  int fd = g_open (path, O_RDONLY | O_CLOEXEC, 0);
  g_autofree char *buffer = g_malloc (BUFFER_BYTES);
  gssize n = -1;

  while (fd >= 0 && (n = read (fd, buffer, BUFFER_BYTES)) > 0)
    if (fwrite (buffer, 1, (gsize)n, stdout) != (gsize)n)
      break;
  if (n != 0 || fflush (stdout) != 0)
    trc_command_complain ("%s: %s", path, g_strerror (errno));
  if (fd >= 0)
    close (fd);
  return n == 0 && !ferror (stdout);
}

/* @end is how the task ended, and so will we unless there is another problem. */
static TrcExit
show_answer (const char *path, TrcExit end)
{
  g_autofree char *folder = g_path_get_dirname (path);

  if (end == TRC_EXIT_INTERRUPTED)
    {
      trc_command_complain (_ ("The answer will be saved as %s"), path);
      return end;
    }
  if (end == TRC_EXIT_DONE && !show_file (path))
    return TRC_EXIT_FAILED;
  g_unlink (path);
  g_rmdir (folder);
  return end;
}

TrcExit
trc_put (int argc, char **argv)
{
  g_auto (TrcPutOptions) options = { 0 };
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  g_autoptr (GPtrArray) tasks = NULL;
  TrcExit problem = trc_put_options_read (&options, &argc, &argv);

  if (problem == TRC_EXIT_DONE && options.destination != NULL)
    problem = trc_destination_check (options.destination, options.if_exists);
  else if (problem == TRC_EXIT_DONE && options.to_stdout)
    problem = make_room (&options);
  if (problem != TRC_EXIT_DONE)
    return problem;

  tasks = g_ptr_array_new_with_free_func ((GDestroyNotify)trc_new_task_free);
  problem = describe_tasks (&options, tasks, fds);
  if (problem == TRC_EXIT_DONE)
    problem = trc_hand_over (&options.task, tasks, fds);
  return options.to_stdout ? show_answer (options.destination, problem) : problem;
}
