/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "digest.h"

#include "common/digest.h"

#include <string.h>

static const char *const all[] = { "sha256", "sha512", "sha384", "sha224",
                                   "sha1",   "md5",    NULL };

static const struct
{
  const char *name;
  const char *empty;
  const char *abc;
} vectors[] = {
  { "md5", "d41d8cd98f00b204e9800998ecf8427e", "900150983cd24fb0d6963f7d28e17f72" },
  { "sha1",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "a9993e364706816aba3e25717850c26c9cd0d89d" },
  { "sha224",
    "d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f",
    "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7" },
  { "sha256",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
  { "sha384",
    "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51a"
    "d"
    "2f14898b95b",
    "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358ba"
    "e"
    "ca134c825a7" },
  { "sha512",
    "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff83"
    "1"
    "8d2877eec2f63b931bd47417a81a538327af927da3e",
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba"
    "3"
    "c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
};

static char *
get_hex (GVariant *digests, const char *name)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (digests, name, NULL);

  g_assert_nonnull (value);
  return trundle_digest_to_hex (g_variant_get_data (value), g_variant_get_size (value));
}

static void
check_text (const char *name, const char *text, const char *expected)
{
  const char *const names[] = { name, NULL };
  g_autoptr (TrwDigests) digests = trw_digests_new (names);
  g_autoptr (GVariant) found = NULL;
  g_autofree char *hex = NULL;

  trw_digests_update (digests, (const guint8 *)text, strlen (text));
  found = trw_digests_finish (digests);
  hex = get_hex (found, name);
  g_assert_cmpstr (hex, ==, expected);
}

static void
test_vectors (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++)
    {
      check_text (vectors[i].name, "", vectors[i].empty);
      check_text (vectors[i].name, "abc", vectors[i].abc);
    }
}

/* Everything in common/digest.h can be computed, and has the size that it says. */
static void
test_table (void)
{
  const TrundleDigest *digests;
  gsize n;

  digests = trundle_digest_all (&n);
  g_assert_cmpuint (n, ==, g_strv_length ((char **)all));
  for (gsize i = 0; i < n; i++)
    {
      const char *const names[] = { digests[i].name, NULL };
      g_autoptr (TrwDigests) running = trw_digests_new (names);
      g_autoptr (GVariant) found = trw_digests_finish (running);
      g_autoptr (GVariant) value = g_variant_lookup_value (found, digests[i].name, NULL);

      g_assert_cmpuint (g_variant_get_size (value), ==, digests[i].size);
    }
}

static guint8 *
make_data (gsize length)
{
  guint8 *data = g_malloc (length);

  for (gsize i = 0; i < length; i++)
    data[i] = (guint8)(i * 31 + i / 251);
  return data;
}

/* Put down and taken up again at any offset, they are what they would have been. */
static void
test_restore (void)
{
  gsize length = 1031;
  g_autofree guint8 *data = make_data (length);
  g_autoptr (TrwDigests) whole = trw_digests_new (all);
  g_autoptr (GVariant) expected = NULL;

  trw_digests_update (whole, data, length);
  expected = trw_digests_finish (whole);
  for (gsize cut = 0; cut <= length; cut += 1 + cut / 300)
    {
      g_autoptr (TrwDigests) first = trw_digests_new (all);
      g_autoptr (TrwDigests) second = NULL;
      g_autoptr (GVariant) state = NULL;
      g_autoptr (GVariant) found = NULL;

      trw_digests_update (first, data, cut);
      state = trw_digests_save (first);
      second = trw_digests_restore (state, all, length);
      g_assert_nonnull (second);
      g_assert_cmpuint (trw_digests_get_length (second), ==, cut);
      trw_digests_update (second, data + cut, length - cut);
      found = trw_digests_finish (second);
      g_assert_true (g_variant_equal (found, expected));
    }
}

