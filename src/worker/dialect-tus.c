/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Uploads by tus 1.0.0: what the server can do is asked (OPTIONS), an upload is created
 * (POST), and its bytes are appended (PATCH) behind those it has (HEAD).
 *
 * The request of the task is the creation: its address, who asks, and the app's headers
 * but those about a body, which go into Upload-Metadata.  Not a byte is sent before the
 * place is stored, so that it is found again whatever happens (creation-with-upload would
 * send bytes first, and is not used).  All that is left goes in one PATCH, unless the
 * server checks sums, which have to be said first: then in pieces.
 *
 * Places have `expires` and `checksum` besides `url`; terminate.c gives them up.
 *
 * PATCH may be asked again: a server refuses an offset that is not the next.  The answer
 * of the task is that to the PATCH with the last byte; of an upload that was complete
 * already, that to HEAD; of an empty one, that to its creation.  A server never has less
 * than it said before in the same attempt, nor more than there is. */

#include "config.h"

#include "dialect.h"

#include "common/error.h"
#include "common/http-date.h"
#include "common/url.h"
#include "digest.h"

#include <string.h>

#define VERSION "1.0.0"

/* Of a piece that is summed; it is read twice, and what is lost of one is sent again. */
#define PIECE_MAX (8 * 1024 * 1024)
#define BLOCK (256 * 1024)

/* In a row.  A server that goes on refusing what it asks for, or on disbelieving what a
 * sum is of, has something else in mind. */
#define CONFLICTS_MAX 3
#define MISMATCHES_MAX 3

/* An expiry that is told anew with each answer is no news by less. */
#define EXPIRY_SLACK_US (60 * (gint64)G_USEC_PER_SEC)

#define STATUS_LOCKED 423
#define STATUS_CHECKSUM_MISMATCH 460

typedef enum
{
  STAGE_DISCOVER,
  STAGE_CREATE,
  STAGE_LOOK, /* how far the server is */
  STAGE_APPEND,
} Stage;

typedef struct
{
  Stage stage;
  GUri *place;        /* (owned) (nullable): where the upload is */
  gint64 expires_us;  /* realtime; 0 unknown */
  const char *digest; /* (unowned), static (nullable): that pieces are summed by */
  guint64 offset;     /* of what is sent now */
  guint64 length;
  gboolean is_known; /* the server has said a word of tus */
  guint n_conflicts;
  guint n_mismatches;
} State;

/* What of the app's own words is for the creation alone. */
static const char *const not_with_place[] = {
  "Digest",
  "Expect",
  "Idempotency-Key",
  "If-Match",
  "If-Modified-Since",
  "If-None-Match",
  "If-Range",
  "If-Unmodified-Since",
  "Prefer",
  "Range",
  "Repr-Digest",
  "Tus-Resumable",
  "Upload-Concat",
  "Upload-Defer-Length",
  "Upload-Length",
  "Upload-Metadata",
  "Want-Digest",
  "Want-Repr-Digest",
  NULL,
};

/* ---- state ---- */

/* (nullable): our names are theirs. */
static const char *
find_digest (const char *const *words)
{
  /* As fast as they are good: processors have the first built in. */
  static const char *const names[] = { "sha256", "sha512", "sha1", "md5" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      if (g_strv_contains (words, names[i]))
        return names[i];
    }
  return NULL;
}

static void
read_place (State *self, GVariant *place)
{
  const char *url = "";
  const char *digest = "";

  g_variant_lookup (place, "expires", "x", &self->expires_us);
  g_variant_lookup (place, "url", "&s", &url);
  self->place = trundle_url_parse (url, NULL);
  if (self->place == NULL)
    return;
  g_variant_lookup (place, "checksum", "&s", &digest);
  self->digest = find_digest ((const char *const[]){ digest, NULL });
  self->stage = STAGE_LOOK;
}

static gpointer
begin (TrwUpload *upload, GVariant *place)
{
  State *self = g_new0 (State, 1);

  if (place != NULL)
    read_place (self, place);
  return self;
}

