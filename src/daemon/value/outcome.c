/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How attempts end, and the one table of what each ending means.  Everything here is
 * pure: facts go in, a verdict or a dictionary comes out.  Messages of other libraries
 * stop here: they may carry addresses and paths, which must not reach a row or the bus
 * (law 9). */

#include "config.h"

#include "value/outcome.h"

#include "common/defaults.h"
#include "common/digest.h"
#include "common/url.h"
#include "value/challenge.h"
#include "value/metrics.h"

#include <errno.h>
#include <string.h>

/* Longest text a worker may send for one fact. */
#define MESSAGE_MAX 1024
#define PROOF_MAX 256
#define URL_MAX (16 * 1024)

/* Six algorithms, 200 bytes each, and what was declared. */
#define DIGEST_STATE_MAX (16 * 1024)
#define UPLOAD_MAX (32 * 1024)
#define DIALECT_MAX 32

typedef struct
{
  TrdVerdict verdict;
  const char *message; /* said when nobody said more */
  guint in_a_row;      /* attempts of one address that may end so; 0 for any number */
} Meaning;

/* Of this address: another one of the file may do better. */
#define HERE TRD_VERDICT_RETRY

static const Meaning meanings[] = {
  [TRUNDLE_ERROR_FAILED] = { TRD_VERDICT_FAIL, "The transfer failed" },
  [TRUNDLE_ERROR_INVALID_ARGUMENT] = { TRD_VERDICT_FAIL, "The request is not valid" },
  [TRUNDLE_ERROR_NOT_FOUND] = { TRD_VERDICT_FAIL, "There is no such thing" },
  [TRUNDLE_ERROR_BAD_STATE] = { TRD_VERDICT_FAIL, "This is not possible now" },
  [TRUNDLE_ERROR_NOT_ALLOWED] = { TRD_VERDICT_FAIL, "This is not allowed" },
  [TRUNDLE_ERROR_LIMIT_EXCEEDED] = { TRD_VERDICT_FAIL, "A limit was exceeded" },
  [TRUNDLE_ERROR_SESSION_IN_USE] = { TRD_VERDICT_FAIL, "The session is in use" },
  [TRUNDLE_ERROR_INVALID_URL] = { TRD_VERDICT_FAIL, "The address is not valid" },
  [TRUNDLE_ERROR_UNSUPPORTED_SCHEME] = { TRD_VERDICT_FAIL,
                                         "Addresses of this kind are not supported" },
  [TRUNDLE_ERROR_INVALID_RESUME_DATA] = { TRD_VERDICT_FAIL,
                                          "The data to resume from is not valid" },
  [TRUNDLE_ERROR_CANCELLED] = { TRD_VERDICT_FAIL, "The transfer was cancelled" },
  [TRUNDLE_ERROR_TIMED_OUT] = { TRD_VERDICT_RETRY, "The server did not answer in time" },
  [TRUNDLE_ERROR_HOST_NOT_FOUND]
  = { TRD_VERDICT_RETRY, "The server was not found", TRD_HOST_NOT_FOUND_MAX },
  [TRUNDLE_ERROR_CANNOT_CONNECT] = { TRD_VERDICT_RETRY,
                                     "No connection to the server could be made" },
  [TRUNDLE_ERROR_CONNECTION_LOST] = { TRD_VERDICT_RETRY,
                                      "The connection to the server was lost" },
  [TRUNDLE_ERROR_TOO_MANY_REDIRECTS]
  = { HERE, "The server redirected too many times", 1 },
  [TRUNDLE_ERROR_BAD_REDIRECT]
  = { HERE, "The server redirected to where we must not go", 1 },
  [TRUNDLE_ERROR_PROTOCOL_ERROR] = { TRD_VERDICT_RETRY,
                                     "The server's answer was not understood",
                                     TRD_PROTOCOL_ERRORS_MAX },
  [TRUNDLE_ERROR_HTTP_STATUS] = { HERE, "The server refused the request", 1 },
  [TRUNDLE_ERROR_AUTHENTICATION_CANCELLED] = { TRD_VERDICT_FAIL,
                                               "Authentication was cancelled" },
  [TRUNDLE_ERROR_AUTHENTICATION_REQUIRED]
  = { HERE, "The server asks for authentication", 1 },
  [TRUNDLE_ERROR_DECODE_FAILED] = { HERE, "The content cannot be decoded", 1 },
  [TRUNDLE_ERROR_INSECURE_TRANSPORT] = { HERE, "The connection would not be secure", 1 },
  [TRUNDLE_ERROR_TLS_FAILED] = { HERE, "A secure connection could not be made", 1 },
  [TRUNDLE_ERROR_CLIENT_CERTIFICATE_REJECTED]
  = { HERE, "The server did not accept the client certificate", 1 },
  [TRUNDLE_ERROR_CLIENT_CERTIFICATE_REQUIRED]
  = { HERE, "The server asks for a client certificate", 1 },
  [TRUNDLE_ERROR_FILE_NOT_FOUND] = { TRD_VERDICT_FAIL, "The file does not exist" },
  [TRUNDLE_ERROR_FILE_IS_DIRECTORY] = { TRD_VERDICT_FAIL, "The file is a directory" },
  [TRUNDLE_ERROR_FILE_PERMISSION] = { TRD_VERDICT_FAIL,
                                      "The file may not be read or written" },
  [TRUNDLE_ERROR_FILE_EXISTS] = { TRD_VERDICT_FAIL, "A file of that name exists" },
  [TRUNDLE_ERROR_DESTINATION_GONE] = { TRD_VERDICT_WAIT_DESTINATION,
                                       "The destination folder is not there" },
  [TRUNDLE_ERROR_TOO_LARGE] = { HERE, "The file is too large", 1 },
  [TRUNDLE_ERROR_NO_SPACE] = { TRD_VERDICT_WAIT_DISK,
                               "There is no space left on the disk" },
  [TRUNDLE_ERROR_WRITE_FAILED] = { TRD_VERDICT_FAIL, "The file could not be written" },
  [TRUNDLE_ERROR_SOURCE_CHANGED] = { TRD_VERDICT_FAIL,
                                     "The file changed while it was sent" },
  [TRUNDLE_ERROR_ENGINE_CRASH] = { TRD_VERDICT_FAIL,
                                   "The network process crashed on this transfer" },
  [TRUNDLE_ERROR_INTEGRITY_FAILED] = { TRD_VERDICT_RETRY_AFRESH,
                                       "The file is not the one that was promised",
                                       TRD_INTEGRITY_FAILURES_MAX },
};
G_STATIC_ASSERT (G_N_ELEMENTS (meanings) == TRUNDLE_N_ERRORS);

