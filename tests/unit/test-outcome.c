/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What each ending means, how errors become endings, and what a worker may say. */

#include "config.h"

#include "common/defaults.h"
#include "value/outcome.h"

#include <errno.h>
#include <string.h>

/* An ending and what is known besides, with all that a row does not say at its default.
 */
typedef struct
{
  const char *id; /* of the row in the table of errors, and what about it */
  TrundleError code;
  TrdVerdict verdict;
  guint status;
  guint streak; /* before: ends like this one */
  gboolean definite;
  gboolean has_retry_after;
  gboolean sent;
  gboolean busy;
  gboolean offline;
  gboolean repeats_harmfully;
  TrdRepeat repeat;
  guint n_mirrors;
  guint attempts;
  guint max_attempts;
} Row;

#define ENDS TRD_VERDICT_FAIL
#define AGAIN TRD_VERDICT_RETRY
#define DEFINITE .definite = TRUE
#define OFFLINE .offline = TRUE
#define POST .repeats_harmfully = TRUE
#define SENT .sent = TRUE
#define GOES_ON .repeat = TRD_REPEAT_NOTHING
#define ANEW .repeat = TRD_REPEAT_ANEW
#define NEVER .repeat = TRD_REPEAT_NEVER

/* Not here: G-19 and G-22, which cannot happen without a cache and containers. */
static const Row rows[] = {
  { "G-01", TRUNDLE_ERROR_CANCELLED, ENDS },
  { "G-02", TRUNDLE_ERROR_TIMED_OUT, AGAIN },
  { "G-02/often", TRUNDLE_ERROR_TIMED_OUT, AGAIN, .streak = 1000 },
  { "G-03", TRUNDLE_ERROR_HOST_NOT_FOUND, AGAIN },
  { "G-03/often", TRUNDLE_ERROR_HOST_NOT_FOUND, AGAIN, .streak = 1000 },
  { "G-03/definite", TRUNDLE_ERROR_HOST_NOT_FOUND, AGAIN, DEFINITE },
  { "G-03/definite/9", TRUNDLE_ERROR_HOST_NOT_FOUND, AGAIN, DEFINITE, .streak = 8 },
  { "G-03/definite/10", TRUNDLE_ERROR_HOST_NOT_FOUND, ENDS, DEFINITE, .streak = 9 },
  { "G-03/definite/offline",
    TRUNDLE_ERROR_HOST_NOT_FOUND,
    AGAIN,
    DEFINITE,
    OFFLINE,
    .streak = 9 },
  { "G-04", TRUNDLE_ERROR_CANNOT_CONNECT, AGAIN },
  { "G-04/often", TRUNDLE_ERROR_CANNOT_CONNECT, AGAIN, .streak = 1000 },
  { "G-05", TRUNDLE_ERROR_CONNECTION_LOST, AGAIN },
  { "G-05/often", TRUNDLE_ERROR_CONNECTION_LOST, AGAIN, .streak = 1000 },
  { "G-06", TRUNDLE_ERROR_CANNOT_CONNECT, AGAIN, OFFLINE },
  { "G-07", TRUNDLE_ERROR_HOST_NOT_FOUND, AGAIN, OFFLINE },
  { "G-08/url", TRUNDLE_ERROR_INVALID_URL, ENDS },
  { "G-08/scheme", TRUNDLE_ERROR_UNSUPPORTED_SCHEME, ENDS },
  { "G-08/resume-data", TRUNDLE_ERROR_INVALID_RESUME_DATA, ENDS },
  { "G-09", TRUNDLE_ERROR_TOO_MANY_REDIRECTS, ENDS },
  { "G-10", TRUNDLE_ERROR_BAD_REDIRECT, ENDS },
  { "G-11", TRUNDLE_ERROR_PROTOCOL_ERROR, AGAIN },
  { "G-11/2", TRUNDLE_ERROR_PROTOCOL_ERROR, AGAIN, .streak = 1 },
  { "G-11/3", TRUNDLE_ERROR_PROTOCOL_ERROR, ENDS, .streak = 2 },
  { "G-12/cancelled", TRUNDLE_ERROR_AUTHENTICATION_CANCELLED, ENDS },
  { "G-12/required", TRUNDLE_ERROR_AUTHENTICATION_REQUIRED, ENDS },
  { "G-13", TRUNDLE_ERROR_DECODE_FAILED, ENDS },
  { "G-14", TRUNDLE_ERROR_SOURCE_CHANGED, ENDS },
  { "G-15", TRUNDLE_ERROR_INSECURE_TRANSPORT, ENDS },
  { "G-16/not-found", TRUNDLE_ERROR_FILE_NOT_FOUND, ENDS },
  { "G-16/directory", TRUNDLE_ERROR_FILE_IS_DIRECTORY, ENDS },
  { "G-16/permission", TRUNDLE_ERROR_FILE_PERMISSION, ENDS },
  { "G-16/exists", TRUNDLE_ERROR_FILE_EXISTS, ENDS },
  { "G-16/too-large", TRUNDLE_ERROR_TOO_LARGE, ENDS },
  { "G-16/gone", TRUNDLE_ERROR_DESTINATION_GONE, TRD_VERDICT_WAIT_DESTINATION },
  { "G-17", TRUNDLE_ERROR_TLS_FAILED, ENDS },
  { "G-18/rejected", TRUNDLE_ERROR_CLIENT_CERTIFICATE_REJECTED, ENDS },
  { "G-18/required", TRUNDLE_ERROR_CLIENT_CERTIFICATE_REQUIRED, ENDS },
  { "G-20/full", TRUNDLE_ERROR_NO_SPACE, TRD_VERDICT_WAIT_DISK },
  { "G-20/full/last", TRUNDLE_ERROR_NO_SPACE, TRD_VERDICT_WAIT_DISK, .max_attempts = 1 },
  { "G-20/write", TRUNDLE_ERROR_WRITE_FAILED, ENDS },
  { "G-21", TRUNDLE_ERROR_DECODE_FAILED, ENDS },
  { "G-23", TRUNDLE_ERROR_SESSION_IN_USE, ENDS },
  { "G-24/worker-lost", TRUNDLE_ERROR_FAILED, TRD_VERDICT_RETRY_AT_ONCE, .busy = TRUE },
  { "G-24/worker-crashed", TRUNDLE_ERROR_ENGINE_CRASH, ENDS },
  { "G-25", TRUNDLE_ERROR_FAILED, ENDS },
  { "G-25/argument", TRUNDLE_ERROR_INVALID_ARGUMENT, ENDS },
  { "G-25/not-found", TRUNDLE_ERROR_NOT_FOUND, ENDS },
  { "G-25/bad-state", TRUNDLE_ERROR_BAD_STATE, ENDS },
  { "G-25/not-allowed", TRUNDLE_ERROR_NOT_ALLOWED, ENDS },
  { "G-25/limit", TRUNDLE_ERROR_LIMIT_EXCEEDED, ENDS },

  { "status/404", TRUNDLE_ERROR_HTTP_STATUS, ENDS, .status = 404 },
  { "status/503", TRUNDLE_ERROR_HTTP_STATUS, AGAIN, .status = 503 },
  { "status/503/4", TRUNDLE_ERROR_HTTP_STATUS, AGAIN, .status = 503, .streak = 3 },
  { "status/503/5", TRUNDLE_ERROR_HTTP_STATUS, ENDS, .status = 503, .streak = 4 },
  { "status/503/when-told",
    TRUNDLE_ERROR_HTTP_STATUS,
    TRD_VERDICT_RETRY_AFTER,
    .status = 503,
    .has_retry_after = TRUE },
  { "status/503/when-told/4",
    TRUNDLE_ERROR_HTTP_STATUS,
    TRD_VERDICT_RETRY_AFTER,
    .status = 503,
    .has_retry_after = TRUE,
    .streak = 4 },
  { "status/404/when-told",
    TRUNDLE_ERROR_HTTP_STATUS,
    ENDS,
    .status = 404,
    .has_retry_after = TRUE },

  { "integrity", TRUNDLE_ERROR_INTEGRITY_FAILED, TRD_VERDICT_RETRY_AFRESH },
  { "integrity/2", TRUNDLE_ERROR_INTEGRITY_FAILED, ENDS, .streak = 1 },
  { "integrity/2-of-3",
    TRUNDLE_ERROR_INTEGRITY_FAILED,
    TRD_VERDICT_RETRY_AFRESH,
    .streak = 1,
    .n_mirrors = 2 },
  { "integrity/3-of-3",
    TRUNDLE_ERROR_INTEGRITY_FAILED,
    ENDS,
    .streak = 2,
    .n_mirrors = 2 },

  { "mirrors/404", TRUNDLE_ERROR_HTTP_STATUS, AGAIN, .status = 404, .n_mirrors = 1 },
  { "mirrors/404/2",
    TRUNDLE_ERROR_HTTP_STATUS,
    ENDS,
    .status = 404,
    .n_mirrors = 1,
    .streak = 1 },
  { "mirrors/tls", TRUNDLE_ERROR_TLS_FAILED, AGAIN, .n_mirrors = 1 },
  { "mirrors/503/9",
    TRUNDLE_ERROR_HTTP_STATUS,
    AGAIN,
    .status = 503,
    .n_mirrors = 1,
    .streak = 8 },
  { "mirrors/503/10",
    TRUNDLE_ERROR_HTTP_STATUS,
    ENDS,
    .status = 503,
    .n_mirrors = 1,
    .streak = 9 },
  { "mirrors/file", TRUNDLE_ERROR_FILE_PERMISSION, ENDS, .n_mirrors = 1 },

  { "attempts/2-of-3",
    TRUNDLE_ERROR_CONNECTION_LOST,
    AGAIN,
    .attempts = 1,
    .max_attempts = 3 },
  { "attempts/3-of-3",
    TRUNDLE_ERROR_CONNECTION_LOST,
    ENDS,
    .attempts = 2,
    .max_attempts = 3 },
  { "attempts/when-told",
    TRUNDLE_ERROR_HTTP_STATUS,
    ENDS,
    .attempts = 2,
    .max_attempts = 3,
    .status = 503,
    .has_retry_after = TRUE },

  { "law-12/unsent", TRUNDLE_ERROR_CANNOT_CONNECT, AGAIN, POST },
  { "law-12/lost", TRUNDLE_ERROR_CONNECTION_LOST, ENDS, POST, SENT },
  { "law-12/slow", TRUNDLE_ERROR_TIMED_OUT, ENDS, POST, SENT },
  { "law-12/status", TRUNDLE_ERROR_HTTP_STATUS, ENDS, POST, .status = 503 },
  { "law-12/when-told",
    TRUNDLE_ERROR_HTTP_STATUS,
    ENDS,
    POST,
    .status = 503,
    .has_retry_after = TRUE },
  { "law-12/disk", TRUNDLE_ERROR_NO_SPACE, ENDS, POST, SENT },
  { "law-12/integrity", TRUNDLE_ERROR_INTEGRITY_FAILED, ENDS, POST, SENT },

  { "upload/source", TRUNDLE_ERROR_SOURCE_CHANGED, ENDS, GOES_ON },
  { "upload/lost", TRUNDLE_ERROR_CONNECTION_LOST, AGAIN, POST, SENT, GOES_ON },
  { "upload/slow", TRUNDLE_ERROR_TIMED_OUT, AGAIN, POST, SENT, GOES_ON },
  { "upload/disk", TRUNDLE_ERROR_NO_SPACE, TRD_VERDICT_WAIT_DISK, POST, SENT, GOES_ON },
  { "upload/503", TRUNDLE_ERROR_HTTP_STATUS, AGAIN, POST, GOES_ON, .status = 503 },
  { "upload/503/5",
    TRUNDLE_ERROR_HTTP_STATUS,
    ENDS,
    GOES_ON,
    .status = 503,
    .streak = 4 },
  { "upload/503/when-told",
    TRUNDLE_ERROR_HTTP_STATUS,
    TRD_VERDICT_RETRY_AFTER,
    POST,
    GOES_ON,
    .status = 503,
    .has_retry_after = TRUE },
  { "upload/409", TRUNDLE_ERROR_HTTP_STATUS, AGAIN, POST, GOES_ON, .status = 409 },
  { "upload/409/5",
    TRUNDLE_ERROR_HTTP_STATUS,
    ENDS,
    GOES_ON,
    .status = 409,
    .streak = 4 },
  { "upload/423", TRUNDLE_ERROR_HTTP_STATUS, AGAIN, GOES_ON, .status = 423 },
  { "upload/460", TRUNDLE_ERROR_HTTP_STATUS, AGAIN, GOES_ON, .status = 460 },
  { "upload/409/nowhere", TRUNDLE_ERROR_HTTP_STATUS, ENDS, .status = 409 },
  { "upload/404", TRUNDLE_ERROR_HTTP_STATUS, ENDS, GOES_ON, .status = 404 },
  { "upload/413", TRUNDLE_ERROR_HTTP_STATUS, ENDS, GOES_ON, .status = 413 },
  { "upload/413/nowhere", TRUNDLE_ERROR_HTTP_STATUS, ENDS, .status = 413 },
  { "upload/507", TRUNDLE_ERROR_HTTP_STATUS, ENDS, GOES_ON, .status = 507 },
  { "upload/gone/404",
    TRUNDLE_ERROR_HTTP_STATUS,
    TRD_VERDICT_RETRY_AT_ONCE,
    POST,
    SENT,
    ANEW,
    .status = 404 },
  { "upload/gone/410",
    TRUNDLE_ERROR_HTTP_STATUS,
    TRD_VERDICT_RETRY_AT_ONCE,
    ANEW,
    .status = 410 },
  { "upload/gone/lost", TRUNDLE_ERROR_CONNECTION_LOST, AGAIN, POST, SENT, ANEW },
  { "upload/gone/source", TRUNDLE_ERROR_SOURCE_CHANGED, ENDS, ANEW },
  { "upload/never/404", TRUNDLE_ERROR_HTTP_STATUS, ENDS, NEVER, .status = 404 },
  { "upload/never/503", TRUNDLE_ERROR_HTTP_STATUS, ENDS, NEVER, .status = 503 },
  { "upload/never/lost", TRUNDLE_ERROR_CONNECTION_LOST, ENDS, NEVER },
  { "upload/never/worker", TRUNDLE_ERROR_FAILED, ENDS, NEVER, .busy = TRUE },
  { "law-12/worker-lost", TRUNDLE_ERROR_FAILED, ENDS, POST, SENT, .busy = TRUE },
  { "law-12/lock", TRUNDLE_ERROR_FAILED, TRD_VERDICT_RETRY_AT_ONCE, POST, .busy = TRUE },
  { "law-12/get", TRUNDLE_ERROR_CONNECTION_LOST, AGAIN, SENT },
};

