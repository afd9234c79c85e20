/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What each ending means, how errors become endings, and what a worker may say. */

#include "config.h"

#include "common/defaults.h"
#include "value/outcome.h"

#include <errno.h>
#include <string.h>

/* All that is not FAIL. */
static const struct
{
  TrundleError code;
  TrdVerdict verdict;
} verdicts[] = {
  { TRUNDLE_ERROR_TIMED_OUT, TRD_VERDICT_RETRY },
  { TRUNDLE_ERROR_HOST_NOT_FOUND, TRD_VERDICT_RETRY },
  { TRUNDLE_ERROR_CANNOT_CONNECT, TRD_VERDICT_RETRY },
  { TRUNDLE_ERROR_CONNECTION_LOST, TRD_VERDICT_RETRY },
  { TRUNDLE_ERROR_NO_SPACE, TRD_VERDICT_WAIT_DISK },
  { TRUNDLE_ERROR_DESTINATION_GONE, TRD_VERDICT_WAIT_DESTINATION },
};

static void
test_verdict (gconstpointer data)
{
  TrundleError code = (TrundleError)GPOINTER_TO_UINT (data);
  g_autoptr (TrdOutcome) outcome = trd_outcome_new_failed (code, NULL);
  TrdVerdict expected = TRD_VERDICT_FAIL;

  for (guint i = 0; i < G_N_ELEMENTS (verdicts); i++)
    {
      if (verdicts[i].code == code)
        expected = verdicts[i].verdict;
    }
  g_assert_cmpint (trd_outcome_judge (outcome), ==, expected);
  g_assert_nonnull (outcome->message);
  g_assert_false (g_str_has_suffix (outcome->message, "."));
}

static void
test_complete (void)
{
  g_autoptr (TrdOutcome) outcome = trd_outcome_new_complete (7, "content-length");

  g_assert_cmpint (trd_outcome_judge (outcome), ==, TRD_VERDICT_SUCCEED);
  g_assert_cmpuint (outcome->received, ==, 7);
  g_assert_cmpstr (outcome->proof, ==, "content-length");
}

static const struct
{
  int error_number;
  TrundleError code;
  TrdVerdict verdict;
} file_errors[] = {
  { ENOSPC, TRUNDLE_ERROR_NO_SPACE, TRD_VERDICT_WAIT_DISK },
  { EACCES, TRUNDLE_ERROR_FILE_PERMISSION, TRD_VERDICT_FAIL },
  { EPERM, TRUNDLE_ERROR_FILE_PERMISSION, TRD_VERDICT_FAIL },
  { EROFS, TRUNDLE_ERROR_FILE_PERMISSION, TRD_VERDICT_FAIL },
  { ENOENT, TRUNDLE_ERROR_FILE_NOT_FOUND, TRD_VERDICT_FAIL },
  { EEXIST, TRUNDLE_ERROR_FILE_EXISTS, TRD_VERDICT_FAIL },
  { EISDIR, TRUNDLE_ERROR_FILE_IS_DIRECTORY, TRD_VERDICT_FAIL },
  { ENOTDIR, TRUNDLE_ERROR_DESTINATION_GONE, TRD_VERDICT_WAIT_DESTINATION },
  { EBUSY, TRUNDLE_ERROR_FAILED, TRD_VERDICT_RETRY_AT_ONCE },
  { EWOULDBLOCK, TRUNDLE_ERROR_FAILED, TRD_VERDICT_RETRY_AT_ONCE },
  { EIO, TRUNDLE_ERROR_WRITE_FAILED, TRD_VERDICT_FAIL },
};

/* By both ways GLib turns an errno into an error. */
static void
test_file_error (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  int error_number = file_errors[i].error_number;
  g_autoptr (GError) error = g_error_new (G_IO_ERROR,
                                          (int)g_io_error_from_errno (error_number),
                                          "/home/u/secret: %s",
                                          g_strerror (error_number));
  g_autoptr (TrdOutcome) outcome = trd_outcome_new_from_error (error);

  g_assert_cmpint (outcome->code, ==, file_errors[i].code);
  g_assert_cmpint (trd_outcome_judge (outcome), ==, file_errors[i].verdict);
  g_assert_null (strstr (outcome->message, "secret"));
}