/* What the errors of file work and sockets mean, in which domain they were born or as
 * errno they arrive.  What is not here is WRITE_FAILED for GIO and FAILED for the rest.
 */
static const struct
{
  int io_code; /* GIOErrorEnum */
  TrundleError code;
  int error_number;
} io_meanings[] = {
  { G_IO_ERROR_NOT_FOUND, TRUNDLE_ERROR_FILE_NOT_FOUND, ENOENT },
  { G_IO_ERROR_EXISTS, TRUNDLE_ERROR_FILE_EXISTS, EEXIST },
  { G_IO_ERROR_IS_DIRECTORY, TRUNDLE_ERROR_FILE_IS_DIRECTORY, EISDIR },
  { G_IO_ERROR_NOT_DIRECTORY, TRUNDLE_ERROR_DESTINATION_GONE, ENOTDIR },
  { G_IO_ERROR_NOT_MOUNTED, TRUNDLE_ERROR_DESTINATION_GONE, 0 },
  { G_IO_ERROR_PERMISSION_DENIED, TRUNDLE_ERROR_FILE_PERMISSION, EACCES },
  { G_IO_ERROR_READ_ONLY, TRUNDLE_ERROR_FILE_PERMISSION, EROFS },
  { G_IO_ERROR_NO_SPACE, TRUNDLE_ERROR_NO_SPACE, ENOSPC },
  { G_IO_ERROR_CANCELLED, TRUNDLE_ERROR_CANCELLED, 0 },
  { G_IO_ERROR_BUSY, TRUNDLE_ERROR_FAILED, EBUSY },
  /* What flock says of a lock that another holds. */
  { G_IO_ERROR_WOULD_BLOCK, TRUNDLE_ERROR_FAILED, EWOULDBLOCK },
  { G_IO_ERROR_TIMED_OUT, TRUNDLE_ERROR_TIMED_OUT, ETIMEDOUT },
  { G_IO_ERROR_HOST_NOT_FOUND, TRUNDLE_ERROR_HOST_NOT_FOUND, 0 },
  { G_IO_ERROR_HOST_UNREACHABLE, TRUNDLE_ERROR_CANNOT_CONNECT, EHOSTUNREACH },
  { G_IO_ERROR_NETWORK_UNREACHABLE, TRUNDLE_ERROR_CANNOT_CONNECT, ENETUNREACH },
  { G_IO_ERROR_CONNECTION_REFUSED, TRUNDLE_ERROR_CANNOT_CONNECT, ECONNREFUSED },
  { G_IO_ERROR_CONNECTION_CLOSED, TRUNDLE_ERROR_CONNECTION_LOST, ECONNRESET },
};