/* The text of a state stays what it is: another version of us must read it. */
static void
test_encoding (void)
{
  static const char *const names[] = { "sha256", "md5", NULL };
  g_autoptr (TrwDigests) digests = trw_digests_new (names);
  g_autoptr (GVariant) state = NULL;
  g_autoptr (GVariant) sha256 = NULL;
  g_autoptr (GVariant) md5 = NULL;
  g_autofree char *sha256_hex = NULL;
  g_autofree char *md5_hex = NULL;

  trw_digests_update (digests, (const guint8 *)"abc", 3);
  state = trw_digests_save (digests);
  sha256 = g_variant_lookup_value (state, "sha256", NULL);
  md5 = g_variant_lookup_value (state, "md5", NULL);
  sha256_hex = trundle_digest_to_hex (g_variant_get_data (sha256),
                                      g_variant_get_size (sha256));
  md5_hex = trundle_digest_to_hex (g_variant_get_data (md5), g_variant_get_size (md5));
  g_assert_cmpstr (sha256_hex,
                   ==,
                   "6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19"
                   "616263");
  g_assert_cmpstr (md5_hex, ==, "67452301efcdab8998badcfe10325476616263");
}

/* Of several a state has, those are taken that are wanted. */
static void
test_fewer (void)
{
  static const char *const one[] = { "sha1", NULL };
  g_autoptr (TrwDigests) first = trw_digests_new (all);
  g_autoptr (TrwDigests) second = NULL;
  g_autoptr (GVariant) state = NULL;
  g_autoptr (GVariant) found = NULL;
  g_autofree char *hex = NULL;

  trw_digests_update (first, (const guint8 *)"ab", 2);
  state = trw_digests_save (first);
  second = trw_digests_restore (state, one, 2);
  trw_digests_update (second, (const guint8 *)"c", 1);
  found = trw_digests_finish (second);
  g_assert_cmpuint (g_variant_n_children (found), ==, 1);
  hex = get_hex (found, "sha1");
  g_assert_cmpstr (hex, ==, "a9993e364706816aba3e25717850c26c9cd0d89d");
}

static const struct
{
  const char *name;
  const char *state;
} misfits[] = {
  { "empty", "@a{sv} {}" },
  { "no-dictionary", "'x'" },
  { "other-version", "{'version': <@u 2>, 'offset': <@t 0>, 'md5': <b'x'>}" },
  { "no-version", "{'offset': <@t 0>}" },
  { "no-algorithm", "{'version': <@u 1>, 'offset': <@t 0>}" },
  { "too-short", "{'version': <@u 1>, 'offset': <@t 0>, 'md5': <[byte 1, 2]>}" },
  { "beyond",
    "{'version': <@u 1>, 'offset': <@t 11>, 'md5': <[byte 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, "
    "11, 12, 13, 14, 15, 16, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]>}" },
  { "other-rest",
    "{'version': <@u 1>, 'offset': <@t 9>, 'md5': <[byte 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, "
    "11, 12, 13, 14, 15, 16, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]>}" },
  { "other-type", "{'version': <@u 1>, 'offset': <@t 0>, 'md5': <'text'>}" },
};

static void
test_misfits (void)
{
  static const char *const names[] = { "md5", NULL };

  for (guint i = 0; i < G_N_ELEMENTS (misfits); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) state = g_variant_parse (
          NULL, misfits[i].state, NULL, NULL, &error);
      g_autoptr (TrwDigests) digests = NULL;

      g_assert_no_error (error);
      digests = trw_digests_restore (state, names, 10);
      g_assert_null (digests);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/digest/vectors", test_vectors);
  g_test_add_func ("/digest/table", test_table);
  g_test_add_func ("/digest/restore", test_restore);
  g_test_add_func ("/digest/encoding", test_encoding);
  g_test_add_func ("/digest/fewer", test_fewer);
  g_test_add_func ("/digest/misfits", test_misfits);
  return g_test_run ();
}
