/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bodies: what rows say of them, and what workers are told. */

#include "config.h"

#include "value/body.h"

#define FILE_NAME "body-0123456789abcdef0123456789abcdef"

static TrdBody *
make_body (void)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("hello", 5);
  TrdBody *body = trd_body_new ();
  TrdPiece *spooled = g_new0 (TrdPiece, 1);
  TrdPiece *watched = g_new0 (TrdPiece, 1);

  trd_body_take (body, trd_piece_new_bytes (bytes));
  spooled->spool = g_strdup (FILE_NAME);
  spooled->offset = 1;
  spooled->length = 2;
  spooled->size = 3;
  trd_body_take (body, spooled);
  watched->path = g_strdup ("/home/\xff");
  watched->named = TRUE;
  watched->offset = 4;
  watched->length = 5;
  watched->size = 10;
  watched->device = 6;
  watched->inode = 7;
  watched->mtime_ns = -8;
  watched->ctime_ns = 9;
  trd_body_take (body, watched);

  return body;
}

static void
test_rows (void)
{
  g_autoptr (TrdBody) body = make_body ();
  g_autoptr (GVariant) variant = trd_body_to_variant (body);
  g_autoptr (GError) error = NULL;
  g_autoptr (TrdBody) read = trd_body_from_variant (variant, &error);
  g_autoptr (GVariant) again = NULL;
  const TrdPiece *watched;

  g_assert_no_error (error);
  again = trd_body_to_variant (read);
  g_assert_true (g_variant_equal (variant, again));
  g_assert_cmpuint (trd_body_get_size (read), ==, 12);
  g_assert_cmpuint (trd_body_count_files (read), ==, 2);
  watched = g_ptr_array_index (read->pieces, 2);
  g_assert_cmpstr (watched->path, ==, "/home/\xff");
  g_assert_true (watched->named);
  g_assert_cmpint (watched->mtime_ns, ==, -8);
}

static void
test_copy (void)
{
  g_autoptr (TrdBody) body = make_body ();
  g_autoptr (TrdBody) copy = trd_body_new ();
  g_autoptr (GVariant) variant = trd_body_to_variant (body);
  g_autoptr (GVariant) same = NULL;

  for (guint i = 0; i < body->pieces->len; i++)
    trd_body_take (copy, trd_piece_copy (g_ptr_array_index (body->pieces, i)));
  same = trd_body_to_variant (copy);
  g_assert_true (g_variant_equal (variant, same));
}

static void
test_wire (void)
{
  g_autoptr (TrdBody) body = make_body ();
  const int handles[] = { -1, 0, 1 };
  g_autoptr (GVariant) wire = trd_body_to_wire (body, handles);
  g_autoptr (GVariant) wanted = g_variant_ref_sink (g_variant_new_parsed (
      "[{'bytes': <@ay [104, 101, 108, 108, 111]>},"
      " {'file': <handle 0>, 'offset': <uint64 1>, 'length': <uint64 2>},"
      " {'file': <handle 1>, 'offset': <uint64 4>, 'length': <uint64 5>,"
      "  'size': <uint64 10>, 'mtime': <int64 -8>, 'ctime': <int64 9>}]"));

  for (guint i = 0; i < body->pieces->len; i++)
    {
      g_autoptr (GVariant) one = g_variant_get_child_value (wire, i);
      g_autoptr (GVariant) two = g_variant_get_child_value (wanted, i);
      GVariantIter iter;
      const char *key;
      GVariant *value;

      g_assert_cmpuint (g_variant_n_children (one), ==, g_variant_n_children (two));
      g_variant_iter_init (&iter, one);
      while (g_variant_iter_loop (&iter, "{&sv}", &key, &value))
        {
          g_autoptr (GVariant) other = g_variant_lookup_value (two, key, NULL);

          g_assert_nonnull (other);
          g_assert_true (g_variant_equal (value, other));
        }
    }
}

