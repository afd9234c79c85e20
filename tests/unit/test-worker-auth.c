/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The real worker and servers that ask who is there. */

#include "config.h"

#include "script-auth.h"
#include "script-server.h"
#include "worker-fixture.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>

#define RIGHT "user:correct horse"
#define TOKEN "to.k-e_n"

typedef struct
{
  ScriptServer *server;
  ScriptAuth *auth;
  WorkerFixture *worker;
} Stage;

static void
set_up (Stage *stage, const ScriptGuard *guards)
{
  stage->server = script_server_new (NULL);
  stage->auth = script_auth_new (guards, FALSE);
  script_server_set_handler (stage->server, script_auth_handle, stage->auth);
  stage->worker = worker_fixture_new ();
}

static void
tear_down (Stage *stage)
{
  worker_fixture_free (stage->worker);
  script_server_free (stage->server);
  script_auth_free (stage->auth);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Stage, tear_down)

static GVariant *
get (Stage *stage, const char *path, const char *options)
{
  g_autofree char *url = script_server_url (stage->server, path);

  return worker_fixture_await_done (stage->worker,
                                    worker_fixture_begin (stage->worker, url, options));
}

static void
assert_ends (GVariant *facts, const char *error)
{
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, error);
}

/* A credential for the server: @rest is more of it.  (transfer full) */
static char *
credential (Stage *stage, const char *rest)
{
  return g_strdup_printf ("{'protocol': <'http'>, 'host': <'127.0.0.1'>, "
                          "'port': <uint32 %u>, %s}",
                          script_server_get_port (stage->server),
                          rest);
}

/* Options with one for the server.  (transfer full) */
static char *
with (Stage *stage, const char *rest, const char *options)
{
  g_autofree char *one = credential (stage, rest);

  return g_strdup_printf ("{'credentials': <[%s]>%s}", one, options);
}

#define INSECURE ", 'allow-insecure-auth': <true>"
#define RIGHT_WORDS                                                                      \
  "'user': <'user'>, 'password': <'correct horse'>, 'generation': <uint32 7>"
#define WRONG_WORDS "'user': <'user'>, 'password': <'wrong'>, 'generation': <uint32 7>"