static TrdOutcome *
outcome_of_row (const Row *row)
{
  TrdOutcome *outcome = trd_outcome_new_failed (row->code, NULL);

  outcome->status = row->status;
  outcome->definite = row->definite;
  outcome->has_retry_after = row->has_retry_after;
  outcome->sent = row->sent;
  outcome->busy = row->busy;
  return outcome;
}

static TrdContext
default_context (void)
{
  TrdContext context = { .idempotent = TRUE, .network = TRUE, .n_addresses = 1 };

  trd_retry_init (&context.retry, NULL, NULL);
  return context;
}

static void
test_row (gconstpointer data)
{
  const Row *row = data;
  g_autoptr (TrdOutcome) outcome = outcome_of_row (row);
  TrdContext context = default_context ();

  context.idempotent = !row->repeats_harmfully;
  context.repeat = row->repeat;
  context.network = !row->offline;
  context.n_addresses = 1 + row->n_mirrors;
  context.attempts = row->attempts;
  context.retry.max_attempts = row->max_attempts;
  context.streak = row->streak;
  context.has_last = row->streak > 0;
  context.last_code = row->code;
  context.last_status = row->status;
  g_assert_cmpint (trd_outcome_judge (outcome, &context), ==, row->verdict);
  g_assert_nonnull (outcome->message);
  g_assert_false (g_str_has_suffix (outcome->message, "."));
}

