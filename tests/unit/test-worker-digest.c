/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The real worker: sizes, digests, saved states and decoding (T-03, T-04, law 10). */

#include "config.h"

#include "script-server.h"
#include "worker-fixture.h"

#include "common/digest.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define OK "HTTP/1.1 200 OK\r\n"
#define PART "HTTP/1.1 206 Part\r\nContent-Range: bytes 6-10/11\r\nContent-Length: 5\r\n"
#define LENGTH_3 "Content-Length: 3\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define MD5_B64 "kAFQmDzST7DWlj99KOF/cg=="
#define SHA256_B64 "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="
#define SHA1 "a9993e364706816aba3e25717850c26c9cd0d89d"
#define SHA256 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define MD5 "900150983cd24fb0d6963f7d28e17f72"
#define WORLD_SHA256 "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"
#define MIB ((gsize)1024 * 1024)

static int
compare_words (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *)a, *(char *const *)b);
}

/* "md5:HEX sha256:HEX", by name.  (transfer full) */
static char *
describe (GVariant *facts, const char *key)
{
  g_autoptr (GVariant) digests = g_variant_lookup_value (
      facts, key, G_VARIANT_TYPE ("a{say}"));
  g_autoptr (GPtrArray) words = g_ptr_array_new_with_free_func (g_free);
  const char *name;
  GVariant *value;
  GVariantIter iter;

  if (digests == NULL)
    return g_strdup ("");
  g_variant_iter_init (&iter, digests);
  while (g_variant_iter_loop (&iter, "{&s@ay}", &name, &value))
    {
      g_autofree char *hex = trundle_digest_to_hex (g_variant_get_data (value),
                                                    g_variant_get_size (value));

      g_ptr_array_add (words, g_strdup_printf ("%s:%s", name, hex));
    }
  g_ptr_array_sort (words, compare_words);
  g_ptr_array_add (words, NULL);
  return g_strjoinv (" ", (char **)words->pdata);
}

typedef struct
{
  const char *name;
  const char *head;
  const char *options;
  const char *error; /* NULL: complete */
  const char *digests;
  const char *declared;
} Row;

static const Row rows[] = {
  { "none", OK LENGTH_3 "\r\nabc", "{}", NULL, "", "" },
  { "asked",
    OK LENGTH_3 "\r\nabc",
    "{'digests': <['sha256']>}",
    NULL,
    "sha256:" SHA256,
    "" },
  { "asked/chunked",
    OK CHUNKED "\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
    "{'digests': <['md5', 'sha1']>}",
    NULL,
    "md5:" MD5 " sha1:" SHA1,
    "" },
  { "declared",
    OK LENGTH_3 "Repr-Digest: sha-256=:" SHA256_B64 ":\r\n\r\nabc",
    "{}",
    NULL,
    "sha256:" SHA256,
    "sha256:" SHA256 },
  /* What is wrong is for the daemon to see. */
  { "declared/wrong",
    OK LENGTH_3 "Repr-Digest: sha-256=:" SHA256_B64 ":\r\n\r\nabd",
    "{}",
    NULL,
    "sha256:a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9",
    "sha256:" SHA256 },
  { "declared/best-only",
    OK LENGTH_3 "Content-MD5: " MD5_B64 "\r\nContent-Digest: sha-256=:" SHA256_B64
                ":\r\n\r\nabc",
    "{}",
    NULL,
    "sha256:" SHA256,
    "md5:" MD5 " sha256:" SHA256 },
  { "declared/weak-is-better-than-none",
    OK LENGTH_3 "Content-MD5: " MD5_B64 "\r\n\r\nabc",
    "{'digests': <['sha256']>}",
    NULL,
    "md5:" MD5 " sha256:" SHA256,
    "md5:" MD5 },
  { "declared/asked-too",
    OK LENGTH_3 "Digest: SHA-256=" SHA256_B64 "\r\n\r\nabc",
    "{'digests': <['sha256']>}",
    NULL,
    "sha256:" SHA256,
    "sha256:" SHA256 },
  { "declared/head",
    OK LENGTH_3 "Repr-Digest: sha-256=:" SHA256_B64 ":\r\n\r\n",
    "{'method': <'HEAD'>}",
    NULL,
    "",
    "" },
  { "declared/refused",
    "HTTP/1.1 404 No\r\n" LENGTH_3 "Digest: SHA-256=" SHA256_B64 "\r\n\r\nabc",
    "{}",
    "HttpStatus",
    "",
    "" },
  { "size/expected",
    OK LENGTH_3 "\r\nabc",
    "{'expected-bytes': <uint64 3>}",
    NULL,
    "",
    "" },
  { "size/early",
    OK LENGTH_3 "\r\n",
    "{'expected-bytes': <uint64 4>}",
    "IntegrityFailed",
    "",
    "" },
  { "size/short",
    OK CHUNKED "\r\n3\r\nabc\r\n0\r\n\r\n",
    "{'expected-bytes': <uint64 4>}",
    "IntegrityFailed",
    "",
    "" },
  { "size/long",
    OK CHUNKED "\r\n3\r\nabc\r\n",
    "{'expected-bytes': <uint64 2>}",
    "IntegrityFailed",
    "",
    "" },
  { "size/empty",
    OK LENGTH_3 "\r\n",
    "{'expected-bytes': <uint64 0>}",
    "IntegrityFailed",
    "",
    "" },
  { "max/fits", OK LENGTH_3 "\r\nabc", "{'max-bytes': <uint64 3>}", NULL, "", "" },
  { "max/early", OK LENGTH_3 "\r\n", "{'max-bytes': <uint64 2>}", "TooLarge", "", "" },
  { "max/late",
    OK CHUNKED "\r\n3\r\nabc\r\n",
    "{'max-bytes': <uint64 2>}",
    "TooLarge",
    "",
    "" },
  { "max/not-of-errors",
    "HTTP/1.1 404 No\r\n" LENGTH_3 "\r\nabc",
    "{'max-bytes': <uint64 2>}",
    "HttpStatus",
    "",
    "" },
};

