/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The keys of all our a{sv}, in one table, and the only code that judges them.  What has
 * passed trundle_vocabulary_check() is of its type, in its bounds and makes sense by
 * itself; what keys mean to one another is for the callers to judge.  No message quotes a
 * value: it may be a secret (law 9). */

#include "config.h"

#include "common/vocabulary.h"

#include "common/enums.h"
#include "common/error.h"
#include "common/vocabulary-checks.h"

#include <string.h>

#define KIB 1024
#define MIB (1024.0 * KIB)
#define C TRUNDLE_SCOPE_CONFIGURATION
#define T TRUNDLE_SCOPE_TASK
#define B TRUNDLE_SCOPE_BATCH
#define A TRUNDLE_SCOPE_ATTACH
#define J TRUNDLE_SCOPE_COOKIE
#define F TRUNDLE_SCOPE_FILTER
#define H TRUNDLE_SCOPE_HISTORY
#define M TRUNDLE_SCOPE_MOVE
#define O TRUNDLE_SCOPE_OPEN
#define R TRUNDLE_SCOPE_REQUEST
#define Y TRUNDLE_SCOPE_RETRY
#define P TRUNDLE_SCOPE_SPACE
#define K TRUNDLE_SCOPE_CREDENTIAL
#define G TRUNDLE_SCOPE_OAUTH2
#define U TRUNDLE_SCOPE_UPLOAD
#define X TRUNDLE_SCOPE_PART

#define HEADERS_MAX 200
#define PARTS_MAX 256
#define NAME_BYTES_MAX 255
#define PATH_BYTES_MAX 4095

/* A hundred years: a moment computed from it still fits in microseconds. */
#define TIMEOUT_MS_MAX 3155760000000.0

/* Every gint64: the largest itself is no double. */
#define INT64_BOUND 9223372036854775808.0

/* What is unsigned on the bus and signed with us must stay clear of that bound. */
#define NUMBER_MAX 9e18

#define DAY_MS (24.0 * 3600 * 1000)