static int
compare_text (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* With the keys of dictionaries in order, which they are in by chance.  (transfer full)
 */
static char *
print_in_order (GVariant *value)
{
  gboolean is_dict = g_variant_is_of_type (value, G_VARIANT_TYPE_VARDICT);
  g_autoptr (GPtrArray) words = g_ptr_array_new_null_terminated (0, g_free, TRUE);
  g_autofree char *all = NULL;

  if (!is_dict && !g_variant_is_of_type (value, G_VARIANT_TYPE ("aa{sv}")))
    return g_variant_print (value, FALSE);
  for (gsize i = 0; i < g_variant_n_children (value); i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (value, i);
      g_autofree char *text = g_variant_print (child, FALSE);
      char *comma = strchr (text, ',');

      if (!is_dict)
        {
          g_ptr_array_add (words, print_in_order (child));
          continue;
        }
      *comma = ':';
      g_ptr_array_add (words, g_strndup (text + 1, strlen (text) - 2));
    }
  if (is_dict)
    g_ptr_array_sort (words, compare_text);
  all = g_strjoinv (", ", (char **)words->pdata);
  return g_strdup_printf (is_dict ? "{%s}" : "[%s]", all);
}

/* Of the challenge in @facts, as text; "" for none.  (transfer full) */
static char *
told (GVariant *facts, const char *key)
{
  g_autoptr (GVariant) challenge = g_variant_lookup_value (
      facts, "challenge", G_VARIANT_TYPE_VARDICT);
  g_autoptr (GVariant) value = NULL;

  if (challenge != NULL)
    value = g_variant_lookup_value (challenge, key, NULL);
  return value != NULL ? print_in_order (value) : g_strdup ("");
}

static void
assert_told (GVariant *facts, const char *key, const char *expected)
{
  g_autofree char *text = told (facts, key);

  g_assert_cmpstr (text, ==, expected);
}

static void
assert_counts (Stage *stage, guint n_refused, guint n_passed)
{
  g_assert_cmpuint (script_auth_count_refused (stage->auth), ==, n_refused);
  g_assert_cmpuint (script_auth_count_passed (stage->auth), ==, n_passed);
}

static const ScriptGuard basic[] = { { "/", "Basic", "the realm", RIGHT }, { NULL } };

/* What they want to know is told, and nothing was said. */
static void
test_nothing_to_say (void)
{
  g_auto (Stage) stage = { NULL };
  g_autofree char *port = NULL;
  GVariant *facts;
  guint status = 0;

  set_up (&stage, basic);
  facts = get (&stage, "/x", NULL);
  assert_ends (facts, "HttpStatus");
  g_variant_lookup (facts, "status", "u", &status);
  g_assert_cmpuint (status, ==, 401);
  port = g_strdup_printf ("%u", script_server_get_port (stage.server));
  assert_told (facts, "protocol", "'http'");
  assert_told (facts, "host", "'127.0.0.1'");
  assert_told (facts, "port", port);
  assert_told (facts, "is-proxy", "false");
  assert_told (facts, "offers", "[{'method': <'basic'>, 'realm': <'the realm'>}]");
  assert_told (facts, "tried", "");
  assert_told (facts,
               "response",
               "{'headers': <[('WWW-Authenticate', 'Basic realm=\"the realm\"'), "
               "('Content-Length', '3')]>, 'status': <uint32 401>}");
  assert_counts (&stage, 1, 0);
}

typedef struct
{
  const char *name;
  ScriptGuard guards[2];
  const char *right; /* of the credential */
  const char *wrong;
  const char *tried; /* with the wrong one */
  gboolean is_safe;  /* without TLS */
} MethodRow;

#define TRIED(method)                                                                    \
  "{'generation': <uint32 7>, 'method': <'" method "'>, 'realm': <'r'>}"
#define DIGEST(algorithm)                                                                \
  {                                                                                      \
    { "/", "Digest", "r", RIGHT, algorithm },                                            \
    {                                                                                    \
      NULL                                                                               \
    }                                                                                    \
  }

static const MethodRow method_rows[] = {
  { "basic",
    { { "/", "Basic", "r", RIGHT }, { NULL } },
    RIGHT_WORDS,
    WRONG_WORDS,
    TRIED ("basic"),
    FALSE },
  { "bearer",
    { { "/", "Bearer", "r", TOKEN }, { NULL } },
    "'method': <'bearer'>, 'token': <'" TOKEN "'>, 'generation': <uint32 7>",
    "'method': <'bearer'>, 'token': <'x'>, 'generation': <uint32 7>",
    TRIED ("bearer"),
    FALSE },
  { "digest-md5", DIGEST ("MD5"), RIGHT_WORDS, WRONG_WORDS, TRIED ("digest"), TRUE },
  { "digest-md5-sess",
    DIGEST ("MD5-sess"),
    RIGHT_WORDS,
    WRONG_WORDS,
    TRIED ("digest"),
    TRUE },
  { "digest-sha-256",
    DIGEST ("SHA-256"),
    RIGHT_WORDS,
    WRONG_WORDS,
    TRIED ("digest"),
    TRUE },
  { "digest-sha-256-sess",
    DIGEST ("SHA-256-sess"),
    RIGHT_WORDS,
    WRONG_WORDS,
    TRIED ("digest"),
    TRUE },
};

/* The next task need not be refused first. */
static void
test_right (gconstpointer data)
{
  const MethodRow *row = data;
  g_auto (Stage) stage = { NULL };
  g_autofree char *options = NULL;

  set_up (&stage, row->guards);
  options = with (&stage, row->right, row->is_safe ? "" : INSECURE);
  assert_ends (get (&stage, "/a/x?y=z", options), "");
  assert_counts (&stage, 1, 1);
  assert_ends (get (&stage, "/a/y", options), "");
  assert_ends (get (&stage, "/a/b/", options), "");
  assert_counts (&stage, 1, 3);
}

/* Once. */
static void
test_wrong (gconstpointer data)
{
  const MethodRow *row = data;
  g_auto (Stage) stage = { NULL };
  g_autofree char *options = NULL;
  GVariant *facts;

  set_up (&stage, row->guards);
  options = with (&stage, row->wrong, row->is_safe ? "" : INSECURE);
  facts = get (&stage, "/x", options);
  assert_ends (facts, "HttpStatus");
  assert_told (facts, "tried", row->tried);
  assert_counts (&stage, 2, 0);
}

/* Nobody on the way hears it, unless that is wanted. */
static void
test_cleartext (gconstpointer data)
{
  const MethodRow *row = data;
  g_auto (Stage) stage = { NULL };
  g_autofree char *options = NULL;
  g_autofree char *last = NULL;
  GVariant *facts;

  set_up (&stage, row->guards);
  options = with (&stage, row->right, "");
  facts = get (&stage, "/x", options);
  assert_ends (facts, row->is_safe ? "" : "HttpStatus");
  if (row->is_safe)
    return;
  assert_told (facts, "tried", "");
  assert_counts (&stage, 1, 0);
  last = script_auth_get_last (stage.auth);
  g_assert_cmpstr (last, ==, "");
}

/* What may go out in clear by itself takes no other along. */
static void
test_one_in_clear (void)
{
  g_auto (Stage) stage = { NULL };
  g_autofree char *other = NULL;
  g_autofree char *one = NULL;
  g_autofree char *both = NULL;
  g_autofree char *last = NULL;

  set_up (&stage, basic);
  other = credential (&stage, WRONG_WORDS ", 'preemptive': <true>");
  one = credential (&stage, "'realm': <'another'>, 'insecure': <true>, " RIGHT_WORDS);
  both = g_strdup_printf ("{'credentials': <[%s, %s]>}", other, one);
  assert_ends (get (&stage, "/x", both), "HttpStatus");
  last = script_auth_get_last (stage.auth);
  g_assert_cmpstr (last, ==, "");
  assert_counts (&stage, 1, 0);

  g_free (one);
  g_free (both);
  one = credential (&stage, "'insecure': <true>, " RIGHT_WORDS);
  both = g_strdup_printf ("{'credentials': <[%s, %s]>}", other, one);
  assert_ends (get (&stage, "/x", both), "");
  assert_counts (&stage, 2, 1);
}

/* A nonce that is too old is no refusal. */
static void
test_stale (void)
{
  static const ScriptGuard guards[] = DIGEST ("SHA-256");
  g_auto (Stage) stage = { NULL };
  g_autofree char *options = NULL;

  set_up (&stage, guards);
  options = with (&stage, RIGHT_WORDS, "");
  assert_ends (get (&stage, "/x", options), "");
  script_auth_expire (stage.auth);
  assert_ends (get (&stage, "/x", options), "");
  assert_counts (&stage, 2, 2);
}

/* The password was changed on the server: what was known is of no use, and is not said
 * over and over. */
static void
test_forgotten (gconstpointer data)
{
  const MethodRow *row = data;
  g_auto (Stage) stage = { NULL };
  ScriptGuard guards[2] = { row->guards[0], { NULL } };
  g_autofree char *options = NULL;
  guint n_refused;
  GVariant *facts;

  set_up (&stage, guards);
  options = with (&stage, row->right, row->is_safe ? "" : INSECURE);
  assert_ends (get (&stage, "/x", options), "");
  guards[0].secret = "user:changed";
  facts = get (&stage, "/x", options);
  assert_ends (facts, "HttpStatus");
  assert_told (facts, "tried", row->tried);
  /* A nonce may have been forgotten with it: that is found out once. */
  n_refused = script_auth_count_refused (stage.auth);
  g_assert_cmpuint (n_refused, ==, row->is_safe ? 3 : 2);
}

static void
test_two_realms (void)
{
  static const ScriptGuard guards[] = {
    { "/a/", "Basic", "A", "ann:1" },
    { "/b/", "Basic", "B", "bob:2" },
    { NULL },
  };
  g_auto (Stage) stage = { NULL };
  g_autofree char *ann = NULL;
  g_autofree char *bob = NULL;
  g_autofree char *options = NULL;
  g_autofree char *only_ann = NULL;
  GVariant *facts;

  set_up (&stage, guards);
  ann = credential (&stage, "'realm': <'A'>, 'user': <'ann'>, 'password': <'1'>");
  bob = credential (&stage, "'realm': <'B'>, 'user': <'bob'>, 'password': <'2'>");
  options = g_strdup_printf ("{'credentials': <[%s, %s]>" INSECURE "}", ann, bob);
  only_ann = g_strdup_printf ("{'credentials': <[%s]>" INSECURE "}", ann);
  assert_ends (get (&stage, "/a/x", options), "");
  assert_counts (&stage, 1, 1);
  facts = get (&stage, "/b/x", only_ann);
  assert_ends (facts, "HttpStatus");
  assert_told (facts, "tried", "");
  g_assert_false (script_auth_has_heard (stage.auth, "bob:2"));
  assert_ends (get (&stage, "/b/x", options), "");
  assert_ends (get (&stage, "/a/x", options), "");
  assert_counts (&stage, 3, 3);
}

/* Of two methods the strongest we have something for. */
static void
test_strongest (void)
{
  static const ScriptGuard guards[] = {
    { "/", "Basic", "r", RIGHT },
    { "/", "Digest", "r", RIGHT, "MD5" },
    { "/", "Digest", "r", RIGHT, "SHA-256" },
    { NULL },
  };
  g_auto (Stage) stage = { NULL };
  g_autofree char *options = NULL;
  g_autofree char *only_basic = NULL;
  g_autofree char *last = NULL;

  set_up (&stage, guards);
  only_basic = with (&stage, "'method': <'basic'>, " WRONG_WORDS, "");
  assert_told (get (&stage, "/x", only_basic),
               "offers",
               "[{'algorithm': <'SHA-256'>, 'method': <'digest'>, 'realm': <'r'>}, "
               "{'method': <'basic'>, 'realm': <'r'>}]");
  options = with (&stage, RIGHT_WORDS, INSECURE);
  assert_ends (get (&stage, "/x", options), "");
  last = script_auth_get_last (stage.auth);
  g_assert_nonnull (strstr (last, "algorithm=SHA-256"));
}

/* Sent before it is asked for, when that is wanted. */
static void
test_preemptive (void)
{
  g_auto (Stage) stage = { NULL };
  g_autofree char *right = NULL;
  g_autofree char *wrong = NULL;
  g_autofree char *secure = NULL;
  GVariant *facts;

  set_up (&stage, basic);
  right = with (&stage, RIGHT_WORDS ", 'preemptive': <true>", INSECURE);
  wrong = with (&stage, WRONG_WORDS ", 'preemptive': <true>", INSECURE);
  secure = with (&stage, RIGHT_WORDS ", 'preemptive': <true>", "");
  assert_ends (get (&stage, "/x", right), "");
  assert_counts (&stage, 0, 1);
  facts = get (&stage, "/x", wrong);
  assert_ends (facts, "HttpStatus");
  assert_told (facts, "tried", "{'generation': <uint32 7>, 'method': <'basic'>}");
  assert_counts (&stage, 1, 1);
  assert_told (get (&stage, "/x", secure), "tried", "");
}

/* Said beforehand by Basic, and asked for by Digest. */
static void
test_preemptive_digest (void)
{
  static const ScriptGuard guards[] = DIGEST ("SHA-256");
  g_auto (Stage) stage = { NULL };
  g_autofree char *options = NULL;

  set_up (&stage, guards);
  options = with (&stage, RIGHT_WORDS ", 'preemptive': <true>", INSECURE);
  assert_ends (get (&stage, "/x", options), "");
  assert_counts (&stage, 1, 1);
}

#define HEADER(value) ", 'secret-headers': <[('Authorization', '" value "')]>"

/* The app's own word goes first, and is not repeated. */
static void
test_header (void)
{
  g_auto (Stage) stage = { NULL };
  g_autofree char *with_both = NULL;
  GVariant *facts;

  set_up (&stage, basic);
  facts = get (&stage, "/x", "{'secret-headers': <[('Authorization', 'Basic eDp5')]>}");
  assert_ends (facts, "HttpStatus");
  assert_told (facts, "tried", "{'header': <true>}");
  assert_counts (&stage, 1, 0);
  with_both = with (&stage, RIGHT_WORDS, INSECURE HEADER ("Basic eDp5"));
  assert_ends (get (&stage, "/x", with_both), "");
  assert_counts (&stage, 2, 1);
  assert_ends (get (&stage, "/x", with_both), "");
  assert_counts (&stage, 2, 2);
}

/* Another origin is told nothing: not one that asks, and not one that is led to. */
static void
test_other_origin (void)
{
  g_auto (Stage) stage = { NULL };
  g_autoptr (ScriptServer) other = script_server_new (NULL);
  g_autoptr (ScriptAuth) guard = script_auth_new (basic, FALSE);
  g_autofree char *there = script_server_url (other, "/there");
  g_autofree char *port = g_strdup_printf ("%u", script_server_get_port (other));
  g_autofree char *options = NULL;
  g_autofree char *last = NULL;
  GVariant *facts;

  set_up (&stage, basic);
  script_server_set_handler (other, script_auth_handle, guard);
  script_server_set_redirect (stage.server, "/away", there, "");
  options = with (&stage, RIGHT_WORDS, INSECURE);
  facts = get (&stage, "/away", options);
  assert_ends (facts, "HttpStatus");
  assert_told (facts, "port", port);
  assert_told (facts, "tried", "");
  assert_counts (&stage, 1, 1);
  last = script_auth_get_last (guard);
  g_assert_cmpstr (last, ==, "");
}

/* It is for its origin, however that is reached, and again after a stranger. */
static void
test_led_there (void)
{
  g_auto (Stage) stage = { NULL };
  g_autoptr (ScriptServer) other = script_server_new (NULL);
  g_autoptr (ScriptAuth) listener = script_auth_new (&basic[1], FALSE);
  g_autofree char *there = script_server_url (other, "/back");
  g_autofree char *back = NULL;
  g_autofree char *options = NULL;

  set_up (&stage, basic);
  back = script_server_url (stage.server, "/echo");
  script_server_set_handler (other, script_auth_handle, listener);
  script_server_set_redirect (stage.server, "/away", there, "");
  script_server_set_redirect (other, "/back", back, "");
  options = with (&stage, RIGHT_WORDS, INSECURE);
  assert_ends (get (&stage, "/away", options), "");
  assert_counts (&stage, 1, 2);
  g_assert_false (script_auth_has_heard (listener, RIGHT));
}

/* No question that can be answered: the status is the result. */
static void
test_no_question (void)
{
  static const char *const heads[] = {
    "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 401 No\r\nWWW-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"r\"\r\nContent-Length: "
    "0\r\n\r\n",
    "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest nonce=\"n\"\r\nContent-Length: "
    "0\r\n\r\n",
    "HTTP/1.1 401 No\r\nWWW-Authenticate: \r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 401 No\r\nWWW-Authenticate: =,\"\\\r\nContent-Length: 0\r\n\r\n",
  };
  g_auto (Stage) stage = { NULL };
  g_autofree char *options = NULL;

  set_up (&stage, &basic[1]);
  options = with (&stage, RIGHT_WORDS, INSECURE);
  for (guint i = 0; i < G_N_ELEMENTS (heads); i++)
    {
      GVariant *facts;

      script_server_set (stage.server, "/x", &(ScriptReply){ heads[i] });
      facts = get (&stage, "/x", options);
      g_test_message ("%s", heads[i]);
      assert_ends (facts, "HttpStatus");
      assert_told (facts, "offers", "");
    }
}

/* Called in the server's thread. */
static char *
say_nonsense (const char *request, gpointer user_data)
{
  static const char *const pieces[] = {
    "Basic",       "Digest", "Bearer",
    "realm",       "nonce",  "qop",
    "=",           "\"",     "\\",
    ",",           " ",      "auth",
    "stale=true",  "\xff",   "\x01",
    "opaque=\"\"", "é",      "domain",
    "MD5",         "-sess",  "algorithm=SHA-256",
    ",,",
  };
  GRand *rand = user_data;
  g_autoptr (GString) answer = g_string_new ("HTTP/1.1 401 Who\r\n");
  int n_fields = g_rand_int_range (rand, 1, 4);

  for (int i = 0; i < n_fields; i++)
    {
      int n = g_rand_int_range (rand, 0, 12);

      g_string_append (answer,
                       g_rand_boolean (rand)
                           ? "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", "
                           : "WWW-Authenticate: ");
      for (int j = 0; j < n; j++)
        g_string_append (
            answer, pieces[g_rand_int_range (rand, 0, (gint32)G_N_ELEMENTS (pieces))]);
      g_string_append (answer, "\r\n");
    }
  g_string_append (answer, "Content-Length: 0\r\n\r\n");
  return g_string_free (g_steal_pointer (&answer), FALSE);
}

/* Whatever it wants to know: we are refused, and go on living. */
static void
test_nonsense (void)
{
  g_auto (Stage) stage = { NULL };
  GRand *rand = g_rand_new_with_seed ((guint32)g_test_rand_int ());
  g_autofree char *options = NULL;

  set_up (&stage, &basic[1]);
  script_server_set_handler (stage.server, say_nonsense, rand);
  options = with (&stage, RIGHT_WORDS, INSECURE);
  for (guint i = 0; i < 200; i++)
    assert_ends (get (&stage, "/x", options), "HttpStatus");
  g_rand_free (rand);
}

typedef struct
{
  const char *format; /* of its question, by the number of the request */
  guint n_requests;
} Endless;

/* Called in the server's thread. */
static char *
ask_for_ever (const char *request, gpointer user_data)
{
  Endless *endless = user_data;
  g_autofree char *number = g_strdup_printf ("%u", ++endless->n_requests);
  g_auto (GStrv) pieces = g_strsplit (endless->format, "%", -1);
  g_autofree char *question = g_strjoinv (number, pieces);

  return g_strdup_printf (
      "HTTP/1.1 401 Who\r\nWWW-Authenticate: %s\r\nContent-Length: 0\r\n\r\n", question);
}

/* Whatever is new about the question each time: it is answered a few times, no more. */
static void
test_endless (void)
{
  static const char *const formats[] = {
    "Digest realm=\"r\", nonce=\"%\", qop=\"auth\", stale=true",
    "Digest realm=\"r%\", nonce=\"%\", qop=\"auth\", stale=true",
    "Digest realm=\"r%\", nonce=\"n\", algorithm=SHA-256",
    "Basic realm=\"r%\"",
    "Basic realm=\"r%\", Digest realm=\"%\", nonce=\"n\"",
  };

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      Endless endless = { formats[i] };
      g_auto (Stage) stage = { NULL };
      g_autofree char *options = NULL;

      set_up (&stage, &basic[1]);
      script_server_set_handler (stage.server, ask_for_ever, &endless);
      options = with (&stage, RIGHT_WORDS, INSECURE);
      assert_ends (get (&stage, "/x", options), "HttpStatus");
      g_test_message ("%s: %u", formats[i], endless.n_requests);
      g_assert_cmpuint (endless.n_requests, >, 1);
      g_assert_cmpuint (endless.n_requests, <=, 4);
    }
}

