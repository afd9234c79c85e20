/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "core/proof.h"

#define MD5 "900150983cd24fb0d6963f7d28e17f72"
#define MD5_BYTES                                                                        \
  "[byte 0x90, 0x01, 0x50, 0x98, 0x3c, 0xd2, 0x4f, 0xb0, 0xd6, 0x96, 0x3f, 0x7d, 0x28, " \
  "0xe1, 0x7f, 0x72]"
#define OTHER "00015098ffd24fb0d6963f7d28e17f72"
#define OTHER_BYTES                                                                      \
  "[byte 0x00, 0x01, 0x50, 0x98, 0xff, 0xd2, 0x4f, 0xb0, 0xd6, 0x96, 0x3f, 0x7d, 0x28, " \
  "0xe1, 0x7f, 0x72]"

typedef struct
{
  const char *name;
  const char *options;
  const char *configuration;
  const char *digests; /* (nullable): of all these */
  const char *declared;
  const char *decoded; /* digests of the decoded file of 12 bytes */
  gboolean fails;
  TrundleError code;
  const char *details;   /* of the failure: printed without types */
  const char *integrity; /* NULL for nothing to say */
} Row;

#define ENTRY(source, more)                                                              \
  "{'algorithm': <'md5'>, 'digest': <'" MD5 "'>, 'source': <'" source                    \
  "'>, 'weak': <true>" more "}"

static const Row rows[] = {
  { "nothing", .options = "{}" },
  { "promised",
    "{'digests': <{'md5': '" MD5 "'}>}",
    .digests = "{'md5': " MD5_BYTES "}",
    .integrity = "{'digests': <[" ENTRY ("application", "") "]>}" },
  { "promised/capitals",
    "{'digests': <{'md5': '900150983CD24FB0D6963F7D28E17F72'}>}",
    .digests = "{'md5': " MD5_BYTES "}",
    .integrity = "{'digests': <[" ENTRY ("application", "") "]>}" },
  { "promised/other",
    "{'digests': <{'md5': '" OTHER "'}>}",
    .digests = "{'md5': " MD5_BYTES "}",
    .fails = TRUE,
    .code = TRUNDLE_ERROR_INTEGRITY_FAILED,
    .details = "{'algorithm': <'md5'>, 'computed': <'" MD5 "'>, 'expected': <'" OTHER
               "'>, 'reason': <'digest'>}" },
  /* Law 10: what was not computed is not right. */
  { "promised/not-computed",
    "{'digests': <{'md5': '" MD5 "'}>}",
    .fails = TRUE,
    .code = TRUNDLE_ERROR_INTEGRITY_FAILED,
    .details = "{'algorithm': <'md5'>, 'computed': <''>, 'expected': <'" MD5
               "'>, 'reason': <'digest'>}" },
  { "declared",
    "{}",
    .digests = "{'md5': " MD5_BYTES "}",
    .declared = "{'md5': " MD5_BYTES "}",
    .integrity = "{'digests': <[" ENTRY ("server", "") "]>}" },
  { "declared/other",
    "{}",
    .digests = "{'md5': " MD5_BYTES "}",
    .declared = "{'md5': " OTHER_BYTES "}",
    .fails = TRUE,
    .code = TRUNDLE_ERROR_INTEGRITY_FAILED,
    .details = "{'algorithm': <'md5'>, 'computed': <'" MD5 "'>, 'expected': <'" OTHER
               "'>, 'reason': <'digest'>}" },
  { "declared/not-computed", "{}", .declared = "{'md5': " OTHER_BYTES "}" },
  { "both",
    "{'digests': <{'md5': '" MD5 "'}>}",
    .digests = "{'md5': " MD5_BYTES "}",
    .declared = "{'md5': " MD5_BYTES "}",
    .integrity = "{'digests': <[" ENTRY ("application", "") ", " ENTRY ("server",
                                                                        "") "]>}" },
  { "decoded", "{}", .decoded = "@a{say} {}", .integrity = "{'decoded': <true>}" },
  { "decoded/promised",
    "{'digests': <{'md5': '" MD5 "'}>}",
    .digests = "{'md5': " OTHER_BYTES "}",
    .declared = "{'md5': " OTHER_BYTES "}",
    .decoded = "{'md5': " MD5_BYTES "}",
    .integrity = "{'decoded': <true>, 'digests': <[" ENTRY (
        "application", "") ", {'algorithm': "
                           "<'md5'>, 'digest': <'" OTHER
                           "'>, 'source': <'server'>, 'weak': <true>, "
                           "'encoded': <true>}]>}" },
  { "decoded/promised-of-the-encoded",
    "{'digests': <{'md5': '" MD5 "'}>}",
    .digests = "{'md5': " MD5_BYTES "}",
    .decoded = "{'md5': " OTHER_BYTES "}",
    .fails = TRUE,
    .code = TRUNDLE_ERROR_INTEGRITY_FAILED,
    .details = "{'algorithm': <'md5'>, 'computed': <'" OTHER "'>, 'expected': <'" MD5
               "'>, 'reason': <'digest'>}" },
  { "size", "{'expected-bytes': <uint64 3>, 'max-bytes': <uint64 3>}" },
  { "size/expected",
    "{'expected-bytes': <uint64 4>}",
    .fails = TRUE,
    .code = TRUNDLE_ERROR_INTEGRITY_FAILED,
    .details = "{'reason': <'size'>}" },
  { "size/max",
    "{'max-bytes': <uint64 2>}",
    .fails = TRUE,
    .code = TRUNDLE_ERROR_TOO_LARGE,
    .details = "{}" },
  { "size/max-of-session",
    "{}",
    "{'max-bytes': <uint64 2>}",
    .fails = TRUE,
    .code = TRUNDLE_ERROR_TOO_LARGE,
    .details = "{}" },
  { "size/decoded",
    "{'expected-bytes': <uint64 12>, 'max-bytes': <uint64 12>}",
    .decoded = "@a{say} {}",
    .integrity = "{'decoded': <true>}" },
  { "size/decoded-max",
    "{'max-bytes': <uint64 11>}",
    .decoded = "@a{say} {}",
    .fails = TRUE,
    .code = TRUNDLE_ERROR_TOO_LARGE,
    .details = "{}" },
};

