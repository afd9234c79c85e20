/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an upload sends, as rows have it and as a worker gets it.
 *
 * A file of the spool is known by its name and its size alone: it is ours, nobody writes
 * to it, and its change time tells of nothing but another link, by which several tasks
 * share what it holds. */

#include "config.h"

#include "value/body.h"

#include <string.h>

#define FILE_DIGITS 32

static const char *const snapshot_words[] = {
  [TRD_SNAPSHOT_AUTO] = "auto",
  [TRD_SNAPSHOT_COPY] = "copy",
  [TRD_SNAPSHOT_NONE] = "none",
};

gboolean
trd_snapshot_from_word (const char *word, TrdSnapshot *out_snapshot)
{
  for (guint i = 0; i < G_N_ELEMENTS (snapshot_words); i++)
    if (g_strcmp0 (snapshot_words[i], word) == 0)
      {
        *out_snapshot = (TrdSnapshot)i;
        return TRUE;
      }

  return FALSE;
}

/* ---- pieces ---- */

TrdPiece *
trd_piece_new_bytes (GBytes *bytes)
{
  TrdPiece *self = g_new0 (TrdPiece, 1);

  self->bytes = g_bytes_ref (bytes);
  self->length = g_bytes_get_size (bytes);
  return self;
}

TrdPiece *
trd_piece_copy (const TrdPiece *self)
{
  TrdPiece *copy = g_memdup2 (self, sizeof *self);

  if (self->bytes != NULL)
    g_bytes_ref (self->bytes);
  copy->spool = g_strdup (self->spool);
  copy->path = g_strdup (self->path);
  return copy;
}

void
trd_piece_free (TrdPiece *self)
{
  if (self == NULL)
    return;

  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_free (self->spool);
  g_free (self->path);
  g_free (self);
}

gboolean
trd_body_is_file_name (const char *name)
{
  return g_str_has_prefix (name, TRD_BODY_FILE_PREFIX)
         && strlen (name) == strlen (TRD_BODY_FILE_PREFIX) + FILE_DIGITS
         && strspn (name + strlen (TRD_BODY_FILE_PREFIX), "0123456789abcdef")
                == FILE_DIGITS;
}

/* ---- bodies ---- */

TrdBody *
trd_body_new (void)
{
  TrdBody *self = g_new0 (TrdBody, 1);

  self->pieces = g_ptr_array_new_with_free_func ((GDestroyNotify)trd_piece_free);
  return self;
}

void
trd_body_free (TrdBody *self)
{
  if (self == NULL)
    return;

  g_ptr_array_unref (self->pieces);
  g_free (self);
}

void
trd_body_take (TrdBody *self, TrdPiece *piece)
{
  g_ptr_array_add (self->pieces, piece);
}

guint64
trd_body_get_size (const TrdBody *self)
{
  guint64 size = 0;

  for (guint i = 0; i < self->pieces->len; i++)
    size += ((const TrdPiece *)g_ptr_array_index (self->pieces, i))->length;

  return size;
}

guint
trd_body_count_files (const TrdBody *self)
{
  guint n = 0;

  for (guint i = 0; i < self->pieces->len; i++)
    n += ((const TrdPiece *)g_ptr_array_index (self->pieces, i))->bytes == NULL;

  return n;
}

/* ---- rows ---- */

static GVariant *
new_bytes (GBytes *bytes)
{
  return g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE);
}

static GVariant *
piece_to_variant (const TrdPiece *piece)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  if (piece->bytes != NULL)
    {
      g_variant_dict_insert_value (&dict, "bytes", new_bytes (piece->bytes));
      return g_variant_dict_end (&dict);
    }

  g_variant_dict_insert (&dict, "offset", "t", piece->offset);
  g_variant_dict_insert (&dict, "length", "t", piece->length);
  g_variant_dict_insert (&dict, "size", "t", piece->size);
  if (piece->spool != NULL)
    {
      g_variant_dict_insert (&dict, "spool", "s", piece->spool);
      return g_variant_dict_end (&dict);
    }

  g_variant_dict_insert (&dict, "path", "^ay", piece->path);
  g_variant_dict_insert (&dict, "device", "t", piece->device);
  g_variant_dict_insert (&dict, "inode", "t", piece->inode);
  g_variant_dict_insert (&dict, "mtime", "x", piece->mtime_ns);
  g_variant_dict_insert (&dict, "ctime", "x", piece->ctime_ns);
  if (piece->named)
    g_variant_dict_insert (&dict, "named", "b", TRUE);
  return g_variant_dict_end (&dict);
}