static void
test_g_file_error (void)
{
  g_autoptr (GError) error = g_error_new_literal (
      G_FILE_ERROR, G_FILE_ERROR_NOSPC, "Full");
  g_autoptr (TrdOutcome) outcome = trd_outcome_new_from_error (error);

  g_assert_cmpint (outcome->code, ==, TRUNDLE_ERROR_NO_SPACE);
  g_assert_cmpint (outcome->error_number, ==, ENOSPC);
}

static void
test_own_error (gconstpointer data)
{
  int code = GPOINTER_TO_INT (data);
  g_autoptr (GError) error = g_error_new_literal (TRUNDLE_ERROR, code, "Why");
  g_autoptr (TrdOutcome) outcome = trd_outcome_new_from_error (error);

  g_assert_cmpint (outcome->code, ==, code);
  g_assert_cmpstr (outcome->message, ==, "Why");
}

static void
test_foreign_error (void)
{
  g_autoptr (GError) error = g_error_new_literal (G_MARKUP_ERROR, 0, "secret");
  g_autoptr (TrdOutcome) outcome = trd_outcome_new_from_error (error);

  g_assert_cmpint (outcome->code, ==, TRUNDLE_ERROR_FAILED);
  g_assert_null (strstr (outcome->message, "secret"));
}

static const struct
{
  const char *text;
  gboolean is_sensible;
} wires[] = {
  { "{'complete': <true>, 'proof': <'chunked'>, 'received': <uint64 7>}", TRUE },
  { "{'complete': <true>, 'proof': <'chunked'>, 'error': <''>}", TRUE },
  { "{'complete': <false>, 'error': <'HttpStatus'>, 'status': <uint32 404>}", TRUE },
  { "{'complete': <false>, 'error': <'NoSpace'>, 'errno': <28>}", TRUE },
  { "{'complete': <false>, 'error': <'HttpStatus'>, 'error-body': <[byte 1]>,"
    " 'response': <{'url': <'http://a/'>, 'status': <uint32 404>}>}",
    TRUE },
  { "@a{sv} {}", FALSE },
  { "{'complete': <true>}", FALSE },
  { "{'complete': <true>, 'proof': <''>}", FALSE },
  { "{'complete': <true>, 'proof': <'chunked'>, 'error': <'TimedOut'>}", FALSE },
  { "{'complete': <false>}", FALSE },
  { "{'complete': <false>, 'error': <''>}", FALSE },
  { "{'complete': <false>, 'error': <'NoSuchError'>}", FALSE },
  { "{'complete': <false>, 'error': <'EngineCrash'>}", FALSE },
  { "{'complete': <false>, 'error': <7>}", FALSE },
  { "{'complete': <'yes'>}", FALSE },
  { "{'complete': <false>, 'error': <'TimedOut'>, 'unknown': <1>}", FALSE },
  { "{'complete': <false>, 'error': <'TimedOut'>, 'status': <uint32 1000>}", FALSE },
  { "{'complete': <false>, 'error': <'TimedOut'>, 'errno': <-1>}", FALSE },
  { "{'complete': <false>, 'error': <'TimedOut'>, 'received': <uint64 "
    "18446744073709551615>}",
    FALSE },
  { "{'complete': <false>, 'error': <'TimedOut'>, 'response': <{'url': <1>}>}", FALSE },
  { "{'complete': <false>, 'error': <'TimedOut'>, 'response': <{'x': <1>}>}", FALSE },
  { "'nonsense'", FALSE },
};