/* (nullable) */
static GVariant *
parse (const char *type, const char *text)
{
  g_autoptr (GError) error = NULL;
  GVariant *value;

  if (text == NULL)
    return NULL;
  value = g_variant_parse (G_VARIANT_TYPE (type), text, NULL, NULL, &error);
  g_assert_no_error (error);
  return value;
}

/* By key, without the message, which is a sentence. */
static void
assert_details (const TrdOutcome *failure, const char *expected)
{
  g_autoptr (GVariant) details = trd_outcome_details (failure, NULL);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (details);
  g_autoptr (GVariant) found = NULL;
  g_autoptr (GVariant) wanted = parse ("a{sv}", expected);
  GVariantIter iter;
  const char *key;
  GVariant *value;

  g_variant_dict_remove (&dict, "message");
  found = g_variant_ref_sink (g_variant_dict_end (&dict));
  g_assert_cmpuint (g_variant_n_children (found), ==, g_variant_n_children (wanted));
  g_variant_iter_init (&iter, wanted);
  while (g_variant_iter_loop (&iter, "{&sv}", &key, &value))
    {
      g_autoptr (GVariant) other = g_variant_lookup_value (found, key, NULL);

      g_assert_nonnull (other);
      g_assert_true (g_variant_equal (value, other));
    }
}

static void
assert_integrity (GVariant *found, const char *expected)
{
  static const char *const keys[] = { "digests", "decoded" };
  g_autoptr (GVariant) wanted = parse ("a{sv}", expected);

  g_assert_true ((found != NULL) == (wanted != NULL));
  for (guint i = 0; wanted != NULL && i < G_N_ELEMENTS (keys); i++)
    {
      g_autoptr (GVariant) a = g_variant_lookup_value (found, keys[i], NULL);
      g_autoptr (GVariant) b = g_variant_lookup_value (wanted, keys[i], NULL);
      g_autofree char *a_text = a != NULL ? g_variant_print (a, FALSE) : NULL;
      g_autofree char *b_text = b != NULL ? g_variant_print (b, FALSE) : NULL;

      g_assert_cmpstr (a_text, ==, b_text);
    }
}

static void
test_row (gconstpointer data)
{
  const Row *row = data;
  g_autoptr (TrdOutcome) outcome = trd_outcome_new_complete (3, "chunked");
  g_autoptr (TrdOutcome) failure = NULL;
  g_autoptr (GVariant) options = parse ("a{sv}", row->options);
  g_autoptr (GVariant) configuration = parse (
      "a{sv}", row->configuration != NULL ? row->configuration : "{}");
  g_autoptr (GVariant) integrity = NULL;

  outcome->digests = parse ("a{say}", row->digests);
  outcome->declared_digests = parse ("a{say}", row->declared);
  outcome->decoded_digests = parse ("a{say}", row->decoded);
  outcome->has_decoded = row->decoded != NULL;
  outcome->decoded = 12;
  failure = trd_proof_check (options, configuration, outcome, &integrity);
  g_assert_true ((failure != NULL) == row->fails);
  if (row->fails)
    {
      g_assert_cmpint (failure->code, ==, row->code);
      g_assert_false (failure->complete);
      assert_details (failure, row->details);
    }
  else
    assert_integrity (integrity, row->integrity);
}

/* What an attempt is asked. */

static void
assert_asked (const char *options,
              const char *state,
              guint64 offset,
              const char *expected)
{
  g_autoptr (TrdTaskRow) row = g_new0 (TrdTaskRow, 1);
  g_autoptr (GVariant) request = parse ("a{sv}", "{}");
  g_autoptr (GVariant) asked = NULL;
  g_autofree char *text = NULL;

  row->options = parse ("a{sv}", options);
  row->digest_state = parse ("a{sv}", state);
  asked = trd_proof_ask (request, row, offset);
  text = g_variant_print (asked, FALSE);
  g_assert_cmpstr (text, ==, expected);
}

static void
test_ask (void)
{
  assert_asked ("{}", NULL, 0, "{}");
  assert_asked ("{'digests': <{'md5': '" MD5 "'}>}", NULL, 5, "{'digests': <['md5']>}");
}

/* A state is of use behind it only. */
static void
test_ask_state (void)
{
  static const char *const state = "{'offset': <uint64 5>}";
  static const char *const given = "{'digest-state': <{'offset': <uint64 5>}>}";

  assert_asked ("{}", state, 0, "{}");
  assert_asked ("{}", state, 4, "{}");
  assert_asked ("{}", state, 5, given);
  assert_asked ("{}", state, 6, given);
  assert_asked ("{}", "{'offset': <'x'>}", 6, "{}");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strdup_printf ("/proof/%s", rows[i].name);

      g_test_add_data_func (path, &rows[i], test_row);
    }
  g_test_add_func ("/proof/ask", test_ask);
  g_test_add_func ("/proof/ask-state", test_ask_state);
  return g_test_run ();
}