/* Not ours to answer: no proxy is asked. */
static void
test_false_proxy (void)
{
  g_auto (Stage) stage = { NULL };
  GVariant *facts;

  set_up (&stage, &basic[1]);
  script_server_set (stage.server,
                     "/x",
                     &(ScriptReply){ "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic "
                                     "realm=\"r\"\r\nContent-Length: 0\r\n\r\n" });
  facts = get (&stage, "/x", NULL);
  assert_ends (facts, "AuthenticationRequired");
  assert_told (facts, "offers", "");
}

/* What is there of a part stays there. */
static void
test_part_is_kept (void)
{
  g_auto (Stage) stage = { NULL };
  g_autofree char *path = worker_fixture_make_part ("abc");
  int part = g_open (path, O_RDWR);
  g_autofree char *url = NULL;
  GVariant *facts;

  set_up (&stage, basic);
  url = script_server_url (stage.server, "/x");
  facts = worker_fixture_await_done (
      stage.worker,
      worker_fixture_begin_with_part (
          stage.worker, url, "{'offset': <uint64 3>, 'validator': <'\"v\"'>}", part));
  assert_ends (facts, "HttpStatus");
  assert_told (facts, "host", "'127.0.0.1'");
  worker_fixture_assert_content (path, "abc");
  g_unlink (path);
}

