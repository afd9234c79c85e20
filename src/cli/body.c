/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files, pipes and forms on the command line, and what the service is told of them: the
 * path of a file where it has one that means the same to the service, else a handle. */

#include "config.h"

#include "cli/body.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"

/* ---- files ---- */

void
trc_source_clear (TrcSource *self)
{
  g_clear_pointer (&self->path, g_free);
  g_clear_pointer (&self->name, g_free);
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
}

/* "/dev/fd/63" of a shell is the file of another process for everybody else. */
static char *
find_path (const char *file)
{
  char *resolved = realpath (file, NULL);
  char *path = g_strdup (resolved);

  free (resolved);
  if (path == NULL || !g_utf8_validate (path, -1, NULL)
      || g_str_has_prefix (path, "/proc/") || g_str_has_prefix (path, "/dev/")
      || g_str_has_prefix (file, "/proc/") || g_str_has_prefix (file, "/dev/"))
    g_clear_pointer (&path, g_free);
  return path;
}

static gboolean
complain (const char *file, const char *problem)
{
  g_autofree char *shown = g_filename_display_name (file);

  trc_command_complain ("%s: %s", shown, problem);
  return FALSE;
}

gboolean
trc_source_open (TrcSource *self, const char *file)
{
  gboolean is_stdin = g_str_equal (file, "-");
  const char *shown = is_stdin ? _ ("standard input") : file;
  struct stat status;
  off_t at;

  *self = (TrcSource){ .fd = -1 };
  self->fd = is_stdin ? fcntl (STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                      : g_open (file, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0);
  if (self->fd < 0 || fstat (self->fd, &status) < 0)
    return complain (shown, g_strerror (errno));
  if (S_ISDIR (status.st_mode))
    return complain (shown, _ ("that is a folder"));
  if (!S_ISREG (status.st_mode) && !S_ISFIFO (status.st_mode)
      && !S_ISSOCK (status.st_mode))
    return complain (shown, _ ("that is neither a file nor a pipe"));

  if (!is_stdin)
    {
      self->name = g_path_get_basename (file);
      self->path = S_ISREG (status.st_mode) ? find_path (file) : NULL;
    }
  if (self->path != NULL)
    {
      close (self->fd);
      self->fd = -1;
    }
  /* Of a file that a shell has opened for us, somebody may have read the beginning. */
  else if (S_ISREG (status.st_mode) && (at = lseek (self->fd, 0, SEEK_CUR)) > 0)
    self->first = (guint64)at;
  return TRUE;
}

gboolean
trc_source_describe (const TrcSource *self,
                     GVariant *range,
                     GVariantDict *dict,
                     GUnixFDList *fds,
                     GError **error)
{
  guint64 first = 0;
  guint64 length = 0;
  int handle;

  if (self->path != NULL)
    g_variant_dict_insert (dict, "body-path", "s", self->path);
  else
    {
      handle = g_unix_fd_list_append (fds, self->fd, error);
      if (handle < 0)
        return FALSE;
      g_variant_dict_insert (dict, "body", "h", handle);
    }

  if (range != NULL)
    g_variant_get (range, "(tt)", &first, &length);
  if (range != NULL || self->first > 0)
    g_variant_dict_insert (dict, "range", "(tt)", self->first + first, length);
  return TRUE;
}

/* ---- fields ---- */

void
trc_field_free (TrcField *self)
{
  g_free (self->name);
  g_free (self->value);
  g_free (self->file);
  g_free (self->file_name);
  g_free (self->type);
  g_free (self);
}

static const char type_mark[] = ";type=";
static const char file_name_mark[] = ";filename=";

static gboolean
is_mark (const char *at)
{
  return g_str_has_prefix (at, type_mark) || g_str_has_prefix (at, file_name_mark);
}

/* What stands at *@at, in quotes or up to the next mark.  NULL when nothing does, or the
 * quotes do not end. */
static char *
read_text (const char **at)
{
  g_autoptr (GString) out = g_string_new (NULL);
  gboolean is_quoted = **at == '"';
  const char *end = *at + (is_quoted ? 1 : 0);

  for (; *end != '\0' && (is_quoted ? *end != '"' : !is_mark (end)); end++)
    {
      if (is_quoted && *end == '\\' && (end[1] == '"' || end[1] == '\\'))
        end++;
      g_string_append_c (out, *end);
    }
  if (is_quoted && *end++ != '"')
    return NULL;
  if (out->len == 0 || (*end != '\0' && !is_mark (end)))
    return NULL;

  *at = end;
  return g_string_free (g_steal_pointer (&out), FALSE);
}

static gboolean
parse_file (TrcField *self, const char *at)
{
  self->file = read_text (&at);
  while (self->file != NULL && *at != '\0')
    {
      gboolean is_type = g_str_has_prefix (at, type_mark);
      char **field = is_type ? &self->type : &self->file_name;

      at += is_type ? strlen (type_mark) : strlen (file_name_mark);
      if (*field != NULL || (*field = read_text (&at)) == NULL)
        return FALSE;
    }
  return self->file != NULL;
}

TrcField *
trc_field_parse (const char *text, gboolean is_literal)
{
  g_autoptr (TrcField) self = g_new0 (TrcField, 1);
  const char *equals = strchr (text, '=');

  if (equals == NULL || equals == text)
    return NULL;
  self->name = g_strndup (text, (gsize)(equals - text));
  if (is_literal || equals[1] != '@')
    self->value = g_strdup (equals + 1);
  else if (!parse_file (self, equals + 2))
    return NULL;
  return g_steal_pointer (&self);
}

/* ---- addresses ---- */

char *
trc_body_name_url (const char *url, const char *name)
{
  const char *authority = strstr (url, "://");
  const char *end = url + strcspn (url, "?#");
  g_autofree char *escaped = g_uri_escape_string (name, NULL, FALSE);
  const char *slash;

  if (authority == NULL || authority >= end)
    return NULL;
  slash = memchr (authority + 3, '/', (gsize)(end - authority - 3));
  if (slash != NULL && end[-1] != '/')
    return NULL;
  return g_strdup_printf (
      "%.*s%s%s%s", (int)(end - url), url, slash == NULL ? "/" : "", escaped, end);
}