/* GFileError and errno lead to the same table by way of errno. */
static const struct
{
  int file_code; /* GFileError */
  int io_code;   /* GIOErrorEnum */
} file_meanings[] = {
  { G_FILE_ERROR_NOENT, G_IO_ERROR_NOT_FOUND },
  { G_FILE_ERROR_EXIST, G_IO_ERROR_EXISTS },
  { G_FILE_ERROR_ISDIR, G_IO_ERROR_IS_DIRECTORY },
  { G_FILE_ERROR_NOTDIR, G_IO_ERROR_NOT_DIRECTORY },
  { G_FILE_ERROR_NXIO, G_IO_ERROR_NOT_MOUNTED },
  { G_FILE_ERROR_NODEV, G_IO_ERROR_NOT_MOUNTED },
  { G_FILE_ERROR_ACCES, G_IO_ERROR_PERMISSION_DENIED },
  { G_FILE_ERROR_PERM, G_IO_ERROR_PERMISSION_DENIED },
  { G_FILE_ERROR_ROFS, G_IO_ERROR_READ_ONLY },
  { G_FILE_ERROR_NOSPC, G_IO_ERROR_NO_SPACE },
  { G_FILE_ERROR_AGAIN, G_IO_ERROR_WOULD_BLOCK },
};

TrdOutcome *
trd_outcome_new_complete (guint64 received, const char *proof)
{
  TrdOutcome *self = g_new0 (TrdOutcome, 1);

  self->complete = TRUE;
  self->received = received;
  self->proof = g_strdup (proof);
  return self;
}

TrdOutcome *
trd_outcome_new_failed (TrundleError code, const char *message)
{
  TrdOutcome *self;

  g_return_val_if_fail ((guint)code < TRUNDLE_N_ERRORS, NULL);

  self = g_new0 (TrdOutcome, 1);
  self->code = code;
  self->message = g_strdup (message != NULL ? message : meanings[code].message);
  return self;
}

static TrdOutcome *
new_from_io_code (int io_code)
{
  TrdOutcome *self;

  for (guint i = 0; i < G_N_ELEMENTS (io_meanings); i++)
    {
      if (io_meanings[i].io_code != io_code)
        continue;
      self = trd_outcome_new_failed (io_meanings[i].code, NULL);
      self->error_number = io_meanings[i].error_number;
      self->busy = io_code == G_IO_ERROR_BUSY || io_code == G_IO_ERROR_WOULD_BLOCK;
      return self;
    }
  return trd_outcome_new_failed (TRUNDLE_ERROR_WRITE_FAILED, NULL);
}

static TrdOutcome *
new_from_file_code (int file_code)
{
  for (guint i = 0; i < G_N_ELEMENTS (file_meanings); i++)
    {
      if (file_meanings[i].file_code == file_code)
        return new_from_io_code (file_meanings[i].io_code);
    }
  return trd_outcome_new_failed (TRUNDLE_ERROR_WRITE_FAILED, NULL);
}