static void
test_row (gconstpointer data)
{
  const Row *row = data;
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/a");
  g_autofree char *digests = NULL;
  g_autofree char *declared = NULL;
  GVariant *facts;
  guint64 attempt;

  script_server_set (server, "/a", &(ScriptReply){ .head = row->head });
  attempt = worker_fixture_begin (fixture, url, row->options);
  facts = worker_fixture_await_done (fixture, attempt);
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, row->error ? row->error : "");
  digests = describe (facts, "digests");
  declared = describe (facts, "declared-digests");
  g_assert_cmpstr (digests, ==, row->digests);
  g_assert_cmpstr (declared, ==, row->declared);
}

/* States */

/* A locked file with @content. */
static int
make_file (const char *content)
{
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  int fd = g_file_open_tmp ("trundle-digest-XXXXXX", &path, &error);

  g_assert_no_error (error);
  g_unlink (path);
  g_assert_cmpint (write (fd, content, strlen (content)), ==, strlen (content));
  g_assert_no_errno (flock (fd, LOCK_EX | LOCK_NB));
  return fd;
}

/* The state after "hello ".  (transfer full) */
static GVariant *
get_state (WorkerFixture *fixture, ScriptServer *server, const char *header)
{
  g_autofree char *url = script_server_url (server, "/cut");
  g_autofree char *head = g_strdup_printf (
      OK "Content-Length: 11\r\nETag: \"v1\"\r\n%s\r\nhello ", header);
  GVariant *facts;
  guint64 attempt;

  script_server_set (server, "/cut", &(ScriptReply){ head, 0, NULL, SCRIPT_CLOSE, 0 });
  attempt = worker_fixture_begin (fixture, url, "{'digests': <['sha256']>}");
  facts = worker_fixture_await_done (fixture, attempt);
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "ConnectionLost");
  return g_variant_lookup_value (facts, "digest-state", G_VARIANT_TYPE_VARDICT);
}