/* Accepted as it is: there is nothing to be answered. */
static void
test_accepted (void)
{
  g_auto (Stage) stage = { NULL };
  GVariant *facts;

  set_up (&stage, basic);
  facts = get (&stage, "/x", "{'accept-status': <['401']>}");
  assert_ends (facts, "");
  assert_told (facts, "offers", "");
}

/* A question that was refused and asked again is one request more, not another. */
static void
test_measured (void)
{
  g_auto (Stage) stage = { NULL };
  g_autofree char *options = NULL;
  g_autoptr (GVariant) transactions = NULL;
  g_autofree char *text = NULL;
  GVariant *facts;

  set_up (&stage, basic);
  options = with (&stage, RIGHT_WORDS, INSECURE);
  facts = get (&stage, "/x", options);
  assert_ends (facts, "");
  transactions = g_variant_lookup_value (
      facts, "transactions", G_VARIANT_TYPE ("aa{sv}"));
  g_assert_cmpuint (g_variant_n_children (transactions), ==, 2);
  text = g_variant_print (transactions, FALSE);
  g_assert_nonnull (strstr (text, "'status': <uint32 401>"));
  g_assert_nonnull (strstr (text, "'status': <uint32 200>"));
  g_assert_cmpuint (script_server_count_connections (stage.server), ==, 1);
}