TrdOutcome *
trd_outcome_new_from_error (const GError *error)
{
  g_return_val_if_fail (error != NULL, NULL);

  if (error->domain == TRUNDLE_ERROR && (guint)error->code < TRUNDLE_N_ERRORS)
    return trd_outcome_new_failed ((TrundleError)error->code, error->message);
  if (error->domain == G_IO_ERROR)
    return new_from_io_code (error->code);
  if (error->domain == G_FILE_ERROR)
    return new_from_file_code (error->code);
  return trd_outcome_new_failed (TRUNDLE_ERROR_FAILED, NULL);
}

TrdOutcome *
trd_outcome_copy (const TrdOutcome *self)
{
  TrdOutcome *copy;

  g_return_val_if_fail (self != NULL, NULL);

  copy = g_memdup2 (self, sizeof *self);
  copy->message = g_strdup (self->message);
  copy->error_url = g_strdup (self->error_url);
  copy->proof = g_strdup (self->proof);
  if (self->response != NULL)
    g_variant_ref (self->response);
  if (self->transactions != NULL)
    g_variant_ref (self->transactions);
  if (self->digests != NULL)
    g_variant_ref (self->digests);
  if (self->declared_digests != NULL)
    g_variant_ref (self->declared_digests);
  if (self->digest_state != NULL)
    g_variant_ref (self->digest_state);
  if (self->decoded_digests != NULL)
    g_variant_ref (self->decoded_digests);
  if (self->challenge != NULL)
    g_variant_ref (self->challenge);
  if (self->upload != NULL)
    g_variant_ref (self->upload);
  copy->dialect = g_strdup (self->dialect);
  if (self->details != NULL)
    g_variant_ref (self->details);
  if (self->error_body != NULL)
    g_bytes_ref (self->error_body);
  return copy;
}

void
trd_outcome_free (TrdOutcome *self)
{
  if (self == NULL)
    return;

  g_clear_pointer (&self->message, g_free);
  g_clear_pointer (&self->error_url, g_free);
  g_clear_pointer (&self->proof, g_free);
  g_clear_pointer (&self->response, g_variant_unref);
  g_clear_pointer (&self->transactions, g_variant_unref);
  g_clear_pointer (&self->digests, g_variant_unref);
  g_clear_pointer (&self->declared_digests, g_variant_unref);
  g_clear_pointer (&self->digest_state, g_variant_unref);
  g_clear_pointer (&self->decoded_digests, g_variant_unref);
  g_clear_pointer (&self->upload, g_variant_unref);
  g_clear_pointer (&self->dialect, g_free);
  g_clear_pointer (&self->challenge, g_variant_unref);
  g_clear_pointer (&self->details, g_variant_unref);
  g_clear_pointer (&self->error_body, g_bytes_unref);
  g_free (self);
}

static gboolean
is_in_vocabulary (GVariant *dict, const char *const (*words)[2], gsize n_words)
{
  GVariantIter iter;
  const char *key;
  GVariant *value;
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  g_variant_iter_init (&iter, dict);
  while (g_variant_iter_next (&iter, "{&sv}", &key, &value))
    {
      g_autoptr (GVariant) owned = value;
      gboolean known = FALSE;

      for (gsize i = 0; i < n_words && !known; i++)
        known = strcmp (words[i][0], key) == 0
                && g_variant_is_of_type (owned, G_VARIANT_TYPE (words[i][1]));
      if (!known || !g_hash_table_add (seen, (gpointer)key))
        return FALSE;
    }
  return TRUE;
}