/* Goes on with a part of @kept; what was computed.  (transfer full) */
static char *
go_on (WorkerFixture *fixture,
       ScriptServer *server,
       const char *kept,
       GVariant *state,
       const char *names,
       const char *key)
{
  g_autofree char *url = script_server_url (server, "/rest");
  g_autofree char *options = g_strdup_printf ("{'offset': <uint64 %" G_GSIZE_FORMAT
                                              ">, 'validator': <'\"v1\"'>, 'digests': "
                                              "<@as [%s]>}",
                                              strlen (kept),
                                              names);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GVariant) keys = NULL;
  GVariant *facts;
  guint64 attempt;

  if (state != NULL)
    g_variant_dict_insert_value (&dict, "digest-state", state);
  keys = g_variant_ref_sink (g_variant_dict_end (&dict));
  attempt = worker_fixture_begin_with_files (
      fixture, url, options, keys, make_file (kept), -1);
  facts = worker_fixture_await_done (fixture, attempt);
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "");
  return describe (facts, key);
}

/* What a state says of a beginning is believed, and the beginning not read: it is another
 * one here, and the digest the right one all the same. */
static void
test_resume_with_state (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autoptr (GVariant) state = get_state (fixture, server, "");
  g_autofree char *digests = NULL;
  guint64 offset = 0;

  g_assert_true (g_variant_lookup (state, "offset", "t", &offset));
  g_assert_cmpuint (offset, ==, 6);
  script_server_set (server, "/rest", &(ScriptReply){ .head = PART "\r\nworld" });
  digests = go_on (fixture, server, "HELLO ", state, "'sha256'", "digests");
  g_assert_cmpstr (digests, ==, "sha256:" WORLD_SHA256);
}

/* From the state on it is read. */
static void
test_resume_behind_state (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autoptr (GVariant) state = get_state (fixture, server, "");
  g_autofree char *digests = NULL;

  script_server_set (
      server,
      "/rest",
      &(ScriptReply){
          .head = "HTTP/1.1 206 Part\r\nContent-Range: bytes 9-10/11\r\nContent-Length: "
                  "2\r\n\r\nld" });
  digests = go_on (fixture, server, "HELLO wor", state, "'sha256'", "digests");
  g_assert_cmpstr (digests, ==, "sha256:" WORLD_SHA256);
}

/* Without a state, and with one that is of no use, all is read. */
static void
test_resume_without_state (void)
{
  static const char *const states[] = {
    NULL,
    "@a{sv} {}",
    "{'version': <@u 2>, 'offset': <@t 0>, 'sha256': <b'x'>}",
    "{'version': <@u 1>, 'offset': <@t 1000>, 'sha256': <b'x'>}",
  };
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();

  script_server_set (server, "/rest", &(ScriptReply){ .head = PART "\r\nworld" });
  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    {
      g_autoptr (GVariant) state = states[i] != NULL ? g_variant_parse (
                                       NULL, states[i], NULL, NULL, NULL)
                                                     : NULL;
      g_autofree char *digests = go_on (
          fixture, server, "hello ", state, "'sha256'", "digests");

      g_assert_cmpstr (digests, ==, "sha256:" WORLD_SHA256);
    }
}

/* One more is wanted than the state has: all is read for all. */
static void
test_resume_with_more (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autoptr (GVariant) state = get_state (fixture, server, "");
  g_autofree char *digests = NULL;

  script_server_set (server, "/rest", &(ScriptReply){ .head = PART "\r\nworld" });
  digests = go_on (fixture, server, "hello ", state, "'sha256', 'md5'", "digests");
  g_assert_cmpstr (
      digests, ==, "md5:5eb63bbbe01eeed093cb22bb8f5acdc3 sha256:" WORLD_SHA256);
}

/* What the server declared with the beginning holds for the whole, also when it says
 * nothing any more. */
static void
test_resume_declared (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autoptr (GVariant) state = get_state (
      fixture, server, "Content-Digest: sha-256=:" SHA256_B64 ":\r\n");
  g_autofree char *declared = NULL;

  /* And of the range it says what is not meant. */
  script_server_set (
      server,
      "/rest",
      &(ScriptReply){ .head = PART "Content-MD5: " MD5_B64 "\r\n\r\nworld" });
  declared = go_on (fixture, server, "HELLO ", state, "", "declared-digests");
  g_assert_cmpstr (declared, ==, "sha256:" SHA256);
}