/* clang-format off */
static const TrundleWord words[] = {
  /* Who is called, and when. */
  { "app-id", "s", NULL, C, NULL, 1, NAME_BYTES_MAX, trundle_check_app_id,
    "Id of the application the session belongs to" },
  { "activation-name", "s", NULL, C, NULL, 1, NAME_BYTES_MAX, trundle_check_bus_name,
    "Bus name that is started for events" },
  { "sends-launch-events", "b", NULL, C, "true", 0, 0, NULL,
    "Whether the application is started for events" },
  { "launch-without-display", "b", NULL, C, "false", 0, 0, NULL,
    "Whether it is started without a graphical session too" },
  { "auto-complete", "b", NULL, C, "false", 0, 0, NULL,
    "Whether events are completed as soon as they are stored" },
  { "update-configuration", "b", NULL, O, "false", 0, 0, NULL,
    "Whether an existing session takes the configuration" },

  /* What is asked of the server. */
  { "headers", "a(ss)", "a{ss}", C | T | U | R, NULL, 0, HEADERS_MAX,
    trundle_check_headers,
    "Header fields of the request" },
  { "headers-fd", "h", NULL, C | T | U | R, NULL, 0, 0, NULL,
    "What to read them from, as lines" },
  { "method", "s", NULL, T | U | R, "'GET'", 1, 32, trundle_check_method,
    "Method of the request" },
  { "accept-status", "as", NULL, C | T | U | R, "['2xx']", 1, 64,
    trundle_check_accept_status,
    "Statuses that are a success" },
  { "redirects", "s", NULL, C | T | U, "'follow'", 1, 32, trundle_check_redirects,
    "Which redirects are followed" },
  { "max-redirects", "u", NULL, C | T | U, "20", 0, 100, NULL,
    "How many redirects are followed" },
  { "allow-insecure-redirect", "b", NULL, C | T | U, "false", 0, 0, NULL,
    "Whether a redirect may lead from https to http" },
  { "allow-unframed", "b", NULL, C | T | U, "false", 0, 0, NULL,
    "Whether a body whose end nothing proves is a success" },
  { "ca-certificates", "s", NULL, C | T | U, NULL, 1, 256 * KIB,
    trundle_check_certificates,
    "Further certificate authorities to trust, in PEM" },
  { "pins", "as", NULL, C | T | U | R, NULL, 0, 64, trundle_check_pins,
    "Public keys of which the server must show one" },
  { "range", "(tt)", NULL, T | U | X, NULL, 0, 0, trundle_check_range,
    "First byte and number of bytes that are wanted, 0 for all that follow" },
  { "mirrors", "as", NULL, T | R, NULL, 0, 32, trundle_check_urls,
    "Further addresses of the same file, tried in this order" },
  { "idempotent", "b", NULL, T | U | R, "false", 0, 0, NULL,
    "Whether a request may be repeated although its method does not say so" },
  { "retry-safe", "b", NULL, T | U | R, "false", 0, 0, NULL,
    "Another name of idempotent" },
  { "retry", "a{sv}", NULL, C | T | U | R, NULL, 0, 64, trundle_check_retry,
    "What is tried again, how often and when" },
  { "max-attempts", "u", NULL, Y, "0", 0, 1000000, NULL,
    "Attempts in all, 0 for no limit but the time" },
  { "max-status-attempts", "u", NULL, Y, "5", 0, 1000000, NULL,
    "Attempts in a row that a status of `statuses` may end, 0 for no limit" },
  { "base-delay", "t", NULL, Y, "1000", 1, DAY_MS, NULL,
    "Milliseconds before the second attempt; doubled for each that follows" },
  { "max-delay", "t", NULL, Y, "900000", 1, DAY_MS, NULL,
    "Milliseconds between two attempts at most" },
  { "jitter", "d", NULL, Y, "0.25", 0, 1, NULL,
    "Part of a delay by which chance makes it shorter or longer" },
  { "statuses", "au", NULL, Y, "[408, 425, 429, 500, 502, 503, 504]", 0, 64,
    trundle_check_statuses,
    "Statuses after which the request is repeated" },

  /* Who is asked, and who answers. */
  { "challenge-handling", "s", NULL, C | T | U, "'ask'", 1, 32, trundle_check_handling,
    "Whether the application is asked when a server wants to know who is there" },
  { "challenge-timeout", "t", NULL, C | T | U, "0", 0, TIMEOUT_MS_MAX, NULL,
    "Milliseconds an answer is waited for, 0 for ever" },
  { "allow-insecure-auth", "b", NULL, C | T | U | K, "false", 0, 0, NULL,
    "Whether passwords and tokens may be sent without TLS" },
  { "negotiate-hosts", "as", NULL, C, NULL, 0, 64, trundle_check_hosts,
    "Servers that may be told who the user is by his Kerberos ticket" },
  { "proxy", "s", NULL, C, "'system'", 1, 4 * KIB, trundle_check_proxy,
    "Whether a proxy is asked, and which" },
  { "proxy-fd", "h", NULL, C, NULL, 0, 0, NULL,
    "What to read it from" },
  { "proxy-exclusions", "as", NULL, C, NULL, 0, 256, trundle_check_exclusions,
    "Servers that are asked directly all the same" },
  { "preemptive-auth", "b", NULL, C | T | U, "false", 0, 0, NULL,
    "Whether a credential is sent before the server asks for it" },
  { "oauth2", "a{sv}", NULL, C | T | U | R, NULL, 0, 16, trundle_check_oauth2,
    "Where fresh bearer tokens come from" },
  { "token-url", "s", NULL, G, NULL, 1, 4 * KIB, trundle_check_token_url,
    "Address of the token server" },
  { "client-id", "s", NULL, G, NULL, 1, 4 * KIB, NULL,
    "Name of the client there" },
  { "client-secret", "s", NULL, G, NULL, 0, 16 * KIB, NULL,
    "Its secret" },
  { "refresh-token", "s", NULL, G, NULL, 1, 16 * KIB, NULL,
    "What the token server gives fresh tokens for" },
  { "scope", "s", NULL, G, NULL, 0, 4 * KIB, trundle_check_line,
    "Scope of the tokens" },

  { "protocol", "s", NULL, P, "'https'", 1, 16, trundle_check_protocol,
    "Protocol of the server or proxy" },
  { "host", "s", NULL, P, NULL, 1, NAME_BYTES_MAX, trundle_check_host,
    "Name or address of the server or proxy" },
  { "port", "u", NULL, P, "0", 0, 65535, NULL,
    "Port of the server or proxy, 0 for that of the protocol" },
  { "realm", "s", NULL, P, NULL, 0, 4 * KIB, NULL,
    "Realm the server names" },
  { "is-proxy", "b", NULL, P, "false", 0, 0, NULL,
    "Whether it is a proxy" },
  { "user", "s", NULL, K | T | U | R, NULL, 0, 4 * KIB, trundle_check_line,
    "Name of the user" },
  { "password", "s", NULL, K | T | U | R, NULL, 0, 64 * KIB, NULL,
    "Password of the user, of a PKCS#12 file or of a PKCS#11 token" },
  { "password-fd", "h", NULL, K | T | U | R, NULL, 0, 0, NULL,
    "What to read it from" },
  { "token", "s", NULL, K, NULL, 1, 64 * KIB, trundle_check_line,
    "Bearer token" },
  { "token-fd", "h", NULL, K, NULL, 0, 0, NULL,
    "What to read it from" },
  { "certificate", "s", "ay", K, NULL, 1, 256 * KIB, trundle_check_identity,
    "Client certificate and its key, in PEM" },
  { "certificate-fd", "h", NULL, K, NULL, 0, 0, NULL,
    "What to read them from" },
  { "pkcs12", "ay", NULL, K, NULL, 1, 256 * KIB, NULL,
    "Client certificate and its key, in PKCS#12" },
  { "pkcs12-fd", "h", NULL, K, NULL, 0, 0, NULL,
    "What to read it from" },
  { "pkcs11-uri", "s", NULL, K, NULL, 1, 4 * KIB, trundle_check_pkcs11_uri,
    "Where a client certificate is on a PKCS#11 token" },
  { "persistence", "s", NULL, K, "'session'", 1, 32, trundle_check_persistence,
    "How long a credential is kept" },
  { "accept-certificate", "b", NULL, K, "true", 0, 0, NULL,
    "Whether the certificate of the server is accepted" },
  { "cookie-policy", "s", NULL, C, "'never'", 1, 32, trundle_check_cookie_policy,
    "Whether the session keeps cookies" },
  { "set-cookies", "b", NULL, C | T | U, "true", 0, 0, NULL,
    "Whether cookies are taken and sent" },

  /* What the file must be. */
  { "digests", "a{ss}", NULL, T | U | R, NULL, 0, 8, trundle_check_digests,
    "Digests of the file by algorithm, in hexadecimal" },
  { "expected-bytes", "t", NULL, T | U | R, NULL, 0, NUMBER_MAX, NULL,
    "Size the file must have" },
  { "max-bytes", "t", NULL, C | T | U | R, NULL, 0, NUMBER_MAX, NULL,
    "Size the file may have" },
  { "decode", "b", NULL, C | T | U, "false", 0, 0, NULL,
    "Whether a file that comes encoded is decoded when it is whole" },

  /* How long, how many, in which order. */
  { "request-timeout", "t", NULL, C | T | U | R, "60000", 0, TIMEOUT_MS_MAX, NULL,
    "Milliseconds without a byte until an attempt ends" },
  { "connect-timeout", "t", NULL, C | T | U | R, "30000", 0, TIMEOUT_MS_MAX, NULL,
    "Milliseconds until a connection must stand" },
  { "first-byte-timeout", "t", NULL, C | T | U | R, "0", 0, TIMEOUT_MS_MAX, NULL,
    "Milliseconds from the request until the answer must begin; 0: request-timeout" },
  { "earliest-begin", "x", NULL, T | U, NULL, 0, INT64_BOUND, NULL,
    "Microseconds since the epoch before which the task does not begin" },
  { "notify-before-start", "b", NULL, T | U, "false", 0, 0, NULL,
    "Whether the application is asked before a delayed task begins" },
  { "delayed-request-timeout", "t", NULL, C | T | U, "600000", 0, TIMEOUT_MS_MAX, NULL,
    "Milliseconds to answer in before it begins as it is, 0 for ever" },
  { "resource-timeout", "t", NULL, C | T | U, "604800000", 0, TIMEOUT_MS_MAX, NULL,
    "Milliseconds from the first Resume until the task fails" },
  { "max-connections-per-host", "u", NULL, C, "6", 1, 64, NULL,
    "Tasks of the session that run at once with one host" },
  { "max-concurrent-tasks", "u", NULL, C, "8", 1, 64, NULL,
    "Tasks of the session that run at once" },
  { "priority", "d", NULL, C | T | U, "0.5", 0, 1, NULL,
    "Order among the tasks of the session" },

  /* What the app wants to find again. */
  { "description", "s", NULL, T | U, NULL, 0, 64 * KIB, NULL,
    "Text for the application" },
  { "user-data", "ay", NULL, T | U, NULL, 0, 64 * KIB, NULL,
    "Bytes for the application" },
  { "group", "s", NULL, T | U | F, NULL, 0, NAME_BYTES_MAX, NULL,
    "Name of a set of tasks" },
  { "dedup-key", "s", NULL, T | U, NULL, 1, NAME_BYTES_MAX, NULL,
    "Name by which a task is found instead of made a second time" },
  { "resume-data", "ay", NULL, T | U, NULL, 0, 128 * KIB, NULL,
    "What an earlier task left to go on from" },
  { "start", "b", NULL, T | U, "false", 0, 0, NULL,
    "Whether the task begins at once" },
  { "expected-bytes-to-receive", "x", NULL, T | U, "-1", -1, INT64_BOUND, NULL,
    "Bytes the application expects" },

  /* A cookie. */
  { "name", "s", NULL, J, NULL, 0, 4 * KIB, NULL,
    "Name of a cookie" },
  { "value", "s", NULL, J, NULL, 0, 4 * KIB, NULL,
    "Its value" },
  { "value-fd", "h", NULL, J, NULL, 0, 0, NULL,
    "Descriptor its value is read from" },
  { "url", "s", NULL, J, NULL, 0, 64 * KIB, NULL,
    "Address to whose host it is sent" },
  { "domain", "s", NULL, J, NULL, 1, NAME_BYTES_MAX, NULL,
    "Domain to whose hosts it is sent" },
  { "path", "s", NULL, J, NULL, 1, 4 * KIB, NULL,
    "Beginning of the paths it is sent for" },
  { "expires", "x", NULL, J, "0", 0, INT64_BOUND, NULL,
    "Microseconds since the epoch until it is forgotten, 0 for never" },
  { "secure", "b", NULL, J, "false", 0, 0, NULL,
    "Whether it is sent over TLS only" },
  { "http-only", "b", NULL, J, "false", 0, 0, NULL,
    "Whether it is hidden from scripts" },
  { "same-site", "s", NULL, J, "'lax'", 1, 32, trundle_check_same_site,
    "Whether it is sent when another site leads there" },

  /* Where the bytes go. */
  { "destination", "h", NULL, T | U, NULL, 0, 0, NULL,
    "Folder of the file" },
  { "destination-name", "s", NULL, T | U, NULL, 1, NAME_BYTES_MAX,
    trundle_check_file_name,
    "Name of the file" },
  { "destination-path", "s", NULL, T | U, NULL, 1, PATH_BYTES_MAX,
    trundle_check_absolute_path,
    "Absolute path of the file" },
  { "if-exists", "s", NULL, T | U | M, "'fail'", 1, 32, trundle_check_if_exists,
    "What happens when a file of the name exists" },

  /* What is sent. */
  { "body", "h", NULL, U | X, NULL, 0, 0, NULL,
    "What to send: a file from its beginning, a pipe or a socket to its end" },
  { "body-path", "s", NULL, U | X, NULL, 1, PATH_BYTES_MAX, trundle_check_absolute_path,
    "Absolute path of the file to send" },
  { "body-bytes", "ay", NULL, U | X, NULL, 0, 16 * MIB, NULL,
    "The bytes to send" },
  { "parts", "aa{sv}", NULL, U, NULL, 1, PARTS_MAX, trundle_check_parts,
    "Fields of a form to send" },
  { "snapshot", "s", NULL, U, "'auto'", 1, 32, trundle_check_snapshot,
    "How it is seen to that what is sent is what was given" },
  { "resumable", "s", NULL, C | U | R, "'auto'", 1, 32, trundle_check_resumable,
    "By which protocol an upload that was cut is gone on with" },
  { "expect-continue", "b", NULL, C | U | R, "false", 0, 0, NULL,
    "Whether the server is asked before the body is sent" },
  { "idempotency-key", "b", NULL, U | R, "false", 0, 0, NULL,
    "Whether the request has a key by which the server knows it again" },
  { "response-body-max", "t", NULL, C | U | R, "1048576", 0, 16 * MIB, NULL,
    "Size up to which the answer is told with the end of the task" },
  { "name", "s", NULL, X, NULL, 1, KIB, NULL,
    "Name of a field of a form" },
  { "value", "s", NULL, X, NULL, 0, MIB, NULL,
    "Text of a field" },
  { "file-name", "s", NULL, X, NULL, 0, NAME_BYTES_MAX, NULL,
    "Name of the file that is in a field" },
  { "content-type", "s", NULL, X, NULL, 1, NAME_BYTES_MAX, trundle_check_media_type,
    "Media type of what is in a field" },

  /* Batches. */
  { "url", "s", NULL, B | R, NULL, 0, 64 * KIB, NULL,
    "Address of the task" },
  { "kind", "s", NULL, B, "'download'", 1, 32, trundle_check_kind,
    "Kind of the task" },

  /* Listening. */
  { "replace", "b", NULL, A, "false", 0, 0, NULL,
    "Whether another consumer loses its place" },
  { "observe", "b", NULL, A, "false", 0, 0, NULL,
    "Whether only to watch" },

  /* Choosing tasks. */
  { "after", "t", NULL, F | H, NULL, 0, NUMBER_MAX, NULL,
    "Number of the last task seen" },
  { "limit", "u", NULL, F | H, NULL, 1, 100000, NULL,
    "How many tasks at most" },
  { "state", "as", "s", F, NULL, 1, TRUNDLE_N_TASK_STATES, trundle_check_states,
    "States the tasks are in" },
  { "app-id", "s", NULL, H, NULL, 1, NAME_BYTES_MAX, trundle_check_past_app_id,
    "Id of the application the tasks belonged to" },
  /* Without a default, unlike in a batch: none means every kind. */
  { "kind", "s", NULL, F, NULL, 1, 32, trundle_check_kind,
    "Kind the tasks are of" },
  { "properties", "as", NULL, F, NULL, 0, 64, trundle_check_property_names,
    "Names of the properties wanted" },
  /* Without a default, unlike that of a request: none means basic and digest. */
  { "method", "s", NULL, P, NULL, 0, 32, trundle_check_auth_method,
    "Method of authentication" },
};
/* clang-format on */

