/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Takes the Content-Encoding off a file that is whole.  GLib's decompressor does the
 * work; what it leaves to its callers is here: gzip is a sequence of members (RFC 1952
 * §2.2), of which it reads one, and "deflate" is the zlib format (RFC 9110 §8.4.1.2),
 * which some servers take for the raw one.  zlib checks the sums of both formats; the raw
 * one has none. */

#include "config.h"

#include "decode.h"

#include "common/error.h"
#include "digest.h"
#include "errors.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define INPUT_SIZE (64 * 1024)
#define OUTPUT_SIZE (256 * 1024)

typedef struct
{
  const TrwDecoding *task; /* (unowned) */
  TrwDecoded *out;         /* (unowned) */
  GConverter *converter;   /* (owned) */
  TrwDigests *digests;     /* (owned) (nullable) */
  guint8 *input;           /* (owned) */
  guint8 *output;          /* (owned) */
  gsize n_input;           /* bytes in it, not decoded yet */
  gsize input_start;
  guint64 n_read;
  gboolean is_at_end;   /* of the file */
  gboolean is_finished; /* a member has ended, and no other has begun */
} Run;

static void
run_clear (Run *run)
{
  g_clear_object (&run->converter);
  g_clear_pointer (&run->digests, trw_digests_free);
  g_clear_pointer (&run->input, g_free);
  g_clear_pointer (&run->output, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Run, run_clear)

TrwCoding
trw_coding_parse (const char *value)
{
  g_autofree char *word = g_strstrip (g_strdup (value != NULL ? value : ""));

  if (*word == '\0' || g_ascii_strcasecmp (word, "identity") == 0)
    return TRW_CODING_NONE;
  if (g_ascii_strcasecmp (word, "gzip") == 0 || g_ascii_strcasecmp (word, "x-gzip") == 0)
    return TRW_CODING_GZIP;
  if (g_ascii_strcasecmp (word, "deflate") == 0)
    return TRW_CODING_DEFLATE;
  return TRW_CODING_OTHER;
}

static gboolean
fail (GError **error, TrundleError code, const char *message)
{
  g_set_error_literal (error, TRUNDLE_ERROR, (int)code, message);
  return FALSE;
}

static gboolean
fail_by_file (Run *run, GError **error)
{
  run->out->error_number = errno;
  trw_error_set_by_file (error, errno);
  return FALSE;
}

static gboolean
refill (Run *run, GError **error)
{
  gssize n;

  do
    n = pread (run->task->from_fd, run->input, INPUT_SIZE, (off_t)run->n_read);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    return fail_by_file (run, error);
  run->is_at_end = n == 0;
  run->n_read += (guint64)n;
  run->n_input = (gsize)n;
  run->input_start = 0;
  return TRUE;
}

static gboolean
put (Run *run, gsize length, GError **error)
{
  const guint8 *data = run->output;

  if (length > run->task->max_bytes - run->out->size)
    return fail (
        error, TRUNDLE_ERROR_TOO_LARGE, "The file is larger than it may be when decoded");
  if (run->digests != NULL)
    trw_digests_update (run->digests, data, length);
  while (length > 0)
    {
      gssize n = pwrite (run->task->to_fd, data, length, (off_t)run->out->size);

      if (n < 0 && errno == EINTR)
        continue;
      if (n == 0)
        errno = ENOSPC;
      if (n <= 0)
        return fail_by_file (run, error);
      data += n;
      length -= (gsize)n;
      run->out->size += (guint64)n;
    }
  return TRUE;
}

/* A zlib header is two bytes whose value is a multiple of 31 and whose method is 8 (RFC
 * 1950 §2.2). */
static gboolean
has_zlib_header (const Run *run)
{
  return run->n_input >= 2 && (run->input[0] & 0x0f) == 8
         && (run->input[0] << 8 | run->input[1]) % 31 == 0;
}

static GConverter *
make_converter (const Run *run)
{
  GZlibCompressorFormat format = G_ZLIB_COMPRESSOR_FORMAT_GZIP;

  if (run->task->coding == TRW_CODING_DEFLATE)
    format = has_zlib_header (run) ? G_ZLIB_COMPRESSOR_FORMAT_ZLIB
                                   : G_ZLIB_COMPRESSOR_FORMAT_RAW;
  return G_CONVERTER (g_zlib_decompressor_new (format));
}

/* Something follows a member: another one, in gzip only. */
static gboolean
begin_member (Run *run, GError **error)
{
  if (run->task->coding != TRW_CODING_GZIP)
    return fail (error,
                 TRUNDLE_ERROR_DECODE_FAILED,
                 "Something follows the end of the encoded content");
  g_converter_reset (run->converter);
  run->is_finished = FALSE;
  return TRUE;
}

static gboolean
convert (Run *run, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  gsize n_read = 0;
  gsize n_written = 0;
  GConverterResult result = g_converter_convert (run->converter,
                                                 run->input + run->input_start,
                                                 run->n_input,
                                                 run->output,
                                                 OUTPUT_SIZE,
                                                 G_CONVERTER_NO_FLAGS,
                                                 &n_read,
                                                 &n_written,
                                                 &local_error);

  if (result == G_CONVERTER_ERROR)
    {
      /* All that could be had of the input was: there is more, or it breaks off. */
      if (g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT)
          && run->n_input == 0 && !run->is_at_end)
        return refill (run, error);
      return fail (error,
                   TRUNDLE_ERROR_DECODE_FAILED,
                   run->is_at_end ? "The encoded content breaks off"
                                  : "The encoded content is broken");
    }
  run->is_finished = result == G_CONVERTER_FINISHED;
  run->input_start += n_read;
  run->n_input -= n_read;
  return put (run, n_written, error);
}

static gboolean
decode (Run *run, GError **error)
{
  if (!refill (run, error))
    return FALSE;
  /* Nothing decodes to nothing: so do servers encode an empty file. */
  run->is_finished = run->is_at_end;
  run->converter = make_converter (run);
  while (!(run->is_finished && run->is_at_end))
    {
      if (g_cancellable_is_cancelled (run->task->stopper))
        return fail (error, TRUNDLE_ERROR_CANCELLED, "The decoding was stopped");
      if (run->is_finished && run->n_input == 0)
        {
          if (!refill (run, error))
            return FALSE;
          continue;
        }
      if (run->is_finished && !begin_member (run, error))
        return FALSE;
      if (!convert (run, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
trw_decode (const TrwDecoding *self, TrwDecoded *out, GError **error)
{
  g_auto (Run) run = { .task = self, .out = out };
  int result;

  run.input = g_malloc (INPUT_SIZE);
  run.output = g_malloc (OUTPUT_SIZE);
  if (self->names != NULL && self->names[0] != NULL)
    run.digests = trw_digests_new ((const char *const *)self->names);
  if (!decode (&run, error))
    return FALSE;
  do
    result = fdatasync (self->to_fd);
  while (result < 0 && errno == EINTR);
  if (result < 0)
    return fail_by_file (&run, error);
  if (run.digests != NULL)
    out->digests = trw_digests_finish (run.digests);
  return TRUE;
}
