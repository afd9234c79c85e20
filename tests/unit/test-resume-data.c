/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Resume data: what was made is read back, and nothing else is read at all. */

#include "config.h"

#include "value/resume-data.h"

#include "common/error.h"

#include <string.h>

#define BYTES_SIZE 148
#define BYTES_DIGEST "98f97a7d6b90fc61fedd27310a5537bc0c4ffa8c977ef38c81df3b80e8999495"

static const TrdResumeData example = {
  .token = (char *)"0123456789abcdef0123456789abcdef",
  .url = (char *)"https://example.org/a?b=c",
  .offset = 4711,
  .total = G_GUINT64_CONSTANT (1) << 40,
  .created_us = G_GINT64_CONSTANT (1767268800000000),
};

static void
assert_refused (GBytes *bytes)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (trd_resume_data_from_bytes (bytes, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_RESUME_DATA);
  g_assert_cmpuint (strlen (error->message), >, strlen ("The resume data "));
}

static void
round_trip (void)
{
  g_autoptr (GBytes) bytes = trd_resume_data_to_bytes (&example);
  g_autoptr (GError) error = NULL;
  g_autoptr (TrdResumeData) read = trd_resume_data_from_bytes (bytes, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (read->token, ==, example.token);
  g_assert_cmpstr (read->url, ==, example.url);
  g_assert_cmpuint (read->offset, ==, example.offset);
  g_assert_cmpuint (read->total, ==, example.total);
  g_assert_cmpint (read->created_us, ==, example.created_us);
}

/* What an older version has given out is read for ever, on machines of either order. */
static void
bytes_do_not_change (void)
{
  g_autoptr (GBytes) bytes = trd_resume_data_to_bytes (&example);
  g_autofree char *digest = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, bytes);

  g_assert_cmpuint (g_bytes_get_size (bytes), ==, BYTES_SIZE);
  g_assert_cmpstr (digest, ==, BYTES_DIGEST);
}

/* The address is any text. */
static void
odd_addresses (void)
{
  static const char *const urls[] = { "", "a", "\xc3\xa4", "https://example.org/%00" };

  for (guint i = 0; i < G_N_ELEMENTS (urls); i++)
    {
      TrdResumeData data = example;
      g_autoptr (GBytes) bytes = NULL;
      g_autoptr (TrdResumeData) read = NULL;

      data.url = (char *)urls[i];
      bytes = trd_resume_data_to_bytes (&data);
      read = trd_resume_data_from_bytes (bytes, NULL);
      g_assert_nonnull (read);
      g_assert_cmpstr (read->url, ==, urls[i]);
    }
}

/* Every byte, every other value. */
static void
any_change_is_refused (void)
{
  g_autoptr (GBytes) bytes = trd_resume_data_to_bytes (&example);
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  g_autofree guint8 *copy = g_memdup2 (data, size);

  for (gsize i = 0; i < size; i++)
    {
      for (guint change = 1; change < 256; change++)
        {
          g_autoptr (GBytes) changed = NULL;

          copy[i] = data[i] ^ (guint8)change;
          changed = g_bytes_new_static (copy, size);
          assert_refused (changed);
        }
      copy[i] = data[i];
    }
}

static void
any_length_is_refused (void)
{
  g_autoptr (GBytes) bytes = trd_resume_data_to_bytes (&example);
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  g_autofree guint8 *longer = g_malloc0 (size + 16);

  memcpy (longer, data, size);
  for (gsize length = 0; length <= size + 16; length++)
    {
      g_autoptr (GBytes) other = g_bytes_new_static (longer, length);

      if (length != size)
        assert_refused (other);
    }
}

static void
noise_is_refused (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (47);

  for (guint i = 0; i < 20000; i++)
    {
      guint8 noise[200];
      g_autoptr (GBytes) bytes = NULL;

      for (guint j = 0; j < sizeof noise; j++)
        noise[j] = (guint8)g_rand_int (random);
      bytes = g_bytes_new (noise, (gsize)g_rand_int_range (random, 0, sizeof noise));
      assert_refused (bytes);
    }
}

/* An envelope with a right checksum, as another version would make it. */
static GBytes *
seal (guint32 version, GVariant *payload)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (payload);
  g_autoptr (GVariant) envelope = NULL;
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  guint32 little = GUINT32_TO_LE (version);
  guint8 digest[32];
  gsize length = sizeof digest;

  g_checksum_update (checksum, (const guchar *)"trundle-resume-data", -1);
  g_checksum_update (checksum, (const guchar *)&little, sizeof little);
  g_checksum_update (
      checksum, g_variant_get_data (owned), (gssize)g_variant_get_size (owned));
  g_checksum_get_digest (checksum, digest, &length);
  envelope = g_variant_ref_sink (g_variant_new (
      "(su@ay@ay)",
      "trundle-resume-data",
      version,
      g_variant_new_fixed_array (
          G_VARIANT_TYPE_BYTE, g_variant_get_data (owned), g_variant_get_size (owned), 1),
      g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, digest, sizeof digest, 1)));
  return g_variant_get_data_as_bytes (envelope);
}

static void
says_what_is_wrong (void)
{
  g_autoptr (GBytes) newer = seal (2, g_variant_new ("(s)", "of tomorrow"));
  g_autoptr (GBytes) none = g_bytes_new_static ("", 0);
  g_autoptr (GError) newer_error = NULL;
  g_autoptr (GError) none_error = NULL;

  g_assert_null (trd_resume_data_from_bytes (newer, &newer_error));
  g_assert_nonnull (strstr (newer_error->message, "newer"));
  g_assert_null (trd_resume_data_from_bytes (none, &none_error));
  g_assert_cmpstr (newer_error->message, !=, none_error->message);
}

/* Well made by somebody who knows how, and still nothing of ours. */
static void
forged (void)
{
  g_autoptr (GBytes) version = seal (0, g_variant_new ("(s)", "of yesterday"));
  g_autoptr (GBytes) payload = seal (1, g_variant_new ("(s)", "of another kind"));
  g_autoptr (GBytes) token = seal (
      1,
      g_variant_new (
          "(ssttx)", "../../etc/passwd", "x", (guint64)1, (guint64)1, (gint64)1));

  assert_refused (version);
  assert_refused (payload);
  assert_refused (token);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/resume-data/round-trip", round_trip);
  g_test_add_func ("/resume-data/bytes-do-not-change", bytes_do_not_change);
  g_test_add_func ("/resume-data/odd-addresses", odd_addresses);
  g_test_add_func ("/resume-data/any-change-is-refused", any_change_is_refused);
  g_test_add_func ("/resume-data/any-length-is-refused", any_length_is_refused);
  g_test_add_func ("/resume-data/noise-is-refused", noise_is_refused);
  g_test_add_func ("/resume-data/says-what-is-wrong", says_what_is_wrong);
  g_test_add_func ("/resume-data/forged", forged);

  return g_test_run ();
}