#undef C
#undef T
#undef B
#undef A
#undef J
#undef F
#undef H
#undef M
#undef O
#undef R
#undef Y
#undef P
#undef K
#undef G
#undef U
#undef X

const TrundleWord *
trundle_vocabulary_words (gsize *out_n_words)
{
  if (out_n_words != NULL)
    *out_n_words = G_N_ELEMENTS (words);
  return words;
}

/* The row of @key in one of @scopes; G_MAXUINT for any. */
static const TrundleWord *
find_word (const char *key, guint scopes)
{
  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    {
      if ((words[i].scopes & scopes) != 0 && strcmp (words[i].key, key) == 0)
        return &words[i];
    }
  return NULL;
}

/* Names the key, which a stranger chose: shortened, and free of what is no text. */
static void
set_key_error (GError **error, const char *key, const char *problem)
{
  g_autofree char *shown = g_strescape (key, NULL);

  g_set_error (error,
               TRUNDLE_ERROR,
               TRUNDLE_ERROR_INVALID_ARGUMENT,
               "Option “%.64s” %s",
               shown,
               problem);
}

/* The number, or the length, that the bounds are about; FALSE where there is none. */
static gboolean
measure (GVariant *value, double *out_measure)
{
  switch (g_variant_classify (value))
    {
    case G_VARIANT_CLASS_UINT32:
      *out_measure = g_variant_get_uint32 (value);
      return TRUE;
    case G_VARIANT_CLASS_UINT64:
      *out_measure = (double)g_variant_get_uint64 (value);
      return TRUE;
    case G_VARIANT_CLASS_INT64:
      *out_measure = (double)g_variant_get_int64 (value);
      return TRUE;
    case G_VARIANT_CLASS_DOUBLE:
      *out_measure = g_variant_get_double (value);
      return TRUE;
    case G_VARIANT_CLASS_STRING:
      *out_measure = (double)strlen (g_variant_get_string (value, NULL));
      return TRUE;
    case G_VARIANT_CLASS_ARRAY:
      *out_measure = (double)g_variant_n_children (value);
      return TRUE;
    case G_VARIANT_CLASS_BOOLEAN:
    case G_VARIANT_CLASS_HANDLE:
    case G_VARIANT_CLASS_BYTE:
    case G_VARIANT_CLASS_INT16:
    case G_VARIANT_CLASS_UINT16:
    case G_VARIANT_CLASS_INT32:
    case G_VARIANT_CLASS_OBJECT_PATH:
    case G_VARIANT_CLASS_SIGNATURE:
    case G_VARIANT_CLASS_VARIANT:
    case G_VARIANT_CLASS_MAYBE:
    case G_VARIANT_CLASS_TUPLE:
    case G_VARIANT_CLASS_DICT_ENTRY:
      return FALSE;
    }
  g_return_val_if_reached (FALSE);
}