/* The keys of Broker.Done and Broker.Response, with their types. */
static const char *const fact_words[][2] = {
  { "complete", "b" },
  { "error", "s" },
  { "message", "s" },
  { "status", "u" },
  { "errno", "i" },
  { "received", "t" },
  { "proof", "s" },
  { "response", "a{sv}" },
  { "error-body", "ay" },
  { "url", "s" },
  { "tls-flags", "u" },
  { "sent", "b" },
  { "definite", "b" },
  { "retry-after", "t" },
  { "transactions", "aa{sv}" },
  { "hops", "u" },
  { "digests", "a{say}" },
  { "declared-digests", "a{say}" },
  { "digest-state", "a{sv}" },
  { "decoded", "t" },
  { "decoded-digests", "a{say}" },
  { "challenge", "a{sv}" },
  { "body-sent", "t" },
  { "body-confirmed", "t" },
  { "upload", "a{sv}" },
  { "dialect", "s" },
};
static const char *const response_words[][2] = {
  { "url", "s" },
  { "status", "u" },
  { "reason", "s" },
  { "headers", "a(ss)" },
  { "mime-type", "s" },
  { "content-length", "x" },
  { "suggested-filename", "s" },
  { "http-version", "s" },
  { "content-encoding", "s" },
  { "offset", "t" },
};

/* Endings that only the daemon can know of. */
static gboolean
is_of_daemon (TrundleError code)
{
  static const TrundleError codes[] = {
    TRUNDLE_ERROR_NOT_FOUND,           TRUNDLE_ERROR_SESSION_IN_USE,
    TRUNDLE_ERROR_INVALID_RESUME_DATA, TRUNDLE_ERROR_DESTINATION_GONE,
    TRUNDLE_ERROR_ENGINE_CRASH,
  };

  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    {
      if (codes[i] == code)
        return TRUE;
    }
  return FALSE;
}

/* Which keys must be there, and which must not, hangs on how it ended. */
static gboolean
read_ending (TrdOutcome *self, GVariant *facts)
{
  const char *name = NULL;
  const char *message = NULL;
  const char *proof = NULL;

  if (!g_variant_lookup (facts, "complete", "b", &self->complete))
    return FALSE;
  g_variant_lookup (facts, "error", "&s", &name);
  g_variant_lookup (facts, "message", "&s", &message);
  g_variant_lookup (facts, "proof", "&s", &proof);
  if ((message != NULL && strlen (message) > MESSAGE_MAX)
      || (proof != NULL && strlen (proof) > PROOF_MAX))
    return FALSE;

  if (self->complete)
    {
      /* Law 10: success is never assumed. */
      if (proof == NULL || *proof == '\0' || (name != NULL && *name != '\0'))
        return FALSE;
    }
  else if (name == NULL || !trundle_error_from_name (name, &self->code)
           || is_of_daemon (self->code))
    return FALSE;

  if (!self->complete && (message == NULL || *message == '\0'))
    message = meanings[self->code].message;
  self->message = self->complete ? NULL : g_strdup (message);
  self->proof = proof != NULL && *proof != '\0' ? g_strdup (proof) : NULL;
  return TRUE;
}

/* (nullable): of algorithms we know, each once, and as long as theirs are. */
static gboolean
are_digests (GVariant *digests)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  GVariantIter iter;
  const char *name;
  GVariant *value;

  if (digests == NULL)
    return TRUE;
  g_variant_iter_init (&iter, digests);
  while (g_variant_iter_next (&iter, "{&s@ay}", &name, &value))
    {
      g_autoptr (GVariant) owned = value;
      const TrundleDigest *digest = trundle_digest_find (name);

      if (digest == NULL || g_variant_get_size (owned) != digest->size
          || !g_hash_table_add (seen, (gpointer)digest->name))
        return FALSE;
    }
  return TRUE;
}

gboolean
trd_digest_state_check (GVariant *state)
{
  guint64 offset = 0;

  return g_variant_get_size (state) <= DIGEST_STATE_MAX
         && g_variant_lookup (state, "offset", "t", &offset) && offset <= G_MAXINT64;
}

gboolean
trd_upload_check (GVariant *upload)
{
  const char *url = NULL;
  const char *dialect = NULL;
  g_autoptr (GUri) uri = NULL;

  if (g_variant_get_size (upload) > UPLOAD_MAX)
    return FALSE;
  if (g_variant_n_children (upload) == 0)
    return TRUE;
  if (!g_variant_lookup (upload, "url", "&s", &url)
      || !g_variant_lookup (upload, "dialect", "&s", &dialect))
    return FALSE;
  uri = trundle_url_parse (url, NULL);
  return uri != NULL && *dialect != '\0' && strlen (dialect) <= DIALECT_MAX;
}

