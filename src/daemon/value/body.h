/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* What an upload sends: pieces, one after the other, each of bytes, of a file of the
 * spool, or of a file of somebody else's that must stay as it is. */

/* Files that one body may be of. */
#define TRD_BODY_FILES_MAX 64

/* How a file that is to be sent is kept as it is. */
typedef enum
{
  TRD_SNAPSHOT_AUTO, /* shared blocks, else a copy of what is not large, else watched */
  TRD_SNAPSHOT_COPY, /* shared blocks, else a copy */
  TRD_SNAPSHOT_NONE, /* watched */
} TrdSnapshot;

/* "auto", "copy", "none"; FALSE for every other word. */
gboolean
trd_snapshot_from_word (const char *word, TrdSnapshot *out_snapshot);

/* Of @bytes, @spool and @path exactly one is there. */
typedef struct
{
  GBytes *bytes;  /* (owned) (nullable) */
  char *spool;    /* (owned) (nullable): name of a file in the spool: "body-" and 32
                   * hexadecimal digits; of this body alone */
  char *path;     /* (owned) (nullable): absolute; a file that is watched */
  gboolean named; /* the app itself has said @path: it may be told in errors */
  guint64 offset; /* in the file; 0 for bytes */
  guint64 length;
  guint64 size; /* of the whole file when it was taken, in the spool too */

  /* Of a file that is watched, when it was taken. */
  guint64 device; /* its file system, as in TrdPlace; 0: unknown */
  guint64 inode;
  gint64 mtime_ns;
  gint64 ctime_ns;
} TrdPiece;

TrdPiece *
trd_piece_new_bytes (GBytes *bytes);
TrdPiece *
trd_piece_copy (const TrdPiece *self);
void
trd_piece_free (TrdPiece *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdPiece, trd_piece_free)

#define TRD_BODY_FILE_PREFIX "body-"

/* Whether it is a name that we give to files of bodies. */
gboolean
trd_body_is_file_name (const char *name);

typedef struct
{
  GPtrArray *pieces; /* (owned) (element-type TrdPiece) */
} TrdBody;

TrdBody *
trd_body_new (void);
void
trd_body_free (TrdBody *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdBody, trd_body_free)

/* Adds a piece at the end, which is taken. */
void
trd_body_take (TrdBody *self, TrdPiece *piece);

/* Bytes in all. */
guint64
trd_body_get_size (const TrdBody *self);

/* Pieces that are of files. */
guint
trd_body_count_files (const TrdBody *self);

/* The aa{sv} of rows: `bytes` (ay); or `spool` (s) or `path` (ay, bytestring), `offset`,
 * `length` and `size` (t), and with `path` besides `device`, `inode` (t), `mtime`,
 * `ctime` (x, nanoseconds) and, when the app has said it, `named` (b).  (transfer full),
 * not floating */
GVariant *
trd_body_to_variant (const TrdBody *self);

/* The same read, and checked: whoever opens what it names believes it.  Errors:
 * G_IO_ERROR_INVALID_DATA. */
TrdBody *
trd_body_from_variant (GVariant *variant, GError **error);

/* The aa{sv} that a worker gets as `body`: of the i-th piece, unless it is of bytes, the
 * file is @handles[i] in the list that goes along.  (transfer full), not floating */
GVariant *
trd_body_to_wire (const TrdBody *self, const int *handles);
