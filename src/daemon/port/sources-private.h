/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <sys/stat.h>

#include "port/sources.h"
#include "port/spool-private.h"

/* What the files of sources share: sources.c, sources-adopt.c, sources-copy.c. */

/* The facts that tell one state of a file from another. */
void
trd_piece_take_facts (TrdPiece *piece, int fd, const struct stat *facts);
gboolean
trd_piece_is_same (const TrdPiece *piece, int fd, const struct stat *facts);

gint64
trd_timespec_to_ns (const struct timespec *time);

/* Opens @path for reading when it is a regular file; nothing else is opened, since that
 * alone may do something to a device.  0, or an errno: EINVAL for what is no file. */
int
trd_sources_open_path (const char *path, int *out_fd);

/* A new file of a body in the spool, for writing; -1 on error. */
int
trd_sources_create (TrdSpool *spool, char **out_name, GError **error);
void
trd_sources_remove (TrdSpool *spool, const char *name);
/* On disk, with its name. */
gboolean
trd_sources_sync_file (TrdSpool *spool, int fd, GError **error);

/* By an errno of what reads; always FALSE. */
gboolean
trd_sources_set_error (GError **error, int error_number, const char *what);
gboolean
trd_sources_set_read_error (GError **error, int error_number);

/* sources-copy.c, all over a new file of the spool, @to_fd. */

/* Bytes @first to @first + @length of a file; holes stay holes.  @own: nobody else uses
 * the description.  What is shorter is SOURCE_CHANGED. */
typedef struct
{
  TrdSpool *spool; /* (unowned) */
  int from_fd;
  int to_fd;
  gboolean own;
  guint64 first;
  guint64 length;
  GCancellable *cancellable; /* (unowned) (nullable) */
} TrdCopying;
gboolean
trd_sources_copy (const TrdCopying *copying, GError **error);

/* What a pipe, a stream socket or a file whose size says nothing has to say, from byte
 * @first on, up to @length bytes, or all of it with 0. */
typedef struct
{
  TrdSpool *spool; /* (unowned) */
  int from_fd;     /* a pipe: with O_NONBLOCK */
  int to_fd;
  gboolean is_socket;
  gboolean is_file;
  guint64 first;
  guint64 length;
  guint idle_ms;
  GCancellable *cancellable; /* (unowned) (nullable) */
} TrdReading;
gboolean
trd_sources_read (const TrdReading *reading, guint64 *out_length, GError **error);
