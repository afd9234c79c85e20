/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a body is made of.  It is read at offsets and only read: the descriptions may be
 * the app's own, and their position is its. */

#include "config.h"

#include "pieces.h"

#include "common/error.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NS_PER_S G_GINT64_CONSTANT (1000000000)

typedef struct
{
  guint64 begins; /* in the body */
  guint64 length;
  GBytes *bytes;  /* (owned) (nullable): or else */
  int fd;         /* (unowned): of `files` */
  guint64 offset; /* in the file */
  gboolean has_stamp;
  guint64 size; /* what the file was */
  gint64 mtime_ns;
  gint64 ctime_ns;
} Piece;

typedef struct
{
  int handle;
  int fd; /* (owned) */
} Opened;

struct _TrwPieces
{
  GArray *pieces; /* (owned) (element-type Piece): in order */
  GArray *files;  /* (owned) (element-type Opened): each once */
  guint64 size;
};

static void
clear_piece (gpointer data)
{
  Piece *piece = data;

  g_clear_pointer (&piece->bytes, g_bytes_unref);
}

static void
close_file (gpointer data)
{
  Opened *file = data;

  g_close (file->fd, NULL);
}

static int
open_handle (TrwPieces *self, TrwFiles *files, int handle)
{
  Opened file = { .handle = handle };

  for (guint i = 0; i < self->files->len; i++)
    {
      const Opened *other = &g_array_index (self->files, Opened, i);

      if (other->handle == handle)
        return other->fd;
    }
  file.fd = trw_files_take (files, handle);
  if (file.fd >= 0)
    g_array_append_val (self->files, file);
  return file.fd;
}

static gboolean
read_file (TrwPieces *self, Piece *piece, GVariant *dict, TrwFiles *files)
{
  int handle;

  if (!g_variant_lookup (dict, "file", "h", &handle)
      || !g_variant_lookup (dict, "offset", "t", &piece->offset)
      || !g_variant_lookup (dict, "length", "t", &piece->length)
      || piece->offset > G_MAXINT64 || piece->length > G_MAXINT64 - piece->offset)
    return FALSE;
  piece->fd = open_handle (self, files, handle);
  piece->has_stamp = g_variant_lookup (dict, "size", "t", &piece->size)
                     && g_variant_lookup (dict, "mtime", "x", &piece->mtime_ns)
                     && g_variant_lookup (dict, "ctime", "x", &piece->ctime_ns);
  return piece->fd >= 0;
}

static gboolean
add_piece (TrwPieces *self, GVariant *dict, TrwFiles *files)
{
  Piece piece = { .fd = -1, .begins = self->size };
  g_autoptr (GVariant) bytes = g_variant_lookup_value (
      dict, "bytes", G_VARIANT_TYPE_BYTESTRING);

  if (bytes == NULL && !read_file (self, &piece, dict, files))
    return FALSE;
  if (bytes != NULL)
    {
      piece.bytes = g_variant_get_data_as_bytes (bytes);
      piece.length = g_bytes_get_size (piece.bytes);
    }
  if (piece.length > G_MAXINT64 - self->size)
    {
      clear_piece (&piece);
      return FALSE;
    }
  self->size += piece.length;
  g_array_append_val (self->pieces, piece);
  return TRUE;
}

TrwPieces *
trw_pieces_new (GVariant *list, TrwFiles *files, GError **error)
{
  g_autoptr (TrwPieces) self = g_new0 (TrwPieces, 1);
  GVariantIter iter;
  GVariant *dict;
  gboolean is_good = TRUE;

  self->pieces = g_array_new (FALSE, FALSE, sizeof (Piece));
  g_array_set_clear_func (self->pieces, clear_piece);
  self->files = g_array_new (FALSE, FALSE, sizeof (Opened));
  g_array_set_clear_func (self->files, close_file);
  g_variant_iter_init (&iter, list);
  while (is_good && (dict = g_variant_iter_next_value (&iter)) != NULL)
    {
      is_good = add_piece (self, dict, files);
      g_variant_unref (dict);
    }
  if (is_good)
    return g_steal_pointer (&self);
  g_set_error_literal (error,
                       TRUNDLE_ERROR,
                       TRUNDLE_ERROR_INVALID_ARGUMENT,
                       "body: neither bytes nor a part of a file that came along");
  return NULL;
}