static void
test_every_code_has_a_row (void)
{
  for (guint code = 0; code < TRUNDLE_N_ERRORS; code++)
    {
      gboolean has_row = FALSE;

      for (guint i = 0; i < G_N_ELEMENTS (rows) && !has_row; i++)
        has_row = rows[i].code == code;
      if (!has_row)
        g_error ("No row for %s", trundle_error_to_name (code));
    }
}

/* The default of `retry`, one by one. */
static void
test_statuses (void)
{
  static const guint passing[] = { 408, 425, 429, 500, 502, 503, 504 };
  TrdContext context = default_context ();

  for (guint status = 300; status < 600; status++)
    {
      g_autoptr (TrdOutcome) outcome = trd_outcome_new_failed (TRUNDLE_ERROR_HTTP_STATUS,
                                                               NULL);
      TrdVerdict expected = TRD_VERDICT_FAIL;

      for (guint i = 0; i < G_N_ELEMENTS (passing); i++)
        if (passing[i] == status)
          expected = TRD_VERDICT_RETRY;
      outcome->status = status;
      g_assert_cmpint (trd_outcome_judge (outcome, &context), ==, expected);
    }
}

static void
test_own_statuses (void)
{
  g_autoptr (GVariant) options = g_variant_ref_sink (
      g_variant_new_parsed ("{'retry': <{'statuses': <[@u 404]>,"
                            " 'max-status-attempts': <@u 0>}>}"));
  TrdContext context = default_context ();
  g_autoptr (TrdOutcome) outcome = trd_outcome_new_failed (TRUNDLE_ERROR_HTTP_STATUS,
                                                           NULL);

  trd_retry_init (&context.retry, options, NULL);
  outcome->status = 503;
  g_assert_cmpint (trd_outcome_judge (outcome, &context), ==, TRD_VERDICT_FAIL);
  outcome->status = 404;
  context.has_last = TRUE;
  context.last_code = TRUNDLE_ERROR_HTTP_STATUS;
  context.last_status = 404;
  context.streak = 1000;
  g_assert_cmpint (trd_outcome_judge (outcome, &context), ==, TRD_VERDICT_RETRY);
}