static void
add_rows (const char *name, GTestDataFunc test)
{
  for (guint i = 0; i < G_N_ELEMENTS (method_rows); i++)
    {
      g_autofree char *path = g_strdup_printf (
          "/worker-auth/%s/%s", name, method_rows[i].name);

      g_test_add_data_func (path, &method_rows[i], test);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add_rows ("right", test_right);
  add_rows ("wrong", test_wrong);
  add_rows ("cleartext", test_cleartext);
  add_rows ("forgotten", test_forgotten);
  g_test_add_func ("/worker-auth/nothing-to-say", test_nothing_to_say);
  g_test_add_func ("/worker-auth/one-in-clear", test_one_in_clear);
  g_test_add_func ("/worker-auth/stale", test_stale);
  g_test_add_func ("/worker-auth/two-realms", test_two_realms);
  g_test_add_func ("/worker-auth/strongest", test_strongest);
  g_test_add_func ("/worker-auth/preemptive", test_preemptive);
  g_test_add_func ("/worker-auth/preemptive-digest", test_preemptive_digest);
  g_test_add_func ("/worker-auth/header", test_header);
  g_test_add_func ("/worker-auth/other-origin", test_other_origin);
  g_test_add_func ("/worker-auth/led-there", test_led_there);
  g_test_add_func ("/worker-auth/no-question", test_no_question);
  g_test_add_func ("/worker-auth/nonsense", test_nonsense);
  g_test_add_func ("/worker-auth/endless", test_endless);
  g_test_add_func ("/worker-auth/false-proxy", test_false_proxy);
  g_test_add_func ("/worker-auth/part-is-kept", test_part_is_kept);
  g_test_add_func ("/worker-auth/accepted", test_accepted);
  g_test_add_func ("/worker-auth/measured", test_measured);
  return g_test_run ();
}
