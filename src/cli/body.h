/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>
#include <gio/gunixfdlist.h>

/* What an upload sends, as the command line names it.  What is wrong is told on standard
 * error, and FALSE or NULL returned. */

/* A file, or standard input. */
typedef struct
{
  char *path;    /* (owned) (nullable): absolute, for the service to open */
  int fd;        /* (owned): what has no name for the service; -1 */
  guint64 first; /* the byte of @fd at which it begins */
  char *name;    /* (owned) (nullable): its own name, as the file system has it */
} TrcSource;

void
trc_source_clear (TrcSource *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TrcSource, trc_source_clear)
/* @file, or standard input for "-", which must be readable; nothing is read of it. */
gboolean
trc_source_open (TrcSource *self, const char *file);
/* `body` or `body-path` into @dict, and `range`: @range (nullable, (tt)) of it, or all
 * that there is.  On an error @error is set: the only function here that does. */
gboolean
trc_source_describe (const TrcSource *self,
                     GVariant *range,
                     GVariantDict *dict,
                     GUnixFDList *fds,
                     GError **error);

/* A field of a form. */
typedef struct
{
  char *name;      /* (owned) */
  char *value;     /* (owned) (nullable): as it is */
  char *file;      /* (owned) (nullable): or what this file has */
  char *file_name; /* (owned) (nullable): the name the server is told */
  char *type;      /* (owned) (nullable): its media type */
} TrcField;

void
trc_field_free (TrcField *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrcField, trc_field_free)

/* "NAME=VALUE", or "NAME=@FILE" with ";type=…" and ";filename=…" behind it, where FILE,
 * and what follows a "=", may stand in double quotes with a backslash before those
 * within.  With @is_literal an "@" is nothing but that.  NULL for what is none of it. */
TrcField *
trc_field_parse (const char *text, gboolean is_literal);

/* @url for the file @name: what ends with a "/" names a folder, in which the file is to
 * be; NULL for what names a file itself.  (transfer full) */
char *
trc_body_name_url (const char *url, const char *name);
