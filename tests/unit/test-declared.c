/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "declared.h"

#include "common/digest.h"

/* Of "abc", and of nothing. */
#define MD5 "kAFQmDzST7DWlj99KOF/cg=="
#define MD5_HEX "900150983cd24fb0d6963f7d28e17f72"
#define SHA "qZk+NkcGgWq6PiVxeFDCbJzQ2J0="
#define SHA_HEX "a9993e364706816aba3e25717850c26c9cd0d89d"
#define SHA256 "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="
#define SHA256_HEX "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define EMPTY256 "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

typedef struct
{
  const char *name;
  gboolean is_part;
  const char *field;
  const char *value;
  const char *algorithm; /* NULL: nothing is declared */
  const char *hex;
} Row;

static const Row rows[] = {
  { "repr", FALSE, "Repr-Digest", "sha-256=:" SHA256 ":", "sha256", SHA256_HEX },
  { "repr/part", TRUE, "Repr-Digest", "sha-256=:" SHA256 ":", "sha256", SHA256_HEX },
  { "content", FALSE, "Content-Digest", "sha-256=:" SHA256 ":", "sha256", SHA256_HEX },
  { "content/part", TRUE, "Content-Digest", "sha-256=:" SHA256 ":", NULL, NULL },
  { "repr/weak", FALSE, "Repr-Digest", "md5=:" MD5 ":", "md5", MD5_HEX },
  { "repr/sha1", FALSE, "Repr-Digest", "sha=:" SHA ":", "sha1", SHA_HEX },
  { "repr/among-others",
    FALSE,
    "Repr-Digest",
    "a=1, b=\"x,:\\\"y\", c=?1;p=tok;q, sha-256=:" SHA256 ":;z=-1.5, d=(1 \"2\" :AA==:;f)"
    ";g, *e",
    "sha256",
    SHA256_HEX },
  { "repr/spaces",
    FALSE,
    "Repr-Digest",
    "  foo=bar \t,\t sha-256=:" SHA256 ":",
    "sha256",
    SHA256_HEX },
  { "repr/without-padding",
    FALSE,
    "Repr-Digest",
    "sha=:qZk+NkcGgWq6PiVxeFDCbJzQ2J0:",
    "sha1",
    SHA_HEX },
  { "repr/last-counts",
    FALSE,
    "Repr-Digest",
    "sha-256=:" EMPTY256 ":, sha-256=:" SHA256 ":",
    "sha256",
    SHA256_HEX },
  { "repr/last-is-none",
    FALSE,
    "Repr-Digest",
    "sha-256=:" SHA256 ":, sha-256=?0",
    NULL,
    NULL },
  { "repr/empty", FALSE, "Repr-Digest", "", NULL, NULL },
  { "repr/unknown", FALSE, "Repr-Digest", "crc32c=:AAAAAA==:", NULL, NULL },
  { "repr/token", FALSE, "Repr-Digest", "sha-256=" SHA256, NULL, NULL },
  { "repr/capital", FALSE, "Repr-Digest", "SHA-256=:" SHA256 ":", NULL, NULL },
  { "repr/open", FALSE, "Repr-Digest", "sha-256=:" SHA256, NULL, NULL },
  { "repr/open-string", FALSE, "Repr-Digest", "sha=:" SHA ":, a=\"x", NULL, NULL },
  { "repr/open-list", FALSE, "Repr-Digest", "sha=:" SHA ":, a=(1 2", NULL, NULL },
  { "repr/last-comma", FALSE, "Repr-Digest", "sha=:" SHA ":,", NULL, NULL },
  { "repr/no-comma", FALSE, "Repr-Digest", "sha=:" SHA ": md5=:" MD5 ":", NULL, NULL },
  { "repr/bad-escape", FALSE, "Repr-Digest", "sha=:" SHA ":, a=\"\\x\"", NULL, NULL },
  { "repr/no-value", FALSE, "Repr-Digest", "sha-256=", NULL, NULL },
  { "repr/wrong-size", FALSE, "Repr-Digest", "sha-256=:" MD5 ":", NULL, NULL },
  { "repr/no-base64",
    FALSE,
    "Repr-Digest",
    "md5=:kAFQmDzST7DWlj99KOF!cg==:",
    NULL,
    NULL },
  { "repr/bad-padding",
    FALSE,
    "Repr-Digest",
    "md5=:kAFQmDzST7DWlj99KOF/cg=:",
    NULL,
    NULL },
  { "repr/too-much-padding",
    FALSE,
    "Repr-Digest",
    "md5=:kAFQmDzST7DWlj99KOF/cg======:",
    NULL,
    NULL },
  { "old", FALSE, "Digest", "SHA-256=" SHA256, "sha256", SHA256_HEX },
  { "old/part", TRUE, "Digest", "sha-256=" SHA256, "sha256", SHA256_HEX },
  { "old/list", FALSE, "Digest", "unixsum=30637, md5=" MD5 ",x", "md5", MD5_HEX },
  { "old/no-value", FALSE, "Digest", "sha-256", NULL, NULL },
  { "old/identity", FALSE, "Digest", "id-sha-256=" SHA256, NULL, NULL },
  { "md5", FALSE, "Content-MD5", MD5, "md5", MD5_HEX },
  { "md5/part", TRUE, "Content-MD5", MD5, NULL, NULL },
  { "md5/hex", FALSE, "Content-MD5", MD5_HEX, NULL, NULL },
};