static void
test_resume_no_rest (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *digests = NULL;

  script_server_set (server,
                     "/rest",
                     &(ScriptReply){ .head = "HTTP/1.1 416 No\r\nContent-Range: bytes "
                                             "*/11\r\nContent-Length: 0\r\n\r\n" });
  digests = go_on (fixture, server, "hello world", NULL, "'sha256'", "digests");
  g_assert_cmpstr (digests, ==, "sha256:" WORLD_SHA256);
}

/* The server sends the whole: what was known of the beginning is void. */
static void
test_resume_whole (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autoptr (GVariant) state = get_state (
      fixture, server, "Repr-Digest: sha-256=:" SHA256_B64 ":\r\n");
  g_autofree char *digests = NULL;
  g_autofree char *declared = NULL;

  script_server_set (server, "/rest", &(ScriptReply){ .head = OK LENGTH_3 "\r\nabc" });
  digests = go_on (fixture, server, "hello ", state, "'sha256'", "digests");
  declared = go_on (fixture, server, "hello ", state, "'sha256'", "declared-digests");
  g_assert_cmpstr (digests, ==, "sha256:" SHA256);
  g_assert_cmpstr (declared, ==, "");
}

/* At each sync it is told how far the digests got; whoever goes on from there needs
 * nothing of what is before it: the part is a hole here. */
static void
test_digested (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/a");
  g_autofree char *rest_url = script_server_url (server, "/b");
  g_autofree char *options = NULL;
  g_autofree char *head = NULL;
  g_autofree char *found = NULL;
  g_autofree char *expected = NULL;
  g_autofree char *text = g_strnfill (70 * MIB + 5, 'x');
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GVariant) keys = NULL;
  GVariant *state;
  guint64 attempt;
  guint64 offset = 0;
  int fd;

  script_server_set (server,
                     "/a",
                     &(ScriptReply){ OK
                                     "Content-Length: 73400325\r\nETag: \"v1\"\r\n\r\n",
                                     70 * MIB,
                                     NULL,
                                     SCRIPT_STALL,
                                     0 });
  worker_fixture_begin (fixture, url, "{'digests': <['sha1']>}");
  state = worker_fixture_await_digested (fixture, 1);
  g_assert_true (g_variant_lookup (state, "offset", "t", &offset));
  /* How far the thread that hashes got meanwhile nobody knows, only that no more is told
   * than was synced. */
  g_assert_cmpuint (offset, >, 0);
  g_assert_cmpuint (offset, <, 66 * MIB);

  head = g_strdup_printf (
      "HTTP/1.1 206 Part\r\nContent-Length: 5\r\nContent-Range: bytes "
      "%" G_GSIZE_FORMAT "-%" G_GSIZE_FORMAT "/%" G_GSIZE_FORMAT "\r\n\r\nxxxxx",
      (gsize)offset,
      (gsize)offset + 4,
      (gsize)offset + 5);
  script_server_set (server, "/b", &(ScriptReply){ .head = head });
  options = g_strdup_printf ("{'offset': <uint64 %" G_GUINT64_FORMAT
                             ">, 'validator': <'\"v1\"'>, 'digests': <['sha1']>}",
                             offset);
  g_variant_dict_insert_value (&dict, "digest-state", state);
  keys = g_variant_ref_sink (g_variant_dict_end (&dict));
  fd = make_file ("");
  g_assert_no_errno (ftruncate (fd, (off_t)offset));
  attempt = worker_fixture_begin_with_files (fixture, rest_url, options, keys, fd, -1);
  found = describe (worker_fixture_await_done (fixture, attempt), "digests");
  text[offset + 5] = '\0';
  expected = g_compute_checksum_for_string (G_CHECKSUM_SHA1, text, -1);
  g_assert_cmpstr (found + strlen ("sha1:"), ==, expected);
}

/* As fast as they come, in large pieces and a small one, which a thread and the main loop
 * hash in turn. */