static gboolean
check_bounds (const TrundleWord *word, GVariant *value, GError **error)
{
  g_autofree char *problem = NULL;
  double size;

  if (!measure (value, &size))
    return TRUE;
  /* So that NaN is outside too. */
  if (size >= word->min && size <= word->max)
    return TRUE;

  problem = g_strdup_printf (
      "must %s from %.0f to %.0f",
      g_variant_is_container (value)
              || g_variant_is_of_type (value, G_VARIANT_TYPE_STRING)
          ? "have a length"
          : "be",
      word->min,
      word->max);
  set_key_error (error, word->key, problem);
  return FALSE;
}

/* Bytes that are no text are as none. */
static GVariant *
convert_bytes (GVariant *value)
{
  gsize size;
  const char *bytes = g_variant_get_fixed_array (value, &size, 1);
  g_autofree char *text = g_strndup (size > 0 ? bytes : "", size);

  if (!g_utf8_validate (text, -1, NULL))
    *text = '\0';
  return g_variant_ref_sink (g_variant_new_string (text));
}

/* @value brought from `alternative` to `type`.  (transfer full), not floating */
static GVariant *
convert_alternative (const TrundleWord *word, GVariant *value)
{
  GVariantBuilder builder;
  GVariantIter iter;
  const char *first, *second;

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_BYTESTRING))
    return convert_bytes (value);

  g_variant_builder_init (&builder, G_VARIANT_TYPE (word->type));
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    g_variant_builder_add_value (&builder, value);
  else
    {
      g_variant_iter_init (&iter, value);
      while (g_variant_iter_next (&iter, "{&s&s}", &first, &second))
        g_variant_builder_add (&builder, "(ss)", first, second);
    }
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

