/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "decode.h"

#include "common/digest.h"
#include "common/error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define HELLO "Hello World!"
#define HELLO_SHA256 "7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069"
#define GZIP G_ZLIB_COMPRESSOR_FORMAT_GZIP
#define ZLIB G_ZLIB_COMPRESSOR_FORMAT_ZLIB
#define RAW G_ZLIB_COMPRESSOR_FORMAT_RAW

/* (transfer full) */
static GByteArray *
encode (GZlibCompressorFormat format, const char *text, gsize length)
{
  g_autoptr (GZlibCompressor) compressor = g_zlib_compressor_new (format, 9);
  g_autoptr (GInputStream) plain = g_memory_input_stream_new_from_data (
      text, (gssize)length, NULL);
  g_autoptr (GInputStream) stream = g_converter_input_stream_new (
      plain, G_CONVERTER (compressor));
  GByteArray *bytes = g_byte_array_new ();
  guint8 buffer[4096];
  gssize n;

  while ((n = g_input_stream_read (stream, buffer, sizeof buffer, NULL, NULL)) > 0)
    g_byte_array_append (bytes, buffer, (guint)n);
  g_assert_cmpint (n, ==, 0);
  return bytes;
}

static int
make_file (const void *data, gsize length)
{
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  int fd = g_file_open_tmp ("trundle-decode-XXXXXX", &path, &error);

  g_assert_no_error (error);
  g_unlink (path);
  g_assert_cmpint (write (fd, data, length), ==, length);
  return fd;
}

typedef struct
{
  TrwDecoded out;
  GError *error;
  GByteArray *plain;
} Result;

static void
result_clear (Result *self)
{
  g_clear_pointer (&self->out.digests, g_variant_unref);
  g_clear_error (&self->error);
  g_byte_array_unref (self->plain);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Result, result_clear)

static void
run (TrwCoding coding, const void *data, gsize length, guint64 max, Result *result)
{
  static char *names[] = { (char *)"sha256", NULL };
  int from = make_file (data, length);
  int to = make_file ("", 0);
  TrwDecoding task = {
    .from_fd = from, .to_fd = to, .coding = coding, .max_bytes = max, .names = names
  };
  gboolean is_good = trw_decode (&task, &result->out, &result->error);

  g_assert_true (is_good == (result->error == NULL));
  result->plain = g_byte_array_new ();
  g_byte_array_set_size (result->plain, (guint)result->out.size);
  g_assert_cmpint (
      pread (to, result->plain->data, result->plain->len, 0), ==, result->plain->len);
  g_close (from, NULL);
  g_close (to, NULL);
}

static void
assert_hello (Result *result)
{
  g_autoptr (GVariant) digest = NULL;
  g_autofree char *hex = NULL;

  g_assert_no_error (result->error);
  g_assert_cmpmem (result->plain->data, result->plain->len, HELLO, strlen (HELLO));
  digest = g_variant_lookup_value (result->out.digests, "sha256", NULL);
  hex = trundle_digest_to_hex (g_variant_get_data (digest), g_variant_get_size (digest));
  g_assert_cmpstr (hex, ==, HELLO_SHA256);
}

static void
test_formats (void)
{
  static const struct
  {
    TrwCoding coding;
    GZlibCompressorFormat format;
  } rows[] = { { TRW_CODING_GZIP, GZIP },
               { TRW_CODING_DEFLATE, ZLIB },
               { TRW_CODING_DEFLATE, RAW } };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GByteArray) bytes = encode (rows[i].format, HELLO, strlen (HELLO));
      g_auto (Result) result = { 0 };

      run (rows[i].coding, bytes->data, bytes->len, G_MAXUINT64, &result);
      assert_hello (&result);
    }
}

