/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* trundle get: hands downloads to the service, all in one call, and may wait for them. */

#include "config.h"

#include <glib/gi18n.h>

#include "cli/destination.h"
#include "cli/get-options.h"
#include "cli/hand-over.h"
#include "common/url.h"

static char *
choose_destination (const TrcGetOptions *self, const char *url)
{
  g_autofree char *name = NULL;

  if (self->output != NULL)
    return g_canonicalize_filename (self->output, NULL);
  name = trundle_url_file_name (url);
  return g_canonicalize_filename (name, self->directory != NULL ? self->directory : NULL);
}

static TrcExit
choose_destinations (TrcGetOptions *self)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) taken = g_hash_table_new (g_str_hash, g_str_equal);

  if (self->directory != NULL)
    {
      char *absolute = g_canonicalize_filename (self->directory, NULL);

      g_free (self->directory);
      self->directory = absolute;
    }
  for (guint i = 0; self->urls[i] != NULL; i++)
    {
      char *path = choose_destination (self, self->urls[i]);
      TrcExit problem = trc_destination_check (path, self->if_exists);

      g_ptr_array_add (paths, path);
      if (problem != TRC_EXIT_DONE)
        return problem;
      if (!g_hash_table_add (taken, path) && g_strcmp0 (self->if_exists, "rename") != 0)
        {
          g_autofree char *name = g_path_get_basename (path);

          return trc_command_misuse (
              _ ("Two of the URLs would be saved as %s; use --if-exists=rename"), name);
        }
    }
  g_ptr_array_add (paths, NULL);
  self->destinations = (char **)g_ptr_array_free (g_steal_pointer (&paths), FALSE);
  return TRC_EXIT_DONE;
}

/* a{sv}, floating */
static GVariant *
describe_options (const TrcGetOptions *self)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  if (self->if_exists != NULL)
    g_variant_dict_insert (&dict, "if-exists", "s", self->if_exists);
  if (self->mirrors != NULL)
    g_variant_dict_insert (&dict, "mirrors", "^as", self->mirrors);
  if (self->digest_list != NULL)
    g_variant_dict_insert_value (&dict, "digests", self->digest_list);
  if (self->wanted_range != NULL)
    g_variant_dict_insert_value (&dict, "range", self->wanted_range);
  if (self->max_size != NULL)
    g_variant_dict_insert (&dict, "max-bytes", "t", self->max_bytes);
  if (self->decode)
    g_variant_dict_insert (&dict, "decode", "b", TRUE);
  return g_variant_dict_end (&dict);
}

static GPtrArray *
describe_tasks (const TrcGetOptions *self)
{
  GPtrArray *tasks = g_ptr_array_new_with_free_func ((GDestroyNotify)trc_new_task_free);

  for (guint i = 0; self->urls[i] != NULL; i++)
    {
      TrcNewTask *task = g_new0 (TrcNewTask, 1);

      task->url = g_strdup (self->urls[i]);
      task->destination = g_strdup (self->destinations[i]);
      task->options = g_variant_ref_sink (describe_options (self));
      g_ptr_array_add (tasks, task);
    }
  return tasks;
}

TrcExit
trc_get (int argc, char **argv)
{
  g_auto (TrcGetOptions) options = { 0 };
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  g_autoptr (GPtrArray) tasks = NULL;
  TrcExit problem = trc_get_options_read (&options, &argc, &argv);

  if (problem == TRC_EXIT_DONE)
    problem = choose_destinations (&options);
  if (problem != TRC_EXIT_DONE)
    return problem;
  tasks = describe_tasks (&options);
  return trc_hand_over (&options.task, tasks, fds);
}
