/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>
#include <gio/gunixfdlist.h>

/* Bytes that are nobody else's business: a password, a token, a key.  Wiped when freed,
 * handed over by descriptor, and never taken from a command line, which all users of the
 * computer can read. */
typedef struct
{
  char *bytes; /* (owned): with a 0 behind them */
  gsize length;
} TrcSecret;

/* Copies @length bytes. */
TrcSecret *
trc_secret_new (const char *bytes, gsize length);
void
trc_secret_free (TrcSecret *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrcSecret, trc_secret_free)

/* All that the file @path has; "-" is standard input. */
TrcSecret *
trc_secret_read (const char *path, GError **error);
/* Its first line, without the end of it. */
TrcSecret *
trc_secret_read_line (const char *path, GError **error);

/* A file in memory that holds it, sealed; -1 on an error. */
int
trc_secret_open (const TrcSecret *self, GError **error);

/* The same as a handle of @fds, for a value of type `h`; -1 on an error. */
int
trc_secret_append (const TrcSecret *self, GUnixFDList *fds, GError **error);

/* A callback of GOptionEntry for `--password` and the like: says why not. */
gboolean
trc_secret_refuse (const char *option, const char *value, gpointer data, GError **error);
