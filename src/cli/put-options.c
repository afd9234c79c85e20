/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The command line of `trundle put`, as far as it is its own. */

#include "config.h"

#include "cli/put-options.h"

#include <glib/gi18n.h>
#include <stddef.h>
#include <string.h>

#include "cli/body.h"
#include "cli/print.h"
#include "cli/request.h"
#include "common/enums.h"

void
trc_put_options_clear (TrcPutOptions *self)
{
  trc_task_options_clear (&self->task);
  g_strfreev (self->arguments);
  g_free (self->method);
  g_free (self->content_type);
  g_free (self->range);
  g_free (self->snapshot);
  g_free (self->resumable);
  g_free (self->output);
  g_free (self->if_exists);
  g_free (self->url);
  g_strfreev (self->files);
  g_clear_pointer (&self->fields, g_ptr_array_unref);
  g_clear_pointer (&self->wanted_range, g_variant_unref);
  g_free (self->destination);
}

/* Fields are sent in the order in which they were given: some servers care. */
static gboolean
on_field (const char *option, const char *text, gpointer data, GError **error)
{
  TrcPutOptions *self = data;
  gboolean is_literal = g_str_equal (option, "--form-string");
  TrcField *field = trc_field_parse (text, is_literal);

  if (field != NULL)
    g_ptr_array_add (self->fields, field);
  else
    g_set_error_literal (error,
                         G_OPTION_ERROR,
                         G_OPTION_ERROR_BAD_VALUE,
                         is_literal ? _ ("--form-string must be NAME=VALUE")
                                    : _ ("--form must be NAME=VALUE, or NAME=@FILE with "
                                         ";type=TYPE or ;filename=NAME behind it"));
  return field != NULL;
}

#define FIELD(name) GUINT_TO_POINTER (offsetof (TrcPutOptions, name))

static const GOptionEntry templates[] = {
  { "method",
    'X',
    0,
    G_OPTION_ARG_STRING,
    FIELD (method),
    N_ ("Method of the request (default: PUT, and POST for a form)"),
    N_ ("METHOD") },
  { "post", 0, 0, G_OPTION_ARG_NONE, FIELD (post), N_ ("The same as -X POST"), NULL },
  { "form",
    'F',
    0,
    G_OPTION_ARG_CALLBACK,
    (gpointer)on_field,
    N_ ("A field of a form, with a value or a file; may be given again"),
    N_ ("NAME=VALUE|NAME=@FILE[;type=TYPE][;filename=NAME]") },
  { "form-string",
    0,
    0,
    G_OPTION_ARG_CALLBACK,
    (gpointer)on_field,
    N_ ("A field whose value may begin with “@”; may be given again"),
    N_ ("NAME=VALUE") },
  { "content-type",
    0,
    0,
    G_OPTION_ARG_STRING,
    FIELD (content_type),
    N_ ("What the server is told the file is"),
    N_ ("TYPE") },
  { "range",
    0,
    0,
    G_OPTION_ARG_STRING,
    FIELD (range),
    N_ ("Send only the bytes from FIRST, counted from 0, to LAST"),
    N_ ("FIRST-LAST") },
  { "snapshot",
    0,
    0,
    G_OPTION_ARG_STRING,
    FIELD (snapshot),
    N_ ("Whether a copy is sent: auto, copy or none (default: auto)"),
    N_ ("HOW") },
  { "resumable",
    0,
    0,
    G_OPTION_ARG_STRING,
    FIELD (resumable),
    N_ ("How to go on after a break: auto, ietf, tus or off (default: auto)"),
    N_ ("PROTOCOL") },
  { "idempotency-key",
    0,
    0,
    G_OPTION_ARG_NONE,
    FIELD (idempotency_key),
    N_ ("Send a key by which the server knows the request again, and repeat it"),
    NULL },
  { "retry-safe",
    0,
    0,
    G_OPTION_ARG_NONE,
    FIELD (retry_safe),
    N_ ("Repeat a request such as POST too: it does no harm twice"),
    NULL },
  { "expect-continue",
    0,
    0,
    G_OPTION_ARG_NONE,
    FIELD (expect_continue),
    N_ ("Ask the server before the file is sent"),
    NULL },
  { "output",
    'o',
    0,
    G_OPTION_ARG_FILENAME,
    FIELD (output),
    N_ ("Where to save the server's answer; “-” is standard output"),
    N_ ("FILE") },
  { "if-exists",
    0,
    0,
    G_OPTION_ARG_STRING,
    FIELD (if_exists),
    N_ ("When that exists: fail, replace or rename (default: fail)"),
    N_ ("WHAT") },
  { G_OPTION_REMAINING,
    0,
    0,
    G_OPTION_ARG_FILENAME_ARRAY,
    FIELD (arguments),
    NULL,
    NULL },
  { NULL },
};

/* The last one is the address; with resume data the service may have it. */
static void
split_arguments (TrcPutOptions *self)
{
  guint n = self->arguments != NULL ? g_strv_length (self->arguments) : 0;

  self->url = g_strdup (n > 0 ? self->arguments[n - 1] : "");
  self->files = g_new0 (char *, n + 1);
  for (guint i = 0; i + 1 < n; i++)
    self->files[i] = g_strdup (self->arguments[i]);
}

gboolean
trc_put_options_names_files (const TrcPutOptions *self)
{
  return self->fields->len == 0 && !self->post
         && (self->method == NULL || g_str_equal (self->method, "PUT"))
         && g_strcmp0 (self->resumable, "tus") != 0;
}