static void
test_fast (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/a");
  g_autofree char *text = g_strnfill (140 * MIB, 'x');
  g_autofree char *whole = g_strconcat (text, "yz", NULL);
  g_autofree char *expected = NULL;
  g_autofree char *found = NULL;
  GVariant *facts;
  guint64 attempt;

  script_server_set (
      server,
      "/a",
      &(ScriptReply){
          OK "Content-Length: 146800642\r\n\r\n", 140 * MIB, "yz", SCRIPT_KEEP, 0 });
  attempt = worker_fixture_begin (fixture, url, "{'digests': <['sha256']>}");
  facts = worker_fixture_await_done (fixture, attempt);
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "");
  found = describe (facts, "digests");
  expected = g_compute_checksum_for_string (G_CHECKSUM_SHA256, whole, -1);
  g_assert_cmpstr (found + strlen ("sha256:"), ==, expected);
}

/* Without digests, nobody is told of any. */
static void
test_plain (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/a");
  g_autoptr (GVariant) state = NULL;
  GVariant *facts;
  guint64 attempt;

  script_server_set (
      server,
      "/a",
      &(ScriptReply){
          OK "Content-Length: 200000000\r\n\r\n", 130 * MIB, NULL, SCRIPT_CLOSE, 0 });
  attempt = worker_fixture_begin (fixture, url, NULL);
  facts = worker_fixture_await_done (fixture, attempt);
  state = g_variant_lookup_value (facts, "digest-state", NULL);
  g_assert_null (state);
  g_assert_cmpuint (worker_fixture_count_digested (fixture), ==, 0);
}

/* A long beginning is read while the rest comes. */
static void
test_long_beginning (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/a");
  g_autofree char *expected = NULL;
  g_autofree char *found = NULL;
  g_autofree char *text = g_malloc0 (100 * MIB);
  GVariant *facts;
  guint64 attempt;
  int fd = make_file ("");

  memset (text + 60 * MIB, 'x', 40 * MIB);
  g_assert_no_errno (ftruncate (fd, (off_t)(60 * MIB)));
  script_server_set (
      server,
      "/a",
      &(ScriptReply){ "HTTP/1.1 206 Part\r\nContent-Length: 41943040\r\nContent-Range: "
                      "bytes 62914560-104857599/104857600\r\n\r\n",
                      40 * MIB,
                      NULL,
                      SCRIPT_KEEP,
                      0 });
  attempt = worker_fixture_begin_with_files (
      fixture,
      url,
      "{'offset': <uint64 62914560>, 'validator': <'\"v1\"'>, 'digests': <['sha256']>}",
      NULL,
      fd,
      -1);
  facts = worker_fixture_await_done (fixture, attempt);
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "");
  found = describe (facts, "digests");
  expected = g_compute_checksum_for_data (
      G_CHECKSUM_SHA256, (const guchar *)text, 100 * MIB);
  g_assert_cmpstr (found + strlen ("sha256:"), ==, expected);
}

/* Stopped while a thread reads: the part is let go all the same. */
static void
test_stop_reading (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/a");
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  guint64 attempt;
  int fd = g_file_open_tmp ("trundle-digest-XXXXXX", &path, &error);
  int other;

  g_assert_no_error (error);
  other = g_open (path, O_RDWR | O_CLOEXEC);
  g_unlink (path);
  g_assert_no_errno (flock (fd, LOCK_EX | LOCK_NB));
  g_assert_no_errno (ftruncate (fd, (off_t)1 << 36));
  script_server_set (
      server,
      "/a",
      &(ScriptReply){ "HTTP/1.1 206 Part\r\nContent-Length: 5\r\nContent-Range: bytes "
                      "68719476736-68719476740/68719476741\r\n\r\nxxx",
                      0,
                      NULL,
                      SCRIPT_STALL,
                      0 });
  attempt = worker_fixture_begin_with_files (
      fixture,
      url,
      "{'offset': <uint64 68719476736>, 'validator': <'\"v1\"'>, 'digests': <['md5']>}",
      NULL,
      fd,
      -1);
  worker_fixture_await_received (fixture, ((guint64)1 << 36) + 3);
  error = worker_fixture_call (fixture, "Stop", g_variant_new ("(t)", attempt));
  g_assert_no_error (error);
  g_assert_no_errno (flock (other, LOCK_EX | LOCK_NB));
  g_close (other, NULL);
}