static void
end (gpointer state)
{
  State *self = state;

  g_clear_pointer (&self->place, g_uri_unref);
  g_free (self);
}

static void
tell_place (TrwUpload *upload, State *self)
{
  g_autofree char *url = g_uri_to_string (self->place);
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "url", "s", url);
  if (self->expires_us != 0)
    g_variant_dict_insert (&dict, "expires", "x", self->expires_us);
  if (self->digest != NULL)
    g_variant_dict_insert (&dict, "checksum", "s", self->digest);
  trw_upload_tell (upload, g_variant_dict_end (&dict));
}

static TrwVerdict
fail (GError **error, TrundleError code, const char *message)
{
  g_set_error_literal (error, TRUNDLE_ERROR, code, message);
  return TRW_VERDICT_FAIL;
}

/* ---- what goes along ---- */

static gboolean
has_header (GVariant *headers, const char *wanted)
{
  GVariantIter iter;
  const char *name;

  g_variant_iter_init (&iter, headers);
  while (g_variant_iter_next (&iter, "(&s&s)", &name, NULL))
    {
      if (g_ascii_strcasecmp (name, wanted) == 0)
        return TRUE;
    }
  return FALSE;
}

/* Those the app says about the body.  (transfer full) */
static SoupMessageHeaders *
collect_headers (GVariant *given)
{
  SoupMessageHeaders *headers = soup_message_headers_new (SOUP_MESSAGE_HEADERS_RESPONSE);
  GVariantIter iter;
  const char *name;
  const char *value;

  g_variant_iter_init (&iter, given);
  while (g_variant_iter_next (&iter, "(&s&s)", &name, &value))
    soup_message_headers_append (headers, name, value);
  return headers;
}

static void
add_metadata (GString *metadata, const char *key, const char *value)
{
  g_autofree char *encoded = NULL;

  if (value == NULL || *value == '\0')
    return;
  encoded = g_base64_encode ((const guchar *)value, strlen (value));
  g_string_append_printf (
      metadata, "%s%s %s", metadata->len > 0 ? "," : "", key, encoded);
}

/* The app's own, else what servers expect by custom, as far as the app has said it in
 * other words: the name in Content-Disposition, the type in Content-Type. */
static void
say_metadata (const TrwRequest *request, SoupMessageHeaders *out)
{
  g_autoptr (GString) metadata = g_string_new (NULL);
  g_autoptr (GHashTable) parameters = NULL;
  SoupMessageHeaders *given;

  if (has_header (request->headers, "Upload-Metadata")
      || has_header (request->secret_headers, "Upload-Metadata"))
    return;
  given = collect_headers (request->headers);
  if (soup_message_headers_get_content_disposition (given, NULL, &parameters))
    add_metadata (metadata, "filename", g_hash_table_lookup (parameters, "filename"));
  add_metadata (
      metadata, "filetype", soup_message_headers_get_one (given, "Content-Type"));
  if (metadata->len > 0)
    soup_message_headers_append (out, "Upload-Metadata", metadata->str);
  soup_message_headers_unref (given);
}

static void
say_number (SoupMessageHeaders *headers, const char *name, guint64 number)
{
  g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT, number);

  soup_message_headers_replace (headers, name, text);
}

/* (transfer full) (nullable) */
static char *
compute_checksum (TrwUpload *upload, State *self, GError **error)
{
  const char *names[] = { self->digest, NULL };
  g_autoptr (TrwDigests) digests = trw_digests_new (names);
  g_autofree guint8 *block = g_malloc (BLOCK);
  g_autoptr (GVariant) all = NULL;
  g_autoptr (GVariant) value = NULL;
  g_autofree char *encoded = NULL;

  for (guint64 done = 0; done < self->length; done += BLOCK)
    {
      gsize n = (gsize)MIN (self->length - done, BLOCK);

      if (!trw_pieces_read (
              trw_upload_get_pieces (upload), self->offset + done, block, n, error))
        return NULL;
      trw_digests_update (digests, block, n);
    }
  all = trw_digests_finish (digests);
  value = g_variant_lookup_value (all, self->digest, G_VARIANT_TYPE_BYTESTRING);
  encoded = g_base64_encode (g_variant_get_data (value), g_variant_get_size (value));
  return g_strconcat (self->digest, " ", encoded, NULL);
}