/* (transfer full), not floating */
static GVariant *
check_value (const TrundleWord *word, GVariant *value, GError **error)
{
  g_autoptr (GVariant) checked = NULL;
  g_autoptr (GError) local_error = NULL;

  if (g_variant_is_of_type (value, G_VARIANT_TYPE (word->type)))
    checked = g_variant_ref (value);
  else if (word->alternative != NULL
           && g_variant_is_of_type (value, G_VARIANT_TYPE (word->alternative)))
    checked = convert_alternative (word, value);
  else
    {
      g_autofree char *problem = g_strdup_printf ("must be of type “%s”", word->type);

      set_key_error (error, word->key, problem);
      return NULL;
    }

  if (!check_bounds (word, checked, error))
    return NULL;
  if (word->check != NULL && !word->check (checked, &local_error))
    {
      /* Our own checks go on where the name of the option ends, others are sentences. */
      const char *joint = g_str_has_prefix (local_error->message, "must ")
                              ? ""
                              : "is not valid: ";
      g_autofree char *problem = g_strconcat (joint, local_error->message, NULL);

      set_key_error (error, word->key, problem);
      return NULL;
    }
  return g_steal_pointer (&checked);
}

static gboolean
add_checked (GVariantBuilder *builder,
             const char *key,
             GVariant *value,
             guint scopes,
             GError **error)
{
  const TrundleWord *word = find_word (key, scopes);
  g_autoptr (GVariant) checked = NULL;

  if (word == NULL)
    {
      set_key_error (error,
                     key,
                     find_word (key, G_MAXUINT) != NULL ? "does not belong here"
                                                        : "is not known");
      return FALSE;
    }

  checked = check_value (word, value, error);
  if (checked == NULL)
    return FALSE;
  g_variant_builder_add (builder, "{sv}", key, checked);
  return TRUE;
}