/* Decoding */

#define GZIPPED                                                                          \
  "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xf3\x48\xcd\xc9\xc9\x57\x08\xcf\x2f\xca"     \
  "\x49\x51\x04\x00\xa3\x1c\x29\x1c\x0c\x00\x00\x00"
#define GZIPPED_SIZE (sizeof GZIPPED - 1)
#define HELLO_SHA256 "7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069"

typedef struct
{
  const char *name;
  const char *encoding; /* field and its end, or "" */
  gsize size;           /* of the body, from the beginning of GZIPPED */
  const char *options;
  const char *error;   /* NULL: complete */
  const char *decoded; /* NULL: it was not */
} DecodeRow;

static const DecodeRow decode_rows[] = {
  { "gzip", "Content-Encoding: gzip\r\n", GZIPPED_SIZE, "{}", NULL, "Hello World!" },
  { "x-gzip", "Content-Encoding: x-gzip\r\n", GZIPPED_SIZE, "{}", NULL, "Hello World!" },
  { "not-encoded", "", GZIPPED_SIZE, "{}", NULL, NULL },
  { "identity", "Content-Encoding: identity\r\n", GZIPPED_SIZE, "{}", NULL, NULL },
  { "other", "Content-Encoding: br\r\n", GZIPPED_SIZE, "{}", "DecodeFailed", NULL },
  { "other/refused-all-the-same",
    "Content-Encoding: br\r\n",
    GZIPPED_SIZE,
    "{'accept-status': <['404']>}",
    "HttpStatus",
    NULL },
  { "wrong", "Content-Encoding: deflate\r\n", GZIPPED_SIZE, "{}", "DecodeFailed", NULL },
  { "cut", "Content-Encoding: gzip\r\n", GZIPPED_SIZE - 1, "{}", "DecodeFailed", NULL },
  { "max",
    "Content-Encoding: gzip\r\n",
    GZIPPED_SIZE,
    "{'max-bytes': <uint64 32>}",
    NULL,
    "Hello World!" },
  { "max/encoded",
    "Content-Encoding: gzip\r\n",
    GZIPPED_SIZE,
    "{'max-bytes': <uint64 31>}",
    "TooLarge",
    NULL },
  { "expected",
    "Content-Encoding: gzip\r\n",
    GZIPPED_SIZE,
    "{'expected-bytes': <uint64 12>}",
    NULL,
    "Hello World!" },
  { "expected/other",
    "Content-Encoding: gzip\r\n",
    GZIPPED_SIZE,
    "{'expected-bytes': <uint64 32>}",
    "IntegrityFailed",
    NULL },
  { "empty", "Content-Encoding: gzip\r\n", 0, "{}", NULL, "" },
};

static void
assert_decoded (const DecodeRow *row, GVariant *facts, int fd)
{
  char content[64] = { 0 };
  guint64 size = 0;

  g_assert_true (g_variant_lookup (facts, "decoded", "t", &size)
                 == (row->decoded != NULL));
  if (row->decoded == NULL)
    return;
  g_assert_cmpuint (size, ==, strlen (row->decoded));
  g_assert_cmpint (pread (fd, content, sizeof content, 0), ==, size);
  g_assert_cmpstr (content, ==, row->decoded);
}

static void
test_decode (gconstpointer data)
{
  const DecodeRow *row = data;
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/a");
  g_autofree char *head = g_strdup_printf (
      OK "%sContent-Length: %" G_GSIZE_FORMAT "\r\n\r\n", row->encoding, row->size);
  g_autofree char *options = g_strdup_printf ("%s", row->options);
  g_autoptr (GVariant) keys = g_variant_ref_sink (
      g_variant_new_parsed ("{'decode': <handle 1>}"));
  int decoded = make_file ("");
  GVariant *facts;
  guint64 attempt;

  script_server_set (
      server,
      "/a",
      &(ScriptReply){ head, 0, row->size > 0 ? GZIPPED : NULL, SCRIPT_KEEP, row->size });
  attempt = worker_fixture_begin_with_files (
      fixture, url, options, keys, make_file (""), dup (decoded));
  facts = worker_fixture_await_done (fixture, attempt);
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, row->error ? row->error : "");
  assert_decoded (row, facts, decoded);
  g_close (decoded, NULL);
}