/* ---- questions ---- */

static gboolean
ask_to_append (TrwUpload *upload, State *self, TrwQuestion *out, GError **error)
{
  guint64 rest;

  self->offset = trw_upload_get_confirmed (upload);
  rest = trw_upload_get_size (upload) - self->offset;
  self->length = self->digest != NULL ? MIN (rest, PIECE_MAX) : rest;
  out->method = "PATCH";
  out->has_body = TRUE;
  out->offset = self->offset;
  out->length = self->length;
  soup_message_headers_append (
      out->headers, "Content-Type", "application/offset+octet-stream");
  say_number (out->headers, "Upload-Offset", self->offset);
  if (self->digest != NULL)
    {
      g_autofree char *checksum = compute_checksum (upload, self, error);

      if (checksum == NULL)
        return FALSE;
      soup_message_headers_append (out->headers, "Upload-Checksum", checksum);
    }
  return TRUE;
}

static void
ask_to_create (TrwUpload *upload, TrwQuestion *out)
{
  out->method = "POST";
  say_number (out->headers, "Upload-Length", trw_upload_get_size (upload));
  say_metadata (trw_upload_get_request (upload), out->headers);
}

static gboolean
ask (TrwUpload *upload, TrwQuestion *out, GError **error)
{
  State *self = trw_upload_get_state (upload);
  const TrwRequest *request = trw_upload_get_request (upload);

  out->uri = g_uri_ref (self->place != NULL ? self->place : request->uri);
  if (self->stage != STAGE_CREATE)
    out->without = not_with_place;
  if (self->stage != STAGE_DISCOVER)
    soup_message_headers_append (out->headers, "Tus-Resumable", VERSION);
  switch (self->stage)
    {
    case STAGE_DISCOVER:
      out->method = "OPTIONS";
      out->may_repeat = TRUE;
      return TRUE;
    case STAGE_CREATE:
      ask_to_create (upload, out);
      return TRUE;
    case STAGE_LOOK:
      out->method = "HEAD";
      out->may_repeat = TRUE;
      return TRUE;
    case STAGE_APPEND:
      return ask_to_append (upload, self, out, error);
    }
  g_assert_not_reached ();
}

/* ---- answers ---- */

/* The words of a list in a header; none when there is no such header.  (transfer full) */
static char **
read_list (const TrwReply *reply, const char *name)
{
  const char *text = soup_message_headers_get_list (reply->headers, name);
  char **words = g_strsplit (text != NULL ? text : "", ",", -1);

  for (guint i = 0; words[i] != NULL; i++)
    g_strstrip (words[i]);
  return words;
}

static gboolean
lists (const TrwReply *reply, const char *name, const char *word)
{
  g_auto (GStrv) words = read_list (reply, name);

  return g_strv_contains ((const char *const *)words, word);
}

static gboolean
has (const TrwReply *reply, const char *name)
{
  return soup_message_headers_get_list (reply->headers, name) != NULL;
}

/* FALSE when there is none, or what it says is no number. */
static gboolean
read_number (const TrwReply *reply, const char *name, guint64 *out_number)
{
  const char *text = soup_message_headers_get_one (reply->headers, name);

  return text != NULL
         && g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT64, out_number, NULL);
}

/* TRUE: there is news. */
static gboolean
take_expiry (State *self, const TrwReply *reply)
{
  const char *text = soup_message_headers_get_one (reply->headers, "Upload-Expires");
  gint64 seconds;
  gint64 expires_us;

  if (text == NULL || !trundle_http_date_parse (text, &seconds)
      || seconds > G_MAXINT64 / G_USEC_PER_SEC)
    return FALSE;
  expires_us = MAX (seconds, 1) * G_USEC_PER_SEC;
  if (self->expires_us != 0 && ABS (expires_us - self->expires_us) < EXPIRY_SLACK_US)
    return FALSE;
  self->expires_us = expires_us;
  return TRUE;
}