static void
check_declared (GVariant *declared, const char *algorithm, const char *hex)
{
  g_autoptr (GVariant) value = NULL;
  g_autofree char *found = NULL;

  g_assert_cmpstr (trw_declared_choose (declared), ==, algorithm);
  if (algorithm == NULL)
    return;
  value = g_variant_lookup_value (declared, algorithm, NULL);
  found = trundle_digest_to_hex (g_variant_get_data (value), g_variant_get_size (value));
  g_assert_cmpstr (found, ==, hex);
}

static void
test_row (gconstpointer data)
{
  const Row *row = data;
  SoupMessageHeaders *headers = soup_message_headers_new (SOUP_MESSAGE_HEADERS_RESPONSE);
  g_autoptr (GVariant) declared = NULL;

  soup_message_headers_append (headers, row->field, row->value);
  declared = trw_declared_parse (headers, row->is_part);
  check_declared (declared, row->algorithm, row->hex);
  soup_message_headers_unref (headers);
}

/* Lines of one field are one dictionary. */
static void
test_lines (void)
{
  SoupMessageHeaders *headers = soup_message_headers_new (SOUP_MESSAGE_HEADERS_RESPONSE);
  g_autoptr (GVariant) declared = NULL;

  soup_message_headers_append (headers, "Repr-Digest", "md5=:" MD5 ":");
  soup_message_headers_append (headers, "Repr-Digest", "sha-256=:" SHA256 ":");
  declared = trw_declared_parse (headers, FALSE);
  g_assert_cmpuint (g_variant_n_children (declared), ==, 2);
  check_declared (declared, "sha256", SHA256_HEX);
  soup_message_headers_unref (headers);
}

/* The newer field is believed where the older says something else. */
static void
test_order (void)
{
  SoupMessageHeaders *headers = soup_message_headers_new (SOUP_MESSAGE_HEADERS_RESPONSE);
  g_autoptr (GVariant) declared = NULL;

  soup_message_headers_append (headers, "Digest", "sha-256=" EMPTY256);
  soup_message_headers_append (headers, "Repr-Digest", "sha-256=:" SHA256 ":");
  declared = trw_declared_parse (headers, FALSE);
  check_declared (declared, "sha256", SHA256_HEX);
  soup_message_headers_unref (headers);
}

static void
test_encoded_md5 (void)
{
  SoupMessageHeaders *headers = soup_message_headers_new (SOUP_MESSAGE_HEADERS_RESPONSE);
  g_autoptr (GVariant) declared = NULL;

  soup_message_headers_append (headers, "Content-MD5", MD5);
  soup_message_headers_append (headers, "Content-Encoding", "gzip");
  declared = trw_declared_parse (headers, FALSE);
  check_declared (declared, NULL, NULL);
  soup_message_headers_unref (headers);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strdup_printf ("/declared/%s", rows[i].name);

      g_test_add_data_func (path, &rows[i], test_row);
    }
  g_test_add_func ("/declared/lines", test_lines);
  g_test_add_func ("/declared/order", test_order);
  g_test_add_func ("/declared/encoded-md5", test_encoded_md5);
  return g_test_run ();
}