static gboolean
read_upload (TrdOutcome *self, GVariant *facts)
{
  g_variant_lookup (facts, "body-sent", "t", &self->body_sent);
  g_variant_lookup (facts, "body-confirmed", "t", &self->body_confirmed);
  g_variant_lookup (facts, "dialect", "s", &self->dialect);
  self->upload = g_variant_lookup_value (facts, "upload", G_VARIANT_TYPE_VARDICT);

  return self->body_sent <= G_MAXINT64 && self->body_confirmed <= G_MAXINT64
         && (self->dialect == NULL || strlen (self->dialect) <= DIALECT_MAX)
         && (self->upload == NULL || trd_upload_check (self->upload));
}

static void
read_digests (TrdOutcome *self, GVariant *facts)
{
  self->digests = g_variant_lookup_value (facts, "digests", G_VARIANT_TYPE ("a{say}"));
  self->declared_digests = g_variant_lookup_value (
      facts, "declared-digests", G_VARIANT_TYPE ("a{say}"));
  self->digest_state = g_variant_lookup_value (
      facts, "digest-state", G_VARIANT_TYPE_VARDICT);
  self->decoded_digests = g_variant_lookup_value (
      facts, "decoded-digests", G_VARIANT_TYPE ("a{say}"));
}

static gboolean
read_facts (TrdOutcome *self, GVariant *facts)
{
  g_autoptr (GVariant) body = NULL;

  g_variant_lookup (facts, "status", "u", &self->status);
  g_variant_lookup (facts, "errno", "i", &self->error_number);
  g_variant_lookup (facts, "received", "t", &self->received);
  g_variant_lookup (facts, "url", "s", &self->error_url);
  g_variant_lookup (facts, "tls-flags", "u", &self->tls_flags);
  g_variant_lookup (facts, "sent", "b", &self->sent);
  g_variant_lookup (facts, "definite", "b", &self->definite);
  self->has_decoded = g_variant_lookup (facts, "decoded", "t", &self->decoded);
  self->has_retry_after = g_variant_lookup (
      facts, "retry-after", "t", &self->retry_after_ms);
  self->transactions = g_variant_lookup_value (
      facts, "transactions", G_VARIANT_TYPE ("aa{sv}"));
  g_variant_lookup (facts, "hops", "u", &self->n_hops);
  read_digests (self, facts);
  /* A server may send us anywhere: no reason to blame the worker. */
  if (self->error_url != NULL && strlen (self->error_url) > URL_MAX)
    g_clear_pointer (&self->error_url, g_free);
  if (self->status > 999 || self->error_number < 0 || self->received > G_MAXINT64)
    return FALSE;
  if (!read_upload (self, facts))
    return FALSE;
  if (self->transactions != NULL && !trd_metrics_check (self->transactions, self->n_hops))
    return FALSE;
  if (!are_digests (self->digests) || !are_digests (self->declared_digests)
      || !are_digests (self->decoded_digests) || self->decoded > G_MAXINT64
      || (self->digest_state != NULL && !trd_digest_state_check (self->digest_state)))
    return FALSE;

  self->challenge = g_variant_lookup_value (facts, "challenge", G_VARIANT_TYPE_VARDICT);
  if (self->challenge != NULL
      && (self->complete || !trd_challenge_check (self->challenge)))
    return FALSE;

  self->response = g_variant_lookup_value (facts, "response", G_VARIANT_TYPE_VARDICT);
  if (self->response != NULL
      && !is_in_vocabulary (
          self->response, response_words, G_N_ELEMENTS (response_words)))
    return FALSE;

  body = g_variant_lookup_value (facts, "error-body", G_VARIANT_TYPE_BYTESTRING);
  if (body == NULL)
    return TRUE;
  if (g_variant_get_size (body) > TRD_ERROR_BODY_MAX)
    return FALSE;
  self->error_body = g_variant_get_data_as_bytes (body);
  return TRUE;
}

