/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The command line of `trundle get`, as far as it is its own. */

#include "config.h"

#include "cli/get-options.h"

#include <glib/gi18n.h>
#include <stddef.h>
#include <string.h>

#include "cli/request.h"
#include "common/enums.h"

void
trc_get_options_clear (TrcGetOptions *self)
{
  trc_task_options_clear (&self->task);
  g_strfreev (self->urls);
  g_free (self->output);
  g_free (self->directory);
  g_free (self->if_exists);
  g_strfreev (self->mirrors);
  g_strfreev (self->digests);
  g_free (self->range);
  g_free (self->max_size);
  g_strfreev (self->destinations);
  g_clear_pointer (&self->digest_list, g_variant_unref);
  g_clear_pointer (&self->wanted_range, g_variant_unref);
}

#define FIELD(name) GUINT_TO_POINTER (offsetof (TrcGetOptions, name))

static const GOptionEntry templates[] = {
  { "output",
    'o',
    0,
    G_OPTION_ARG_FILENAME,
    FIELD (output),
    N_ ("Where to save the one file"),
    N_ ("FILE") },
  { "directory",
    'd',
    0,
    G_OPTION_ARG_FILENAME,
    FIELD (directory),
    N_ ("Where to save files under the names of their addresses"),
    N_ ("DIR") },
  { "if-exists",
    0,
    0,
    G_OPTION_ARG_STRING,
    FIELD (if_exists),
    N_ ("When the file exists: fail, replace or rename (default: fail)"),
    N_ ("WHAT") },
  { "mirror",
    0,
    0,
    G_OPTION_ARG_STRING_ARRAY,
    FIELD (mirrors),
    N_ ("Another address of the one file, asked when one fails; needs --digest; may be "
        "given again"),
    N_ ("URL") },
  { "digest",
    0,
    0,
    G_OPTION_ARG_STRING_ARRAY,
    FIELD (digests),
    N_ ("What the one file must be, as sha256:0123…; may be given again"),
    N_ ("ALGORITHM:HEX") },
  { "range",
    0,
    0,
    G_OPTION_ARG_STRING,
    FIELD (range),
    N_ ("Only the bytes from FIRST, counted from 0, to LAST"),
    N_ ("FIRST-LAST") },
  { "max-size",
    0,
    0,
    G_OPTION_ARG_STRING,
    FIELD (max_size),
    N_ ("Bytes a file may have, decoded too; K, M, G and T stand for powers of 1024"),
    N_ ("SIZE") },
  { "decode",
    0,
    0,
    G_OPTION_ARG_NONE,
    FIELD (decode),
    N_ ("Decode a file that comes with a Content-Encoding"),
    NULL },
  { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, FIELD (urls), NULL, NULL },
  { NULL },
};

static const char *const known_address[] = { "", NULL };

static gboolean
parse_options (TrcGetOptions *self, int *argc, char ***argv)
{
  if (!trc_task_options_parse (&self->task, templates, self, argc, argv))
    return FALSE;
  if (self->urls == NULL && self->task.resume_file != NULL)
    self->urls = g_strdupv ((char **)known_address);
  return TRUE;
}

static gboolean
check_options (TrcGetOptions *self)
{
  TrundleIfExists if_exists;

  if (self->urls == NULL)
    trc_command_misuse (_ ("Which URL?"));
  else if (self->output != NULL && self->directory != NULL)
    trc_command_misuse (_ ("--output and --directory exclude each other"));
  else if (self->output != NULL && g_strv_length (self->urls) > 1)
    trc_command_misuse (_ ("--output names one file; use --directory for several"));
  else if (self->urls[0][0] == '\0' && self->task.resume_file != NULL
           && self->output == NULL)
    trc_command_misuse (_ ("Without a URL --output must name the file"));
  else if ((self->mirrors != NULL || self->digests != NULL)
           && g_strv_length (self->urls) > 1)
    trc_command_misuse (_ ("--mirror and --digest are of one file"));
  else if (self->mirrors != NULL && self->digests == NULL)
    trc_command_misuse (_ ("--mirror needs --digest, to know the file by"));
  else if (self->if_exists != NULL
           && !trundle_if_exists_from_word (self->if_exists, &if_exists))
    trc_command_misuse (_ ("--if-exists must be fail, replace or rename"));
  else
    return trc_task_options_check (&self->task, self->urls);
  return FALSE;
}

static gboolean
read_request (TrcGetOptions *self)
{
  if (self->digests != NULL)
    {
      self->digest_list = trc_request_read_digests (self->digests);
      if (self->digest_list == NULL)
        return FALSE;
    }
  if (self->mirrors != NULL && !trc_request_check_mirrors (self->mirrors))
    return FALSE;
  if (self->range != NULL)
    {
      self->wanted_range = trc_request_read_range (self->range);
      if (self->wanted_range == NULL)
        return FALSE;
    }
  return TRUE;
}

/* "10M" → max_bytes. */
static gboolean
read_max_size (TrcGetOptions *self)
{
  static const char units[] = "KMGT";
  gsize length = self->max_size != NULL ? strlen (self->max_size) : 0;
  g_autofree char *number = g_strdup (self->max_size);
  const char *unit = NULL;
  guint shift = 0;

  if (self->max_size == NULL)
    return TRUE;
  if (length > 1)
    unit = strchr (units, g_ascii_toupper (number[length - 1]));
  if (unit != NULL)
    {
      shift = 10 * (guint)(unit - units + 1);
      number[length - 1] = '\0';
    }
  if (g_ascii_string_to_unsigned (
          number, 10, 0, G_MAXINT64 >> shift, &self->max_bytes, NULL))
    {
      self->max_bytes <<= shift;
      return TRUE;
    }
  trc_command_misuse (_ ("--max-size must be a number of bytes, such as 500 or 10M"));
  return FALSE;
}

TrcExit
trc_get_options_read (TrcGetOptions *self, int *argc, char ***argv)
{
  if (!parse_options (self, argc, argv) || !check_options (self) || !read_request (self)
      || !read_max_size (self))
    return TRC_EXIT_USAGE;
  return trc_task_options_read (&self->task);
}