GVariant *
trd_body_to_variant (const TrdBody *self)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  g_return_val_if_fail (self != NULL, NULL);

  for (guint i = 0; i < self->pieces->len; i++)
    g_variant_builder_add_value (&builder,
                                 piece_to_variant (g_ptr_array_index (self->pieces, i)));

  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

static gboolean
read_range (TrdPiece *piece, GVariant *dict)
{
  return g_variant_lookup (dict, "offset", "t", &piece->offset)
         && g_variant_lookup (dict, "length", "t", &piece->length)
         && g_variant_lookup (dict, "size", "t", &piece->size)
         && piece->size <= G_MAXINT64 && piece->offset <= piece->size
         && piece->length <= piece->size - piece->offset;
}

static gboolean
read_watched (TrdPiece *piece, GVariant *dict)
{
  g_variant_lookup (dict, "named", "b", &piece->named);

  return g_path_is_absolute (piece->path)
         && g_variant_lookup (dict, "device", "t", &piece->device)
         && g_variant_lookup (dict, "inode", "t", &piece->inode)
         && g_variant_lookup (dict, "mtime", "x", &piece->mtime_ns)
         && g_variant_lookup (dict, "ctime", "x", &piece->ctime_ns);
}

/* (transfer full) (nullable) */
static TrdPiece *
piece_from_variant (GVariant *dict)
{
  g_autoptr (TrdPiece) piece = g_new0 (TrdPiece, 1);
  g_autoptr (GVariant) bytes = g_variant_lookup_value (
      dict, "bytes", G_VARIANT_TYPE_BYTESTRING);

  g_variant_lookup (dict, "spool", "s", &piece->spool);
  g_variant_lookup (dict, "path", "^ay", &piece->path);
  if ((bytes != NULL) + (piece->spool != NULL) + (piece->path != NULL) != 1)
    return NULL;

  if (bytes != NULL)
    {
      piece->bytes = g_variant_get_data_as_bytes (bytes);
      piece->length = g_bytes_get_size (piece->bytes);
      return g_steal_pointer (&piece);
    }
  if (!read_range (piece, dict)
      || (piece->spool != NULL && !trd_body_is_file_name (piece->spool))
      || (piece->path != NULL && !read_watched (piece, dict)))
    return NULL;

  return g_steal_pointer (&piece);
}

static gboolean
read_pieces (TrdBody *self, GVariant *variant)
{
  guint64 size = 0;
  GVariantIter iter;
  GVariant *dict;

  g_variant_iter_init (&iter, variant);
  while ((dict = g_variant_iter_next_value (&iter)) != NULL)
    {
      TrdPiece *piece = piece_from_variant (dict);

      g_variant_unref (dict);
      if (piece == NULL)
        return FALSE;
      trd_body_take (self, piece);
      if (piece->length > G_MAXINT64 - size)
        return FALSE;
      size += piece->length;
    }

  return trd_body_count_files (self) <= TRD_BODY_FILES_MAX;
}

TrdBody *
trd_body_from_variant (GVariant *variant, GError **error)
{
  g_autoptr (TrdBody) self = trd_body_new ();

  g_return_val_if_fail (variant != NULL, NULL);

  if (g_variant_is_of_type (variant, G_VARIANT_TYPE ("aa{sv}"))
      && read_pieces (self, variant))
    return g_steal_pointer (&self);

  g_set_error_literal (error,
                       G_IO_ERROR,
                       G_IO_ERROR_INVALID_DATA,
                       "What is stored of an upload makes no sense");
  return NULL;
}

/* ---- the worker ---- */

static GVariant *
piece_to_wire (const TrdPiece *piece, int handle)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  if (piece->bytes != NULL)
    {
      g_variant_dict_insert_value (&dict, "bytes", new_bytes (piece->bytes));
      return g_variant_dict_end (&dict);
    }

  g_variant_dict_insert (&dict, "file", "h", handle);
  g_variant_dict_insert (&dict, "offset", "t", piece->offset);
  g_variant_dict_insert (&dict, "length", "t", piece->length);
  if (piece->path != NULL)
    {
      g_variant_dict_insert (&dict, "size", "t", piece->size);
      g_variant_dict_insert (&dict, "mtime", "x", piece->mtime_ns);
      g_variant_dict_insert (&dict, "ctime", "x", piece->ctime_ns);
    }
  return g_variant_dict_end (&dict);
}

GVariant *
trd_body_to_wire (const TrdBody *self, const int *handles)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  g_return_val_if_fail (self != NULL && handles != NULL, NULL);

  for (guint i = 0; i < self->pieces->len; i++)
    g_variant_builder_add_value (
        &builder, piece_to_wire (g_ptr_array_index (self->pieces, i), handles[i]));

  return g_variant_ref_sink (g_variant_builder_end (&builder));
}