void
trw_pieces_free (TrwPieces *self)
{
  g_clear_pointer (&self->pieces, g_array_unref);
  g_clear_pointer (&self->files, g_array_unref);
  g_free (self);
}

guint64
trw_pieces_get_size (const TrwPieces *self)
{
  return self->size;
}

/* The piece that has the byte at @offset; empty ones have none. */
static const Piece *
find_piece (const TrwPieces *self, guint64 offset)
{
  guint first = 0;
  guint end = self->pieces->len;

  while (end - first > 1)
    {
      guint middle = first + (end - first) / 2;

      if (g_array_index (self->pieces, Piece, middle).begins <= offset)
        first = middle;
      else
        end = middle;
    }
  return &g_array_index (self->pieces, Piece, first);
}

static void
set_changed (GError **error)
{
  g_set_error_literal (error,
                       TRUNDLE_ERROR,
                       TRUNDLE_ERROR_SOURCE_CHANGED,
                       "The file was changed while it was sent");
}

static void
set_unreadable (GError **error, int error_number)
{
  TrundleError code = TRUNDLE_ERROR_FAILED;

  if (error_number == ENOENT || error_number == ESTALE)
    code = TRUNDLE_ERROR_FILE_NOT_FOUND;
  if (error_number == EACCES || error_number == EPERM)
    code = TRUNDLE_ERROR_FILE_PERMISSION;
  g_set_error (
      error, TRUNDLE_ERROR, code, "Reading the file: %s", g_strerror (error_number));
}

static gboolean
read_from_file (
    const Piece *piece, guint64 at, guint8 *buffer, gsize length, GError **error)
{
  while (length > 0)
    {
      gssize n = pread (piece->fd, buffer, length, (off_t)(piece->offset + at));

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          set_unreadable (error, errno);
          return FALSE;
        }
      if (n == 0)
        {
          set_changed (error);
          return FALSE;
        }
      buffer += n;
      at += (guint64)n;
      length -= (gsize)n;
    }
  return TRUE;
}

gboolean
trw_pieces_read (
    TrwPieces *self, guint64 offset, guint8 *buffer, gsize length, GError **error)
{
  g_return_val_if_fail (offset <= self->size && length <= self->size - offset, FALSE);

  while (length > 0)
    {
      const Piece *piece = find_piece (self, offset);
      guint64 at = offset - piece->begins;
      gsize n = (gsize)MIN (length, piece->length - at);

      if (piece->bytes != NULL)
        memcpy (buffer, (const guint8 *)g_bytes_get_data (piece->bytes, NULL) + at, n);
      else if (!read_from_file (piece, at, buffer, n, error))
        return FALSE;
      buffer += n;
      offset += n;
      length -= n;
    }
  return TRUE;
}

static gint64
to_ns (const struct timespec *time)
{
  return time->tv_sec * NS_PER_S + time->tv_nsec;
}

static gboolean
is_as_it_was (const Piece *piece)
{
  struct stat facts;

  return fstat (piece->fd, &facts) == 0 && (guint64)facts.st_size == piece->size
         && to_ns (&facts.st_mtim) == piece->mtime_ns
         && to_ns (&facts.st_ctim) == piece->ctime_ns;
}

gboolean
trw_pieces_check (TrwPieces *self, GError **error)
{
  for (guint i = 0; i < self->pieces->len; i++)
    {
      const Piece *piece = &g_array_index (self->pieces, Piece, i);

      if (piece->bytes != NULL || !piece->has_stamp || is_as_it_was (piece))
        continue;
      set_changed (error);
      return FALSE;
    }
  return TRUE;
}