static void
test_wire (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  g_autoptr (GVariant) facts = g_variant_parse (NULL, wires[i].text, NULL, NULL, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (TrdOutcome) outcome = NULL;

  g_assert_nonnull (facts);
  outcome = trd_outcome_new_from_wire (facts, &error);
  g_assert_cmpint (outcome != NULL, ==, wires[i].is_sensible);
  g_assert_cmpint (error == NULL, ==, wires[i].is_sensible);
}

static void
test_wire_body_too_long (void)
{
  g_autofree char *bytes = g_malloc0 (TRD_ERROR_BODY_MAX + 1);
  g_autoptr (GVariant) facts = NULL;
  g_autoptr (GError) error = NULL;

  facts = g_variant_ref_sink (g_variant_new_parsed (
      "{'complete': <false>, 'error': <'HttpStatus'>, 'error-body': <%@ay>}",
      g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, TRD_ERROR_BODY_MAX + 1, 1)));
  g_assert_null (trd_outcome_new_from_wire (facts, &error));
  g_assert_nonnull (error);
}

static void
test_wire_is_copied_and_told (void)
{
  g_autoptr (GVariant) facts = g_variant_ref_sink (g_variant_new_parsed (
      "{'complete': <false>, 'error': <'HttpStatus'>, 'status': <uint32 404>,"
      " 'message': <'Not there'>, 'error-body': <b'x'>,"
      " 'response': <{'reason': <'Not Found'>}>}"));
  g_autoptr (TrdOutcome) outcome = trd_outcome_new_from_wire (facts, NULL);
  g_autoptr (TrdOutcome) copy = trd_outcome_copy (outcome);
  g_autoptr (GVariant) details = trd_outcome_details (copy, "http://u:hunter2@a.b/c");
  g_autoptr (GVariant) expected = g_variant_ref_sink (
      g_variant_new_parsed ("{'url': <'http://a.b/c'>, 'reason': <'Not Found'>,"
                            " 'status': <uint32 404>, 'message': <'Not there'>}"));
  GVariantIter iter;
  const char *key;
  GVariant *value;

  g_assert_false (g_variant_is_floating (details));
  g_assert_cmpuint (g_variant_n_children (details), ==, 4);
  g_variant_iter_init (&iter, expected);
  while (g_variant_iter_loop (&iter, "{&sv}", &key, &value))
    {
      g_autoptr (GVariant) got = g_variant_lookup_value (details, key, NULL);

      g_assert_cmpvariant (got, value);
    }
}

static void
test_back_off (void)
{
  static const int seconds[]
      = { 1, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900 };

  for (guint i = 0; i < G_N_ELEMENTS (seconds); i++)
    {
      gint64 middle_us = seconds[i] * TRD_SECOND_US;

      g_assert_cmpint (trd_back_off_us (i, 0.5), ==, middle_us);
      g_assert_cmpint (trd_back_off_us (i, 0), ==, middle_us * 3 / 4);
      g_assert_cmpint (trd_back_off_us (i, 0.999999), <=, middle_us * 5 / 4);
      g_assert_cmpint (trd_back_off_us (i, 0.999999), >, middle_us * 6 / 5);
    }
  g_assert_cmpint (trd_back_off_us (G_MAXUINT, 0.5), ==, TRD_RETRY_MAX_US);
}

static void
add_number (const char *what, guint i, GTestDataFunc func)
{
  g_autofree char *path = g_strdup_printf ("/outcome/%s/%u", what, i);

  g_test_add_data_func (path, GUINT_TO_POINTER (i), func);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < TRUNDLE_N_ERRORS; i++)
    {
      add_number ("verdict", i, test_verdict);
      add_number ("own-error", i, test_own_error);
    }
  for (guint i = 0; i < G_N_ELEMENTS (file_errors); i++)
    add_number ("file-error", i, test_file_error);
  for (guint i = 0; i < G_N_ELEMENTS (wires); i++)
    add_number ("wire", i, test_wire);
  g_test_add_func ("/outcome/complete", test_complete);
  g_test_add_func ("/outcome/g-file-error", test_g_file_error);
  g_test_add_func ("/outcome/foreign-error", test_foreign_error);
  g_test_add_func ("/outcome/wire/body-too-long", test_wire_body_too_long);
  g_test_add_func ("/outcome/wire/copied-and-told", test_wire_is_copied_and_told);
  g_test_add_func ("/outcome/back-off", test_back_off);
  return g_test_run ();
}