/* What was before, what comes, and how many in a row that makes. */
static const struct
{
  const char *name;
  TrundleError last_code;
  guint last_status;
  Row now;
  guint expected; /* after 2 */
} streaks[] = {
  { "alike", TRUNDLE_ERROR_PROTOCOL_ERROR, 0, { "", TRUNDLE_ERROR_PROTOCOL_ERROR }, 3 },
  { "other", TRUNDLE_ERROR_TIMED_OUT, 0, { "", TRUNDLE_ERROR_PROTOCOL_ERROR }, 1 },
  { "statuses",
    TRUNDLE_ERROR_HTTP_STATUS,
    503,
    { "", TRUNDLE_ERROR_HTTP_STATUS, .status = 502 },
    3 },
  { "when-told",
    TRUNDLE_ERROR_HTTP_STATUS,
    503,
    { "", TRUNDLE_ERROR_HTTP_STATUS, .status = 503, .has_retry_after = TRUE },
    2 },
  { "when-told-first",
    TRUNDLE_ERROR_TIMED_OUT,
    0,
    { "", TRUNDLE_ERROR_HTTP_STATUS, .status = 503, .has_retry_after = TRUE },
    0 },
  { "definite",
    TRUNDLE_ERROR_HOST_NOT_FOUND,
    0,
    { "", TRUNDLE_ERROR_HOST_NOT_FOUND, DEFINITE },
    3 },
  { "indefinite",
    TRUNDLE_ERROR_HOST_NOT_FOUND,
    0,
    { "", TRUNDLE_ERROR_HOST_NOT_FOUND },
    0 },
  { "offline",
    TRUNDLE_ERROR_HOST_NOT_FOUND,
    0,
    { "", TRUNDLE_ERROR_HOST_NOT_FOUND, DEFINITE, OFFLINE },
    0 },
  { "mirrors/final",
    TRUNDLE_ERROR_TLS_FAILED,
    0,
    { "", TRUNDLE_ERROR_HTTP_STATUS, .status = 404, .n_mirrors = 4 },
    3 },
  { "mirrors/passing",
    TRUNDLE_ERROR_HTTP_STATUS,
    404,
    { "", TRUNDLE_ERROR_HTTP_STATUS, .status = 503, .n_mirrors = 4 },
    1 },
  { "mirrors/final-after-passing",
    TRUNDLE_ERROR_HTTP_STATUS,
    503,
    { "", TRUNDLE_ERROR_HTTP_STATUS, .status = 404, .n_mirrors = 4 },
    1 },
};