/* ---- what is sent ---- */

static guint
count_stdin (const TrcPutOptions *self)
{
  guint n = 0;

  for (guint i = 0; self->files[i] != NULL; i++)
    n += g_str_equal (self->files[i], "-");
  for (guint i = 0; i < self->fields->len; i++)
    n += g_strcmp0 (((TrcField *)g_ptr_array_index (self->fields, i))->file, "-") == 0;
  n += g_strcmp0 (self->task.header_file, "-") == 0;
  n += g_strcmp0 (self->task.password_file, "-") == 0;
  return n;
}

static gboolean
check_bodies (const TrcPutOptions *self)
{
  guint n_files = g_strv_length (self->files);
  gboolean is_form = self->fields->len > 0;
  gboolean goes_on = self->task.resume_file != NULL;

  if (self->url[0] == '\0' && !goes_on)
    trc_command_misuse (_ ("Which file, and to which URL?"));
  else if (goes_on && (n_files > 0 || is_form))
    trc_command_misuse (_ ("--resume-data says which file, too"));
  else if (n_files > 0 && is_form)
    trc_command_misuse (_ ("With --form there is no other file: use --form NAME=@FILE"));
  else if (n_files == 0 && !is_form && !goes_on)
    trc_command_misuse (_ ("Give a file, and behind it the URL"));
  else if (count_stdin (self) > 1)
    trc_command_misuse (_ ("Standard input is one file"));
  else if (self->range != NULL && n_files != 1)
    trc_command_misuse (_ ("--range is of one file"));
  else if (self->content_type != NULL && n_files == 0)
    trc_command_misuse (_ ("--content-type is of a file; in a form use ;type="));
  else
    return TRUE;
  return FALSE;
}

/* ---- everything else ---- */

static gboolean
check_word (const char *option, const char *word, const char *const *words)
{
  g_autofree char *all = NULL;

  if (word == NULL || g_strv_contains (words, word))
    return TRUE;
  all = g_strjoinv (", ", (char **)words);
  trc_command_misuse (_ ("%s must be one of: %s"), option, all);
  return FALSE;
}

static gboolean
check_output (const TrcPutOptions *self)
{
  TrundleIfExists if_exists;

  if (self->output != NULL && g_strv_length (self->files) > 1)
    trc_command_misuse (_ ("--output is for the answer to one file"));
  else if (self->if_exists != NULL
           && !trundle_if_exists_from_word (self->if_exists, &if_exists))
    trc_command_misuse (_ ("--if-exists must be fail, replace or rename"));
  else if (g_strcmp0 (self->output, "-") == 0 && self->task.json)
    trc_command_misuse (_ ("Standard output is for --json or for the answer, not both"));
  else
    return TRUE;
  return FALSE;
}

static gboolean
check_options (const TrcPutOptions *self)
{
  static const char *const snapshots[] = { "auto", "copy", "none", NULL };
  static const char *const protocols[] = { "auto", "ietf", "tus", "off", NULL };
  char *urls[] = { self->url, NULL };

  if (self->post && self->method != NULL)
    trc_command_misuse (_ ("--post and --method exclude each other"));
  else if (!g_utf8_validate (self->url, -1, NULL))
    trc_command_misuse (_ ("The last argument must be a URL"));
  else
    return check_bodies (self) && check_word ("--snapshot", self->snapshot, snapshots)
           && check_word ("--resumable", self->resumable, protocols)
           && check_output (self) && trc_task_options_check (&self->task, urls);
  return FALSE;
}

/* It is a header as any other, but for being one of several. */
static gboolean
add_content_type (TrcPutOptions *self)
{
  guint n = self->task.headers != NULL ? g_strv_length (self->task.headers) : 0;

  if (self->content_type == NULL)
    return TRUE;
  for (guint i = 0; i < n; i++)
    if (g_ascii_strncasecmp (self->task.headers[i], "Content-Type:", 13) == 0)
      {
        trc_command_misuse (_ ("--content-type and --header say the same"));
        return FALSE;
      }
  self->task.headers = g_renew (char *, self->task.headers, n + 2);
  self->task.headers[n] = g_strdup_printf ("Content-Type: %s", self->content_type);
  self->task.headers[n + 1] = NULL;
  return TRUE;
}

static gboolean
read_own (TrcPutOptions *self)
{
  if (!add_content_type (self))
    return FALSE;
  if (self->range != NULL)
    {
      self->wanted_range = trc_request_read_range (self->range);
      if (self->wanted_range == NULL)
        return FALSE;
    }
  self->to_stdout = g_strcmp0 (self->output, "-") == 0;
  /* Nothing else is to get into the answer. */
  if (self->to_stdout)
    self->task.wait = self->task.quiet = TRUE;
  else if (self->output != NULL)
    self->destination = g_canonicalize_filename (self->output, NULL);
  return TRUE;
}

TrcExit
trc_put_options_read (TrcPutOptions *self, int *argc, char ***argv)
{
  self->fields = g_ptr_array_new_with_free_func ((GDestroyNotify)trc_field_free);
  if (!trc_task_options_parse (&self->task, templates, self, argc, argv))
    return TRC_EXIT_USAGE;
  split_arguments (self);
  if (!check_options (self) || !read_own (self))
    return TRC_EXIT_USAGE;
  return trc_task_options_read (&self->task);
}