static void
test_members (void)
{
  g_autoptr (GByteArray) bytes = encode (GZIP, "Hello ", 6);
  g_autoptr (GByteArray) none = encode (GZIP, "", 0);
  g_autoptr (GByteArray) last = encode (GZIP, "World!", 6);
  g_auto (Result) result = { 0 };

  g_byte_array_append (bytes, none->data, none->len);
  g_byte_array_append (bytes, last->data, last->len);
  run (TRW_CODING_GZIP, bytes->data, bytes->len, G_MAXUINT64, &result);
  assert_hello (&result);
}

/* Members of all sizes, so that ends fall anywhere into the buffers. */
static void
test_many_members (void)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autofree char *text = g_strnfill (3000, 'x');
  gsize size = 0;
  g_auto (Result) result = { 0 };

  for (gsize i = 0; bytes->len < 300000; i = (i * 7 + 1) % 3000)
    {
      g_autoptr (GByteArray) member = encode (GZIP, text, i);

      g_byte_array_append (bytes, member->data, member->len);
      size += i;
    }
  run (TRW_CODING_GZIP, bytes->data, bytes->len, G_MAXUINT64, &result);
  g_assert_no_error (result.error);
  g_assert_cmpuint (result.out.size, ==, size);
}

static void
test_cut (void)
{
  g_autoptr (GByteArray) gzip = encode (GZIP, HELLO, strlen (HELLO));
  g_autoptr (GByteArray) zlib = encode (ZLIB, HELLO, strlen (HELLO));
  g_autoptr (GByteArray) raw = encode (RAW, HELLO, strlen (HELLO));
  GByteArray *all[] = { gzip, zlib, raw };

  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    {
      for (guint length = 1; length < all[i]->len; length++)
        {
          g_auto (Result) result = { 0 };

          run (i == 0 ? TRW_CODING_GZIP : TRW_CODING_DEFLATE,
               all[i]->data,
               length,
               G_MAXUINT64,
               &result);
          g_assert_error (result.error, TRUNDLE_ERROR, TRUNDLE_ERROR_DECODE_FAILED);
        }
    }
}

static void
test_excess (void)
{
  static const GZlibCompressorFormat formats[] = { GZIP, ZLIB, RAW };

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      g_autoptr (GByteArray) bytes = encode (formats[i], HELLO, strlen (HELLO));
      g_auto (Result) result = { 0 };

      g_byte_array_append (bytes, (const guint8 *)"\0", 1);
      run (i == 0 ? TRW_CODING_GZIP : TRW_CODING_DEFLATE,
           bytes->data,
           bytes->len,
           G_MAXUINT64,
           &result);
      g_assert_error (result.error, TRUNDLE_ERROR, TRUNDLE_ERROR_DECODE_FAILED);
    }
}

/* A bit that has turned over: the sum tells. */
static void
test_broken (void)
{
  g_autoptr (GByteArray) bytes = encode (GZIP, HELLO, strlen (HELLO));
  g_auto (Result) result = { 0 };

  bytes->data[bytes->len - 8] ^= 1;
  run (TRW_CODING_GZIP, bytes->data, bytes->len, G_MAXUINT64, &result);
  g_assert_error (result.error, TRUNDLE_ERROR, TRUNDLE_ERROR_DECODE_FAILED);
}

static void
test_nothing (void)
{
  g_auto (Result) gzip = { 0 };
  g_auto (Result) deflate = { 0 };

  run (TRW_CODING_GZIP, "", 0, G_MAXUINT64, &gzip);
  run (TRW_CODING_DEFLATE, "", 0, G_MAXUINT64, &deflate);
  g_assert_no_error (gzip.error);
  g_assert_no_error (deflate.error);
  g_assert_cmpuint (gzip.out.size + deflate.out.size, ==, 0);
}