TrdOutcome *
trd_outcome_new_from_wire (GVariant *facts, GError **error)
{
  g_autoptr (TrdOutcome) self = g_new0 (TrdOutcome, 1);

  g_return_val_if_fail (facts != NULL, NULL);

  if (!g_variant_is_of_type (facts, G_VARIANT_TYPE_VARDICT)
      || !is_in_vocabulary (facts, fact_words, G_N_ELEMENTS (fact_words))
      || !read_ending (self, facts) || !read_facts (self, facts))
    {
      g_set_error_literal (error,
                           G_IO_ERROR,
                           G_IO_ERROR_INVALID_DATA,
                           "The end of an attempt was told in a way that makes no sense");
      return NULL;
    }
  return g_steal_pointer (&self);
}

/* ---- what it means ---- */

gboolean
trd_method_is_idempotent (const char *method)
{
  static const char *const methods[] = { "GET", "HEAD",   "OPTIONS", "TRACE",
                                         "PUT", "DELETE", NULL };

  return g_strv_contains (methods, method);
}

/* At a place where an upload is gone on with, that somebody is at it still: the end of an
 * attempt that broke off may not have been noticed (409 and tus' 423); or that what came
 * was not what was sent (460 of tus). */
static gboolean
is_passing_at_place (guint status)
{
  return status == 409 || status == 423 || status == 460;
}

static gboolean
is_passing_status (TrundleError code, guint status, const TrdContext *context)
{
  return code == TRUNDLE_ERROR_HTTP_STATUS
         && (trd_retry_has_status (&context->retry, status)
             || (context->repeat == TRD_REPEAT_NOTHING && is_passing_at_place (status)));
}

/* Attempts in a row that may end so; 0 for any number. */
static guint
find_limit (TrundleError code, guint status, const TrdContext *context)
{
  guint in_a_row = meanings[code].in_a_row;
  guint n = MAX (context->n_addresses, 1);

  if (is_passing_status (code, status, context))
    in_a_row = context->retry.max_status_attempts;
  /* A second look at the same bytes is worth it only when nobody else has the file. */
  if (meanings[code].verdict == TRD_VERDICT_RETRY_AFRESH)
    return MAX (in_a_row, n);

  return in_a_row > G_MAXUINT / n ? 0 : in_a_row * n;
}

/* Final for the address that was asked; wrong bytes are, when there are others. */
static gboolean
is_final_here (TrundleError code, guint status, const TrdContext *context)
{
  guint n = MAX (context->n_addresses, 1);

  if (meanings[code].verdict == TRD_VERDICT_RETRY_AFRESH)
    return n > 1;

  return find_limit (code, status, context) == n && meanings[code].in_a_row == 1;
}

/* With several addresses, whatever is final is alike: when all of them have said so in a
 * row, there is nothing left to try. */
static gboolean
is_like_last (const TrdOutcome *self, const TrdContext *context)
{
  if (!context->has_last)
    return FALSE;
  if (is_final_here (self->code, self->status, context))
    return is_final_here (context->last_code, context->last_status, context);

  return context->last_code == self->code
         && !is_final_here (context->last_code, context->last_status, context);
}

static gboolean
asks_for_patience (const TrdOutcome *self, const TrdContext *context)
{
  return self->has_retry_after && is_passing_status (self->code, self->status, context);
}

guint
trd_outcome_streak (const TrdOutcome *self, const TrdContext *context)
{
  guint before = is_like_last (self, context) ? context->streak : 0;

  if (asks_for_patience (self, context))
    return before;
  if (self->code == TRUNDLE_ERROR_HOST_NOT_FOUND && !(self->definite && context->network))
    return 0;

  return before + 1;
}

/* Law 12: what the server may have seen is done again only when that does no harm. */
static gboolean
may_repeat (const TrdOutcome *self, const TrdContext *context)
{
  if (context->repeat != TRD_REPEAT_WHOLE)
    return context->repeat != TRD_REPEAT_NEVER;

  return context->idempotent
         || !(self->sent || self->status != 0 || self->response != NULL);
}