static TrwVerdict
complete (TrwUpload *upload)
{
  trw_upload_set_complete (upload);
  return TRW_VERDICT_FINAL;
}

static TrwVerdict
take_abilities (TrwUpload *upload, State *self, const TrwReply *reply, GError **error)
{
  guint64 most;

  self->stage = STAGE_CREATE;
  /* Asking may be refused where creating is not; who answers need not be the server. */
  if (SOUP_STATUS_IS_SERVER_ERROR (reply->status)
      || reply->status == SOUP_STATUS_UNAUTHORIZED
      || reply->status == SOUP_STATUS_PROXY_AUTHENTICATION_REQUIRED)
    return TRW_VERDICT_REFUSED;
  if (!SOUP_STATUS_IS_SUCCESSFUL (reply->status) || !has (reply, "Tus-Version"))
    return TRW_VERDICT_NEXT;
  if (!lists (reply, "Tus-Extension", "creation"))
    return fail (error,
                 TRUNDLE_ERROR_PROTOCOL_ERROR,
                 "The server does not let uploads be created by tus");
  if (read_number (reply, "Tus-Max-Size", &most) && trw_upload_get_size (upload) > most)
    return fail (error, TRUNDLE_ERROR_TOO_LARGE, "The server takes no upload that large");
  if (lists (reply, "Tus-Extension", "checksum"))
    {
      g_auto (GStrv) words = read_list (reply, "Tus-Checksum-Algorithm");

      self->digest = find_digest ((const char *const *)words);
    }
  return TRW_VERDICT_NEXT;
}

static TrwVerdict
take_creation (TrwUpload *upload, State *self, const TrwReply *reply, GError **error)
{
  if (!SOUP_STATUS_IS_SUCCESSFUL (reply->status))
    {
      if (!self->is_known && !SOUP_STATUS_IS_SERVER_ERROR (reply->status))
        trw_upload_learn (upload, "none");
      return TRW_VERDICT_REFUSED;
    }
  self->place = trw_upload_resolve (
      upload, soup_message_headers_get_one (reply->headers, "Location"), error);
  if (self->place == NULL)
    return TRW_VERDICT_FAIL;
  trw_upload_learn (upload, trw_dialect_tus.word);
  if (trw_upload_get_size (upload) == 0)
    return complete (upload);
  take_expiry (self, reply);
  tell_place (upload, self);
  self->stage = STAGE_APPEND;
  return TRW_VERDICT_NEXT;
}

/* The server has so much of it. */
static TrwVerdict
take_offset (TrwUpload *upload, State *self, guint64 offset, GError **error)
{
  guint64 size = trw_upload_get_size (upload);

  if (offset < trw_upload_get_confirmed (upload) || !trw_upload_can_have (upload, offset))
    return fail (
        error,
        TRUNDLE_ERROR_PROTOCOL_ERROR,
        "The server has less of the upload than it said, or more than it was sent");
  if (offset > trw_upload_get_confirmed (upload))
    self->n_conflicts = 0;
  trw_upload_confirm (upload, offset);
  self->stage = STAGE_APPEND;
  return offset == size ? complete (upload) : TRW_VERDICT_NEXT;
}

static TrwVerdict
take_position (TrwUpload *upload, State *self, const TrwReply *reply, GError **error)
{
  guint64 offset;
  guint64 length;

  if (reply->status == SOUP_STATUS_NOT_FOUND || reply->status == SOUP_STATUS_GONE
      || reply->status == SOUP_STATUS_FORBIDDEN)
    return TRW_VERDICT_AFRESH;
  if (!SOUP_STATUS_IS_SUCCESSFUL (reply->status))
    return TRW_VERDICT_REFUSED;
  if (!read_number (reply, "Upload-Offset", &offset)
      || (has (reply, "Upload-Length")
          && (!read_number (reply, "Upload-Length", &length)
              || length != trw_upload_get_size (upload))))
    return fail (error,
                 TRUNDLE_ERROR_PROTOCOL_ERROR,
                 "What the server has there is another upload");
  if (take_expiry (self, reply))
    tell_place (upload, self);
  return take_offset (upload, self, offset, error);
}