static void
test_streak (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  const Row *now = &streaks[i].now;
  g_autoptr (TrdOutcome) outcome = outcome_of_row (now);
  TrdContext context = default_context ();

  context.network = !now->offline;
  context.n_addresses = 1 + now->n_mirrors;
  context.streak = 2;
  context.has_last = TRUE;
  context.last_code = streaks[i].last_code;
  context.last_status = streaks[i].last_status;
  g_test_message ("%s", streaks[i].name);
  g_assert_cmpuint (trd_outcome_streak (outcome, &context), ==, streaks[i].expected);
}

static void
test_methods (void)
{
  static const char *const fine[] = { "GET", "HEAD", "OPTIONS", "PUT", "DELETE" };
  static const char *const not_fine[] = { "POST", "PATCH", "get", "LOCK", "" };

  for (guint i = 0; i < G_N_ELEMENTS (fine); i++)
    {
      g_assert_true (trd_method_is_idempotent (fine[i]));
      g_assert_false (trd_method_is_idempotent (not_fine[i]));
    }
}

static void
test_complete (void)
{
  g_autoptr (TrdOutcome) outcome = trd_outcome_new_complete (7, "content-length");
  TrdContext context = { 0 };

  g_assert_cmpint (trd_outcome_judge (outcome, &context), ==, TRD_VERDICT_SUCCEED);
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
  TrdContext context = default_context ();

  g_assert_cmpint (outcome->code, ==, file_errors[i].code);
  g_assert_cmpint (trd_outcome_judge (outcome, &context), ==, file_errors[i].verdict);
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
  { "{'complete': <false>, 'error': <'TimedOut'>, 'hops': <uint32 1>,"
    " 'transactions': <[{'status': <uint32 200>}]>}",
    TRUE },
  { "{'complete': <false>, 'error': <'TimedOut'>, 'hops': <uint32 1>,"
    " 'transactions': <[{'status': <200>}]>}",
    FALSE },
  { "{'complete': <false>, 'error': <'TimedOut'>, 'transactions': <[@a{sv} {}]>}",
    FALSE },
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
  { "{'complete': <true>, 'proof': <'chunked'>, 'digests': <{'md5':"
    " b'123456789012345'}>, 'declared-digests': <@a{say} {}>}",
    TRUE },
  { "{'complete': <true>, 'proof': <'chunked'>, 'digests': <{'md5': b'short'}>}", FALSE },
  { "{'complete': <true>, 'proof': <'chunked'>, 'declared-digests': <{'x':"
    " b'123456789012345'}>}",
    FALSE },
  { "{'complete': <true>, 'proof': <'chunked'>, 'decoded-digests': <{'sha1':"
    " b'123456789012345'}>}",
    FALSE },
  { "{'complete': <true>, 'proof': <'chunked'>, 'decoded': <uint64 "
    "9223372036854775808>}",
    FALSE },
  { "{'complete': <false>, 'error': <'TimedOut'>, 'digest-state': <{'offset': <@t 7>}>}",
    TRUE },
  { "{'complete': <false>, 'error': <'TimedOut'>, 'digest-state': <@a{sv} {}>}", FALSE },
  { "{'complete': <false>, 'error': <'TimedOut'>, 'digest-state': <{'offset': <7>}>}",
    FALSE },
  { "{'complete': <false>, 'error': <'TimedOut'>, 'digest-state': <{'offset': <uint64 "
    "9223372036854775808>}>}",
    FALSE },
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

/* What is kept of a worker's word has a bound. */
static void
test_wire_state_too_large (void)
{
  g_autofree char *bytes = g_malloc0 (16 * 1024);
  g_autoptr (GVariant) facts = NULL;
  g_autoptr (GError) error = NULL;

  facts = g_variant_ref_sink (g_variant_new_parsed (
      "{'complete': <false>, 'error': <'TimedOut'>,"
      " 'digest-state': <{'offset': <@t 7>, 'md5': <%@ay>}>}",
      g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, 16 * 1024, 1)));
  g_assert_null (trd_outcome_new_from_wire (facts, &error));
  g_assert_nonnull (error);
}