static const char *const bad_bodies[] = {
  "[{'bytes': <b'x'>, 'spool': <'" FILE_NAME "'>}]",
  "[{'offset': <uint64 1>}]",
  "[{'bytes': <'text'>}]",
  "[{'spool': <'../body'>, 'offset': <uint64 0>, 'length': <uint64 1>,"
  " 'size': <uint64 1>}]",
  "[{'spool': <'" FILE_NAME "'>, 'offset': <uint64 0>, 'length': <uint64 1>}]",
  "[{'spool': <'" FILE_NAME "'>, 'offset': <uint64 2>, 'length': <uint64 2>,"
  " 'size': <uint64 3>}]",
  "[{'spool': <'" FILE_NAME "'>, 'offset': <uint64 4>, 'length': <uint64 0>,"
  " 'size': <uint64 3>}]",
  "[{'spool': <'" FILE_NAME "'>, 'offset': <uint64 1>,"
  " 'length': <uint64 0xffffffffffffffff>, 'size': <uint64 3>}]",
  "[{'path': <b'relative'>, 'offset': <uint64 0>, 'length': <uint64 1>,"
  " 'size': <uint64 1>, 'device': <uint64 0>, 'inode': <uint64 1>,"
  " 'mtime': <int64 0>, 'ctime': <int64 0>}]",
  "[{'path': <b'/a'>, 'offset': <uint64 0>, 'length': <uint64 1>,"
  " 'size': <uint64 1>, 'device': <uint64 0>, 'inode': <uint64 1>,"
  " 'mtime': <int64 0>}]",
  "[{'spool': <'" FILE_NAME "'>, 'offset': <uint64 0>,"
  " 'length': <uint64 0x7fffffffffffffff>, 'size': <uint64 0x7fffffffffffffff>},"
  " {'spool': <'" FILE_NAME "'>, 'offset': <uint64 0>,"
  " 'length': <uint64 1>, 'size': <uint64 1>}]",
  "{'bytes': <b'x'>}",
};

static void
test_bad (gconstpointer text)
{
  g_autoptr (GVariant) variant = g_variant_ref_sink (g_variant_new_parsed (text));
  g_autoptr (GError) error = NULL;

  g_assert_null (trd_body_from_variant (variant, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
}

static void
test_too_many (void)
{
  g_autoptr (TrdBody) body = trd_body_new ();
  g_autoptr (GVariant) most = NULL;
  g_autoptr (GVariant) variant = NULL;
  g_autoptr (TrdBody) read = NULL;

  for (guint i = 0; i <= TRD_BODY_FILES_MAX; i++)
    {
      TrdPiece *piece = g_new0 (TrdPiece, 1);

      if (i == TRD_BODY_FILES_MAX)
        most = trd_body_to_variant (body);
      piece->spool = g_strdup (FILE_NAME);
      trd_body_take (body, piece);
    }
  variant = trd_body_to_variant (body);
  read = trd_body_from_variant (most, NULL);
  g_assert_nonnull (read);
  g_assert_null (trd_body_from_variant (variant, NULL));
}

static void
test_names (void)
{
  g_assert_true (trd_body_is_file_name (FILE_NAME));
  g_assert_false (trd_body_is_file_name (FILE_NAME "0"));
  g_assert_false (trd_body_is_file_name ("body-0123456789ABCDEF0123456789ABCDEF"));
  g_assert_false (trd_body_is_file_name ("body-0123"));
  g_assert_false (trd_body_is_file_name ("12"));
}

static void
test_snapshots (void)
{
  TrdSnapshot snapshot;

  g_assert_true (trd_snapshot_from_word ("none", &snapshot));
  g_assert_cmpint (snapshot, ==, TRD_SNAPSHOT_NONE);
  g_assert_true (trd_snapshot_from_word ("copy", &snapshot));
  g_assert_cmpint (snapshot, ==, TRD_SNAPSHOT_COPY);
  g_assert_true (trd_snapshot_from_word ("auto", &snapshot));
  g_assert_cmpint (snapshot, ==, TRD_SNAPSHOT_AUTO);
  g_assert_false (trd_snapshot_from_word ("", &snapshot));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/body/rows", test_rows);
  g_test_add_func ("/body/copy", test_copy);
  g_test_add_func ("/body/wire", test_wire);
  g_test_add_func ("/body/too-many", test_too_many);
  g_test_add_func ("/body/names", test_names);
  g_test_add_func ("/body/snapshots", test_snapshots);
  for (guint i = 0; i < G_N_ELEMENTS (bad_bodies); i++)
    {
      g_autofree char *path = g_strdup_printf ("/body/bad/%u", i);

      g_test_add_data_func (path, bad_bodies[i], test_bad);
    }

  return g_test_run ();
}
