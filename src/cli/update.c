/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* trundle update: another address or other headers for a transfer that does not run. */

#include "config.h"

#include <glib/gi18n.h>

#include "cli/bus.h"
#include "cli/request.h"
#include "common/names.h"
#include "common/url.h"

/* The command line; strings are owned. */
typedef struct
{
  char **tasks;
  char *url;
  char **headers;
  char *header_file;
  char **mirrors;
  char **digests;
} Options;

static void
options_clear (Options *self)
{
  g_strfreev (self->tasks);
  g_free (self->url);
  g_strfreev (self->headers);
  g_free (self->header_file);
  g_strfreev (self->mirrors);
  g_strfreev (self->digests);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

static gboolean
parse_options (Options *self, int *argc, char ***argv)
{
  const GOptionEntry entries[] = {
    { "url", 0, 0, G_OPTION_ARG_STRING, &self->url, N_ ("The new address"), N_ ("URL") },
    { "header",
      'H',
      0,
      G_OPTION_ARG_STRING_ARRAY,
      &self->headers,
      N_ ("A header in place of all there were; may be given again"),
      N_ ("“NAME: VALUE”") },
    { "header-file",
      0,
      0,
      G_OPTION_ARG_FILENAME,
      &self->header_file,
      N_ ("Headers in place of all there were, a line each; “-” is standard input"),
      N_ ("FILE") },
    { "mirror",
      0,
      0,
      G_OPTION_ARG_STRING_ARRAY,
      &self->mirrors,
      N_ ("Another address of the file in place of all there were; may be given again"),
      N_ ("URL") },
    { "digest",
      0,
      0,
      G_OPTION_ARG_STRING_ARRAY,
      &self->digests,
      N_ ("What the file must be; may be given again"),
      N_ ("ALGORITHM:HEX") },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &self->tasks, NULL, NULL },
    { NULL },
  };

  return trc_command_parse (entries, argc, argv);
}

static gboolean
check_options (const Options *self)
{
  g_autoptr (GUri) uri = NULL;
  g_autoptr (GError) error = NULL;

  if (self->tasks == NULL || g_strv_length (self->tasks) != 1)
    trc_command_misuse (_ ("Give the number of one task"));
  else if (self->url == NULL && self->headers == NULL && self->header_file == NULL
           && self->mirrors == NULL && self->digests == NULL)
    trc_command_misuse (_ ("What is to be otherwise?"));
  else if (self->url != NULL && (uri = trundle_url_parse (self->url, &error)) == NULL)
    trc_command_misuse ("%s", error->message);
  else
    return TRUE;

  return FALSE;
}

static gboolean
add_headers (const Options *self, GVariantDict *dict, GUnixFDList *fds)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TrcSecret) lines = NULL;
  int handle;

  if (self->headers == NULL && self->header_file == NULL)
    return TRUE;
  lines = trc_request_read_headers (self->headers, self->header_file);
  if (lines == NULL)
    return FALSE;
  handle = trc_secret_append (lines, fds, &error);
  if (handle < 0)
    trc_command_complain ("%s", error->message);
  else
    g_variant_dict_insert (dict, "headers-fd", "h", handle);
  return handle >= 0;
}

/* a{sv}, floating; NULL after it was told what is wrong. */
static GVariant *
describe_changes (const Options *self, GUnixFDList *fds)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GVariant) digests = NULL;

  if (!add_headers (self, &dict, fds))
    return NULL;
  if (self->digests != NULL
      && (digests = trc_request_read_digests (self->digests)) == NULL)
    return NULL;

  if (self->mirrors != NULL && !trc_request_check_mirrors (self->mirrors))
    return NULL;

  if (self->url != NULL)
    g_variant_dict_insert (&dict, "url", "s", self->url);
  if (self->mirrors != NULL)
    g_variant_dict_insert (&dict, "mirrors", "^as", self->mirrors);
  if (digests != NULL)
    g_variant_dict_insert_value (&dict, "digests", digests);
  return g_variant_dict_end (&dict);
}

TrcExit
trc_update (int argc, char **argv)
{
  g_auto (Options) options = { 0 };
  g_autoptr (GDBusConnection) connection = NULL;
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  g_autoptr (GVariant) changes = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;

  if (!parse_options (&options, &argc, &argv) || !check_options (&options))
    return TRC_EXIT_USAGE;
  path = trc_bus_task_path (options.tasks[0]);
  if (path == NULL)
    return trc_command_misuse (_ ("“%s” is not the number of a task"), options.tasks[0]);
  changes = describe_changes (&options, fds);
  if (changes == NULL)
    return TRC_EXIT_USAGE;

  g_variant_ref_sink (changes);
  connection = trc_bus_connect (&error);
  if (connection == NULL)
    {
      trc_command_fail (error);
      return TRC_EXIT_UNREACHABLE;
    }
  reply = trc_bus_call_with_fds (connection,
                                 -1,
                                 path,
                                 TRUNDLE_INTERFACE_TASK,
                                 "UpdateRequest",
                                 g_variant_new ("(@a{sv})", changes),
                                 fds,
                                 "()",
                                 &error);
  return reply != NULL ? TRC_EXIT_DONE : trc_command_fail (error);
}