/* {a: x, a: y} is a dictionary to GVariant. */
static void
test_wire_digest_twice (void)
{
  g_autoptr (GVariant) facts = NULL;
  g_autoptr (GError) error = NULL;
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{say}"));
  for (guint i = 0; i < 2; i++)
    g_variant_builder_add_parsed (&builder, "{'md5', b'123456789012345'}");
  facts = g_variant_ref_sink (g_variant_new_parsed (
      "{'complete': <true>, 'proof': <'chunked'>, 'digests': <%@a{say}>}",
      g_variant_builder_end (&builder)));
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
add_number (const char *what, guint i, GTestDataFunc func)
{
  g_autofree char *path = g_strdup_printf ("/outcome/%s/%u", what, i);

  g_test_add_data_func (path, GUINT_TO_POINTER (i), func);
}

/* Whom it is asked of, and what may be asked again, decide. */
static void
test_challenge (void)
{
  static const struct
  {
    gboolean is_harmful;
    gboolean redirected;
    guint n_addresses;
    guint streak;
    TrdVerdict verdict;
    gboolean is_unanswered; /* all there was is what TLS said */
    gboolean is_unsent;
  } cases[] = {
    { FALSE, FALSE, 1, 0, TRD_VERDICT_CHALLENGE },
    { FALSE, TRUE, 1, 0, TRD_VERDICT_CHALLENGE },
    /* It was not done. */
    { TRUE, FALSE, 1, 0, TRD_VERDICT_CHALLENGE },
    /* What it was led on from may have been. */
    { TRUE, TRUE, 1, 0, TRD_VERDICT_FAIL },
    /* Another address may want to know nothing. */
    { FALSE, FALSE, 3, 0, TRD_VERDICT_RETRY },
    { FALSE, FALSE, 3, 2, TRD_VERDICT_CHALLENGE },
    /* Who broke off without an answer may have done it. */
    { TRUE, FALSE, 1, 0, TRD_VERDICT_FAIL, .is_unanswered = TRUE },
    { FALSE, FALSE, 1, 0, TRD_VERDICT_CHALLENGE, .is_unanswered = TRUE },
    { TRUE,
      FALSE,
      1,
      0,
      TRD_VERDICT_CHALLENGE,
      .is_unanswered = TRUE,
      .is_unsent = TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (TrdOutcome) outcome = trd_outcome_new_failed (
          cases[i].is_unanswered ? TRUNDLE_ERROR_CLIENT_CERTIFICATE_REQUIRED
                                 : TRUNDLE_ERROR_HTTP_STATUS,
          NULL);
      TrdContext context = {
        .idempotent = !cases[i].is_harmful,
        .redirected = cases[i].redirected,
        .network = TRUE,
        .n_addresses = cases[i].n_addresses,
        .streak = cases[i].streak,
        .has_last = cases[i].streak > 0,
        .last_code = TRUNDLE_ERROR_HTTP_STATUS,
        .last_status = 401,
      };

      g_test_message ("%u", i);
      outcome->status = cases[i].is_unanswered ? 0 : 401;
      outcome->sent = !cases[i].is_unsent;
      outcome->challenge = g_variant_ref_sink (g_variant_new ("a{sv}", NULL));
      trd_retry_init (&context.retry, NULL, NULL);
      g_assert_cmpint (trd_outcome_judge (outcome, &context), ==, cases[i].verdict);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < TRUNDLE_N_ERRORS; i++)
    add_number ("own-error", i, test_own_error);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strconcat ("/outcome/verdict/", rows[i].id, NULL);

      g_test_add_data_func (path, &rows[i], test_row);
    }
  for (guint i = 0; i < G_N_ELEMENTS (streaks); i++)
    add_number ("streak", i, test_streak);
  g_test_add_func ("/outcome/verdict/every-code", test_every_code_has_a_row);
  g_test_add_func ("/outcome/verdict/statuses", test_statuses);
  g_test_add_func ("/outcome/verdict/own-statuses", test_own_statuses);
  g_test_add_func ("/outcome/methods", test_methods);
  for (guint i = 0; i < G_N_ELEMENTS (file_errors); i++)
    add_number ("G-27/file-error", i, test_file_error);
  for (guint i = 0; i < G_N_ELEMENTS (wires); i++)
    add_number ("wire", i, test_wire);
  g_test_add_func ("/outcome/complete", test_complete);
  g_test_add_func ("/outcome/g-file-error", test_g_file_error);
  g_test_add_func ("/outcome/foreign-error", test_foreign_error);
  g_test_add_func ("/outcome/wire/body-too-long", test_wire_body_too_long);
  g_test_add_func ("/outcome/wire/state-too-large", test_wire_state_too_large);
  g_test_add_func ("/outcome/wire/digest-twice", test_wire_digest_twice);
  g_test_add_func ("/outcome/G-26/copied-and-told", test_wire_is_copied_and_told);
  g_test_add_func ("/outcome/challenge", test_challenge);
  return g_test_run ();
}