/* What the app asks for is of the decoded file, what the server declares is not. */
static void
test_decode_digests (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/a");
  g_autofree char *of_part = NULL;
  g_autofree char *of_file = NULL;
  g_autofree char *sum = g_compute_checksum_for_data (
      G_CHECKSUM_MD5, (const guchar *)GZIPPED, GZIPPED_SIZE);
  g_autofree char *expected = g_strconcat ("md5:", sum, NULL);
  g_autoptr (GVariant) keys = g_variant_ref_sink (
      g_variant_new_parsed ("{'decode': <handle 1>}"));
  GVariant *facts;
  guint64 attempt;

  script_server_set (
      server,
      "/a",
      &(ScriptReply){ OK "Content-Encoding: gzip\r\nContent-Length: 32\r\nRepr-Digest: "
                         "md5=:" MD5_B64 ":\r\n\r\n",
                      0,
                      GZIPPED,
                      SCRIPT_KEEP,
                      GZIPPED_SIZE });
  attempt = worker_fixture_begin_with_files (
      fixture, url, "{'digests': <['sha256']>}", keys, make_file (""), make_file (""));
  facts = worker_fixture_await_done (fixture, attempt);
  of_part = describe (facts, "digests");
  of_file = describe (facts, "decoded-digests");
  g_assert_cmpstr (of_part, ==, expected);
  g_assert_cmpstr (of_file, ==, "sha256:" HELLO_SHA256);
}

/* T-04: nobody asks for decoding. */
static void
test_keep_encoded (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/a");
  g_autofree char *content = NULL;
  gsize size = 0;
  guint64 attempt;

  script_server_set (
      server,
      "/a",
      &(ScriptReply){ OK "Content-Encoding: gzip\r\nContent-Length: 32\r\n\r\n",
                      0,
                      GZIPPED,
                      SCRIPT_KEEP,
                      GZIPPED_SIZE });
  attempt = worker_fixture_begin (fixture, url, NULL);
  worker_fixture_await_done (fixture, attempt);
  content = worker_fixture_read_part (fixture, attempt, &size);
  g_assert_cmpmem (content, size, GZIPPED, GZIPPED_SIZE);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strdup_printf ("/worker-digest/%s", rows[i].name);

      g_test_add_data_func (path, &rows[i], test_row);
    }
  g_test_add_func ("/worker-digest/resume/with-state", test_resume_with_state);
  g_test_add_func ("/worker-digest/resume/behind-state", test_resume_behind_state);
  g_test_add_func ("/worker-digest/resume/without-state", test_resume_without_state);
  g_test_add_func ("/worker-digest/resume/with-more", test_resume_with_more);
  g_test_add_func ("/worker-digest/resume/declared", test_resume_declared);
  g_test_add_func ("/worker-digest/resume/no-rest", test_resume_no_rest);
  g_test_add_func ("/worker-digest/resume/whole", test_resume_whole);
  g_test_add_func ("/worker-digest/digested", test_digested);
  g_test_add_func ("/worker-digest/fast", test_fast);
  g_test_add_func ("/worker-digest/plain", test_plain);
  g_test_add_func ("/worker-digest/long-beginning", test_long_beginning);
  g_test_add_func ("/worker-digest/stop-reading", test_stop_reading);
  for (guint i = 0; i < G_N_ELEMENTS (decode_rows); i++)
    {
      g_autofree char *path = g_strdup_printf ("/worker-digest/decode/%s",
                                               decode_rows[i].name);

      g_test_add_data_func (path, &decode_rows[i], test_decode);
    }
  g_test_add_func ("/worker-digest/decode/digests", test_decode_digests);
  g_test_add_func ("/worker-digest/keep-encoded", test_keep_encoded);
  return g_test_run ();
}