GVariant *
trundle_vocabulary_check (GVariant *dict, guint scopes, GError **error)
{
  g_autoptr (GVariant) normal = NULL;
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  GVariantIter iter;
  const char *key;
  GVariant *value;

  g_return_val_if_fail (dict != NULL, NULL);

  if (!g_variant_is_of_type (dict, G_VARIANT_TYPE_VARDICT))
    {
      g_set_error_literal (error,
                           TRUNDLE_ERROR,
                           TRUNDLE_ERROR_INVALID_ARGUMENT,
                           "The options must be of type “a{sv}”");
      return NULL;
    }

  normal = g_variant_get_normal_form (dict);
  g_variant_iter_init (&iter, normal);
  while (g_variant_iter_next (&iter, "{&sv}", &key, &value))
    {
      g_autoptr (GVariant) owned = value;

      if (!g_hash_table_add (seen, (gpointer)key))
        {
          set_key_error (error, key, "is given twice");
          return NULL;
        }
      if (!add_checked (&builder, key, owned, scopes, error))
        return NULL;
    }
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

/* Defaults as values, parsed once: the scheduler asks often. */
static GVariant *
get_fallback (const TrundleWord *word)
{
  static GVariant *parsed[G_N_ELEMENTS (words)];
  static gsize is_parsed = 0;

  if (g_once_init_enter (&is_parsed))
    {
      for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
        {
          if (words[i].fallback != NULL)
            parsed[i] = g_variant_parse (
                G_VARIANT_TYPE (words[i].type), words[i].fallback, NULL, NULL, NULL);
        }
      g_once_init_leave (&is_parsed, 1);
    }
  return parsed[word - words];
}

/* (transfer full) (nullable) */
static GVariant *
look_up (GVariant *first, GVariant *second, const char *key, const char *type)
{
  const TrundleWord *word = find_word (key, G_MAXUINT);
  GVariant *dicts[] = { first, second };
  GVariant *fallback;

  g_return_val_if_fail (word != NULL, NULL);
  g_return_val_if_fail (type == NULL || strcmp (word->type, type) == 0, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (dicts); i++)
    {
      GVariant *value = NULL;

      if (dicts[i] != NULL)
        value = g_variant_lookup_value (dicts[i], key, G_VARIANT_TYPE (word->type));
      if (value != NULL)
        return value;
    }
  fallback = get_fallback (word);
  return fallback != NULL ? g_variant_ref (fallback) : NULL;
}

gboolean
trundle_options_get_boolean (GVariant *first, GVariant *second, const char *key)
{
  g_autoptr (GVariant) value = look_up (first, second, key, "b");

  return value != NULL && g_variant_get_boolean (value);
}

guint
trundle_options_get_uint (GVariant *first, GVariant *second, const char *key)
{
  g_autoptr (GVariant) value = look_up (first, second, key, "u");

  return value != NULL ? g_variant_get_uint32 (value) : 0;
}

guint64
trundle_options_get_uint64 (GVariant *first, GVariant *second, const char *key)
{
  g_autoptr (GVariant) value = look_up (first, second, key, "t");

  return value != NULL ? g_variant_get_uint64 (value) : 0;
}

gint64
trundle_options_get_int64 (GVariant *first, GVariant *second, const char *key)
{
  g_autoptr (GVariant) value = look_up (first, second, key, "x");

  return value != NULL ? g_variant_get_int64 (value) : 0;
}

double
trundle_options_get_double (GVariant *first, GVariant *second, const char *key)
{
  g_autoptr (GVariant) value = look_up (first, second, key, "d");

  return value != NULL ? g_variant_get_double (value) : 0;
}

char *
trundle_options_get_string (GVariant *first, GVariant *second, const char *key)
{
  g_autoptr (GVariant) value = look_up (first, second, key, "s");

  return value != NULL ? g_variant_dup_string (value, NULL) : NULL;
}

GVariant *
trundle_options_get_value (GVariant *first, GVariant *second, const char *key)
{
  return look_up (first, second, key, NULL);
}

GVariant *
trundle_options_with (GVariant *dict, const char *key, GVariant *value)
{
  g_auto (GVariantDict) copy = { 0 };

  g_return_val_if_fail (key != NULL, NULL);

  g_variant_dict_init (&copy, dict);
  if (value != NULL)
    g_variant_dict_insert_value (&copy, key, value);
  else
    g_variant_dict_remove (&copy, key);
  return g_variant_ref_sink (g_variant_dict_end (&copy));
}