/* Who asks for a credential has not done what it was asked for (RFC 9110 §15.5.2), so
 * that even what may not be repeated may be asked again; but who has redirected may have,
 * and who breaks off without an answer.  Another address of the file may want to know
 * nothing. */
static gboolean
is_challenge (const TrdOutcome *self, const TrdContext *context)
{
  gboolean may_be_done = context->redirected || (self->sent && self->status == 0);

  if (self->challenge == NULL || context->repeat == TRD_REPEAT_NEVER
      || (may_be_done && !context->idempotent && context->repeat == TRD_REPEAT_WHOLE))
    return FALSE;

  return context->n_addresses <= 1
         || trd_outcome_streak (self, context)
                >= find_limit (self->code, self->status, context);
}

TrdVerdict
trd_outcome_judge (const TrdOutcome *self, const TrdContext *context)
{
  TrdVerdict verdict;
  guint limit;

  g_return_val_if_fail (self != NULL, TRD_VERDICT_FAIL);
  g_return_val_if_fail (context != NULL, TRD_VERDICT_FAIL);

  if (self->complete)
    return TRD_VERDICT_SUCCEED;

  if (is_challenge (self, context))
    return TRD_VERDICT_CHALLENGE;

  verdict = self->busy ? TRD_VERDICT_RETRY_AT_ONCE : meanings[self->code].verdict;
  /* Whatever the place was answered: that there is none is what counts. */
  if (context->repeat == TRD_REPEAT_ANEW && self->code == TRUNDLE_ERROR_HTTP_STATUS)
    verdict = TRD_VERDICT_RETRY_AT_ONCE;
  if (verdict == TRD_VERDICT_FAIL || !may_repeat (self, context))
    return TRD_VERDICT_FAIL;
  if (verdict != TRD_VERDICT_RETRY && verdict != TRD_VERDICT_RETRY_AFRESH)
    return verdict;

  if (context->retry.max_attempts != 0
      && context->attempts + 1 >= context->retry.max_attempts)
    return TRD_VERDICT_FAIL;
  limit = find_limit (self->code, self->status, context);
  if (limit != 0 && trd_outcome_streak (self, context) >= limit)
    return TRD_VERDICT_FAIL;

  return asks_for_patience (self, context) ? TRD_VERDICT_RETRY_AFTER : verdict;
}

/* The reason phrase of the answer, which says more than the number now and then. */
static const char *
get_reason (const TrdOutcome *self)
{
  const char *reason = NULL;

  if (self->response != NULL && self->code == TRUNDLE_ERROR_HTTP_STATUS)
    g_variant_lookup (self->response, "reason", "&s", &reason);
  /* The worker knows nothing of digests, only that the size is not the right one. */
  if (self->code == TRUNDLE_ERROR_INTEGRITY_FAILED && self->details == NULL)
    reason = "size";
  return reason != NULL && *reason != '\0' ? reason : NULL;
}

GVariant *
trd_outcome_details (const TrdOutcome *self, const char *url)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (self != NULL ? self->details : NULL);
  const char *reason;

  g_return_val_if_fail (self != NULL, NULL);

  reason = get_reason (self);
  if (self->error_url != NULL)
    url = self->error_url;
  if (url != NULL)
    {
      /* Law 9, whoever calls. */
      g_autofree char *clean = trundle_url_without_user_info (url, NULL);
      g_variant_dict_insert (&dict, "url", "s", clean);
    }
  if (reason != NULL)
    g_variant_dict_insert (&dict, "reason", "s", reason);
  if (self->status != 0)
    g_variant_dict_insert (&dict, "status", "u", self->status);
  if (self->error_number != 0)
    g_variant_dict_insert (&dict, "errno", "i", self->error_number);
  if (self->tls_flags != 0)
    g_variant_dict_insert (&dict, "tls-flags", "u", self->tls_flags);
  if (self->message != NULL)
    g_variant_dict_insert (&dict, "message", "s", self->message);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}