/* A hundred megabytes in a hundred kilobytes: no more is written than may be. */
static void
test_bomb (void)
{
  g_autofree char *text = g_malloc0 (100 << 20);
  g_autoptr (GByteArray) bytes = encode (GZIP, text, 100 << 20);
  g_auto (Result) result = { 0 };

  g_assert_cmpuint (bytes->len, <, 200 << 10);
  run (TRW_CODING_GZIP, bytes->data, bytes->len, 1 << 20, &result);
  g_assert_error (result.error, TRUNDLE_ERROR, TRUNDLE_ERROR_TOO_LARGE);
  g_assert_cmpuint (result.out.size, <=, 1 << 20);
}

static void
test_max (void)
{
  g_autoptr (GByteArray) bytes = encode (GZIP, HELLO, strlen (HELLO));
  g_auto (Result) fits = { 0 };
  g_auto (Result) misfits = { 0 };

  run (TRW_CODING_GZIP, bytes->data, bytes->len, strlen (HELLO), &fits);
  run (TRW_CODING_GZIP, bytes->data, bytes->len, strlen (HELLO) - 1, &misfits);
  assert_hello (&fits);
  g_assert_error (misfits.error, TRUNDLE_ERROR, TRUNDLE_ERROR_TOO_LARGE);
}

static void
test_stop (void)
{
  g_autoptr (GByteArray) bytes = encode (GZIP, HELLO, strlen (HELLO));
  g_autoptr (GCancellable) stopper = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  TrwDecoded out = { 0 };
  int from = make_file (bytes->data, bytes->len);
  int to = make_file ("", 0);
  TrwDecoding task = { .from_fd = from,
                       .to_fd = to,
                       .coding = TRW_CODING_GZIP,
                       .max_bytes = G_MAXUINT64,
                       .stopper = stopper };

  g_cancellable_cancel (stopper);
  g_assert_false (trw_decode (&task, &out, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_CANCELLED);
  g_close (from, NULL);
  g_close (to, NULL);
}

static void
test_full (void)
{
  g_autoptr (GByteArray) bytes = encode (GZIP, HELLO, strlen (HELLO));
  g_autoptr (GError) error = NULL;
  TrwDecoded out = { 0 };
  int from = make_file (bytes->data, bytes->len);
  int to = g_open ("/dev/full", O_RDWR | O_CLOEXEC);
  TrwDecoding task = {
    .from_fd = from, .to_fd = to, .coding = TRW_CODING_GZIP, .max_bytes = G_MAXUINT64
  };

  g_assert_false (trw_decode (&task, &out, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_NO_SPACE);
  g_assert_cmpint (out.error_number, ==, ENOSPC);
  g_close (from, NULL);
  g_close (to, NULL);
}

static void
test_words (void)
{
  static const struct
  {
    const char *value;
    TrwCoding coding;
  } rows[] = {
    { NULL, TRW_CODING_NONE },          { "", TRW_CODING_NONE },
    { "identity", TRW_CODING_NONE },    { "gzip", TRW_CODING_GZIP },
    { "GZIP", TRW_CODING_GZIP },        { " x-gzip ", TRW_CODING_GZIP },
    { "deflate", TRW_CODING_DEFLATE },  { "br", TRW_CODING_OTHER },
    { "gzip, gzip", TRW_CODING_OTHER }, { "gzi", TRW_CODING_OTHER },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    g_assert_cmpint (trw_coding_parse (rows[i].value), ==, rows[i].coding);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/decode/formats", test_formats);
  g_test_add_func ("/decode/members", test_members);
  g_test_add_func ("/decode/many-members", test_many_members);
  g_test_add_func ("/decode/cut", test_cut);
  g_test_add_func ("/decode/excess", test_excess);
  g_test_add_func ("/decode/broken", test_broken);
  g_test_add_func ("/decode/nothing", test_nothing);
  g_test_add_func ("/decode/bomb", test_bomb);
  g_test_add_func ("/decode/max", test_max);
  g_test_add_func ("/decode/stop", test_stop);
  g_test_add_func ("/decode/full", test_full);
  g_test_add_func ("/decode/words", test_words);
  return g_test_run ();
}