/* Somebody else has moved it on, or the server still has an attempt before this one in
 * hand, whose connection is lost. */
static TrwVerdict
take_conflict (State *self, GError **error)
{
  self->stage = STAGE_LOOK;
  if (++self->n_conflicts <= CONFLICTS_MAX)
    return TRW_VERDICT_NEXT;
  return fail (error,
               TRUNDLE_ERROR_CONNECTION_LOST,
               "The server does not let the upload go on where it says");
}

static TrwVerdict
take_mismatch (State *self, GError **error)
{
  if (++self->n_mismatches <= MISMATCHES_MAX)
    return TRW_VERDICT_NEXT;
  return fail (error,
               TRUNDLE_ERROR_INTEGRITY_FAILED,
               "What arrives at the server is not what was sent");
}

static TrwVerdict
take_refusal (TrwUpload *upload, State *self, const TrwReply *reply, GError **error)
{
  switch (reply->status)
    {
    case SOUP_STATUS_NOT_FOUND:
    case SOUP_STATUS_GONE:
      return TRW_VERDICT_AFRESH;
    case SOUP_STATUS_CONFLICT:
      return take_conflict (self, error);
    case STATUS_CHECKSUM_MISMATCH:
      return take_mismatch (self, error);
    case SOUP_STATUS_BAD_REQUEST:
      /* It may not know the algorithm (Checksum, 1). */
      if (self->digest == NULL)
        return TRW_VERDICT_REFUSED;
      self->digest = NULL;
      tell_place (upload, self);
      self->stage = STAGE_LOOK;
      return TRW_VERDICT_NEXT;
    default:
      return TRW_VERDICT_REFUSED;
    }
}

static TrwVerdict
take_progress (TrwUpload *upload, State *self, const TrwReply *reply, GError **error)
{
  guint64 offset;

  if (!SOUP_STATUS_IS_SUCCESSFUL (reply->status))
    return take_refusal (upload, self, reply, error);
  self->n_mismatches = 0;
  if (take_expiry (self, reply))
    tell_place (upload, self);
  if (!read_number (reply, "Upload-Offset", &offset))
    {
      self->stage = STAGE_LOOK;
      return TRW_VERDICT_NEXT;
    }
  if (offset < self->offset || offset - self->offset > reply->n_sent)
    return fail (error,
                 TRUNDLE_ERROR_PROTOCOL_ERROR,
                 "The server has another number of bytes than it was sent");
  return take_offset (upload, self, offset, error);
}

/* Of whatever was asked: TRUE when it speaks tus, but not ours. */
static gboolean
is_other_version (const TrwReply *reply)
{
  return has (reply, "Tus-Version") && !lists (reply, "Tus-Version", VERSION);
}

static TrwVerdict
answered (TrwUpload *upload, const TrwReply *reply, GError **error)
{
  State *self = trw_upload_get_state (upload);

  if (has (reply, "Tus-Resumable") || has (reply, "Tus-Version"))
    self->is_known = TRUE;
  if (is_other_version (reply))
    return fail (
        error, TRUNDLE_ERROR_PROTOCOL_ERROR, "The server speaks another version of tus");
  if (reply->status == STATUS_LOCKED && self->place != NULL)
    return fail (error,
                 TRUNDLE_ERROR_CONNECTION_LOST,
                 "The server still has an attempt before this one in hand");
  switch (self->stage)
    {
    case STAGE_DISCOVER:
      return take_abilities (upload, self, reply, error);
    case STAGE_CREATE:
      return take_creation (upload, self, reply, error);
    case STAGE_LOOK:
      return take_position (upload, self, reply, error);
    case STAGE_APPEND:
      return take_progress (upload, self, reply, error);
    }
  g_assert_not_reached ();
}

const TrwDialect trw_dialect_tus = {
  .word = "tus",
  .heeds_expiry = TRUE,
  .begin = begin,
  .end = end,
  .ask = ask,
  .answered = answered,
};
