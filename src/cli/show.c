/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* trundle show: every property of a task. */

#include "config.h"

#include <glib/gi18n.h>

#include "cli/bus.h"
#include "cli/challenge.h"
#include "cli/print.h"
#include "common/url.h"

/* How a property is to be read. */
typedef enum
{
  FORMAT_PLAIN,
  FORMAT_SIZE,
  FORMAT_TIME,
  FORMAT_URL,
  FORMAT_STATE,
  FORMAT_REASONS,
  FORMAT_PROOF,
  FORMAT_CHALLENGE,
  FORMAT_KIND,
  FORMAT_FIRST_LINE,
} Format;

/* Of which tasks a property is worth telling. */
typedef enum
{
  OF_ALL,
  OF_DOWNLOADS,
  OF_UPLOADS,
} Of;

static const struct
{
  const char *name;
  const char *title;
  Format format;
  Of of;
} rows[] = {
  { "Url", N_ ("Address"), FORMAT_URL },
  { "Destination", N_ ("File"), FORMAT_PLAIN, OF_DOWNLOADS },
  { "Description", N_ ("Description"), FORMAT_PLAIN },
  { "Kind", N_ ("Kind"), FORMAT_KIND },
  { "State", N_ ("State"), FORMAT_STATE },
  { "WaitReasons", N_ ("Waits for"), FORMAT_REASONS },
  { "Challenge", N_ ("Asked for"), FORMAT_CHALLENGE },
  { "NextAttemptAt", N_ ("Next attempt"), FORMAT_TIME },
  { "Attempts", N_ ("Attempts"), FORMAT_PLAIN },
  { "Error", N_ ("Error"), FORMAT_PLAIN },
  { "LastTransientError", N_ ("Last setback"), FORMAT_PLAIN },
  { "ErrorBody", N_ ("The server said"), FORMAT_FIRST_LINE },
  { "BytesSent", N_ ("Sent"), FORMAT_SIZE, OF_UPLOADS },
  { "BytesExpectedToSend", N_ ("To be sent"), FORMAT_SIZE, OF_UPLOADS },
  { "BytesConfirmed", N_ ("The server has"), FORMAT_SIZE, OF_UPLOADS },
  { "BytesReceived", N_ ("Received"), FORMAT_SIZE },
  { "BytesExpectedToReceive", N_ ("Expected"), FORMAT_SIZE },
  { "Response", N_ ("Response"), FORMAT_PLAIN },
  { "ResponseBody", N_ ("Answer"), FORMAT_FIRST_LINE, OF_UPLOADS },
  { "Destination", N_ ("Answer goes to"), FORMAT_PLAIN, OF_UPLOADS },
  { "Integrity", N_ ("Proof"), FORMAT_PROOF },
  { "Priority", N_ ("Priority"), FORMAT_PLAIN },
  { "Group", N_ ("Group"), FORMAT_PLAIN },
  { "Durable", N_ ("Survives a restart"), FORMAT_PLAIN },
  { "CreatedAt", N_ ("Created"), FORMAT_TIME },
  { "FinishedAt", N_ ("Finished"), FORMAT_TIME },
  { "Deadline", N_ ("Deadline"), FORMAT_TIME },
  { "Session", N_ ("Session"), FORMAT_PLAIN },
  { "Uuid", N_ ("UUID"), FORMAT_PLAIN },
};

/* "Name: its sentence" of an error (sa{sv}); "" for none. */
static char *
format_error (GVariant *error)
{
  g_autoptr (GVariant) details = NULL;
  const char *name;
  const char *message;

  g_variant_get (error, "(&s@a{sv})", &name, &details);
  message = trc_bus_lookup_string (details, "message");
  return message[0] != '\0' ? g_strdup_printf ("%s: %s", name, message) : g_strdup (name);
}

static char *
format_plain (GVariant *value)
{
  GString *out;

  if (g_variant_is_of_type (value, G_VARIANT_TYPE ("(sa{sv})")))
    return format_error (value);
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING)
      || g_variant_is_of_type (value, G_VARIANT_TYPE_OBJECT_PATH))
    return g_variant_dup_string (value, NULL);
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_BOOLEAN))
    return g_strdup (g_variant_get_boolean (value) ? _ ("yes") : _ ("no"));
  if (g_variant_is_container (value) && g_variant_n_children (value) == 0)
    return g_strdup ("");
  out = g_string_new (NULL);
  trc_print_json_value (out, value);
  return g_string_free (out, FALSE);
}

/* "sha256:1f2e… (as it must be)" */
static char *
format_digest (GVariant *digest)
{
  g_autofree char *algorithm = NULL;
  g_autofree char *hex = NULL;
  g_autofree char *source = NULL;
  gboolean is_weak = FALSE;
  gboolean is_encoded = FALSE;

  g_variant_lookup (digest, "algorithm", "s", &algorithm);
  g_variant_lookup (digest, "digest", "s", &hex);
  g_variant_lookup (digest, "source", "s", &source);
  g_variant_lookup (digest, "weak", "b", &is_weak);
  g_variant_lookup (digest, "encoded", "b", &is_encoded);
  return g_strdup_printf ("%s:%s (%s%s%s)",
                          algorithm != NULL ? algorithm : "?",
                          hex != NULL ? hex : "?",
                          g_strcmp0 (source, "server") == 0 ? _ ("as the server says")
                                                            : _ ("as it must be"),
                          is_weak ? _ (", weak") : "",
                          is_encoded ? _ (", before decoding") : "");
}

static char *
format_proof (GVariant *integrity)
{
  g_autoptr (GVariant) digests = g_variant_lookup_value (
      integrity, "digests", G_VARIANT_TYPE ("aa{sv}"));
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) words = NULL;
  const char *proof = trc_bus_lookup_string (integrity, "proof");
  gboolean is_set = FALSE;

  if (proof[0] != '\0')
    g_strv_builder_add (builder, proof);
  for (gsize i = 0; digests != NULL && i < g_variant_n_children (digests); i++)
    {
      g_autoptr (GVariant) digest = g_variant_get_child_value (digests, i);
      g_autofree char *text = format_digest (digest);

      g_strv_builder_add (builder, text);
    }
  if (g_variant_lookup (integrity, "decoded", "b", &is_set) && is_set)
    g_strv_builder_add (builder, _ ("decoded"));
  if (g_variant_lookup (integrity, "file-moved", "b", &is_set) && is_set)
    g_strv_builder_add (builder, _ ("moved away since"));
  words = g_strv_builder_end (builder);
  return g_strjoinv (", ", words);
}

static char *
format_challenge (GVariant *dict)
{
  g_autoptr (TrcChallenge) challenge = trc_challenge_new (dict);

  return challenge != NULL ? trc_challenge_summarize (challenge) : g_strdup ("");
}

static char *
format_value (GVariant *value, Format format)
{
  switch (format)
    {
    case FORMAT_SIZE:
      return trc_print_size (g_variant_is_of_type (value, G_VARIANT_TYPE_INT64)
                                 ? g_variant_get_int64 (value)
                                 : (gint64)g_variant_get_uint64 (value));
    case FORMAT_TIME:
      return g_variant_get_int64 (value) != 0
                 ? trc_print_time (g_variant_get_int64 (value))
                 : g_strdup ("");
    case FORMAT_URL:
      return trundle_url_without_user_info (g_variant_get_string (value, NULL), NULL);
    case FORMAT_STATE:
      return g_strdup (trc_print_state (g_variant_get_string (value, NULL)));
    case FORMAT_REASONS:
      return trc_print_wait_reasons (value);
    case FORMAT_PROOF:
      return format_proof (value);
    case FORMAT_CHALLENGE:
      return format_challenge (value);
    case FORMAT_KIND:
      return g_strdup (trc_print_kind (g_variant_get_string (value, NULL)));
    case FORMAT_FIRST_LINE:
      return trc_print_first_line (value);
    case FORMAT_PLAIN:
      break;
    }
  return format_plain (value);
}

static void
print_human (const char *path, GVariant *task)
{
  gboolean is_upload = g_str_equal (trc_bus_lookup_string (task, "Kind"), "upload");

  trc_print_line (_ ("Task %s"), trc_bus_task_number (path));
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      gboolean is_told = rows[i].of != (is_upload ? OF_DOWNLOADS : OF_UPLOADS);
      g_autoptr (GVariant) value = is_told
                                       ? g_variant_lookup_value (task, rows[i].name, NULL)
                                       : NULL;
      g_autofree char *text = value != NULL ? format_value (value, rows[i].format) : NULL;
      g_autofree char *clean = text != NULL ? trc_print_clean (text) : NULL;
      g_autofree char *title = trc_print_fit (_ (rows[i].title), 20);

      if (clean != NULL && clean[0] != '\0')
        trc_print_line ("  %s %s", title, clean);
    }
}

/* Milliseconds from the beginning of a request; "-" for what did not happen. */
static char *
format_moment (GVariant *transaction, const char *key)
{
  gint64 begin_us = 0;
  gint64 moment_us = 0;

  g_variant_lookup (transaction, "fetch-start", "x", &begin_us);
  g_variant_lookup (transaction, key, "x", &moment_us);
  if (moment_us == 0)
    return g_strdup ("-");
  return g_strdup_printf ("%.1f", (double)(moment_us - begin_us) / 1000);
}

static void
print_transaction (GVariant *transaction)
{
  static const char *const keys[] = {
    "domain-lookup-end", "connect-end", "request-end", "response-start", "response-end"
  };
  g_autofree char *clean = trc_print_clean (trc_bus_lookup_string (transaction, "url"));
  g_autofree char *url = trundle_url_without_user_info (clean, NULL);
  g_auto (GStrv) moments = g_new0 (char *, G_N_ELEMENTS (keys) + 1);
  g_autofree char *joined = NULL;
  g_autofree char *size = NULL;
  guint64 bytes = 0;
  guint attempt = 0;
  guint status = 0;

  g_variant_lookup (transaction, "attempt", "u", &attempt);
  g_variant_lookup (transaction, "status", "u", &status);
  g_variant_lookup (transaction, "response-body-bytes", "t", &bytes);
  size = trc_print_size ((gint64)bytes);
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    moments[i] = format_moment (transaction, keys[i]);
  joined = g_strjoinv (" / ", moments);
  /* Translators: moments in milliseconds: name found, connected, asked, first byte, last
   * byte. */
  trc_print_line (_ ("  Attempt %u: %s %u %s, %s (%s ms)"),
                  attempt,
                  trc_bus_lookup_string (transaction, "method"),
                  status,
                  url,
                  size,
                  joined);
}

static void
print_metrics (GVariant *task)
{
  g_autoptr (GVariant) metrics = g_variant_lookup_value (
      task, "Metrics", G_VARIANT_TYPE_VARDICT);
  g_autoptr (GVariant) transactions = NULL;
  g_autoptr (GVariant) waited = NULL;
  GVariantIter iter;
  const char *reason;
  guint64 us;

  if (metrics == NULL)
    return;
  waited = g_variant_lookup_value (metrics, "waited", G_VARIANT_TYPE ("a{st}"));
  transactions = g_variant_lookup_value (
      metrics, "transactions", G_VARIANT_TYPE ("aa{sv}"));
  if (waited != NULL)
    {
      g_variant_iter_init (&iter, waited);
      while (g_variant_iter_next (&iter, "{&st}", &reason, &us))
        trc_print_line (_ ("  Waited %.1f s: %s"), (double)us / G_USEC_PER_SEC, reason);
    }
  for (gsize i = 0; transactions != NULL && i < g_variant_n_children (transactions); i++)
    {
      g_autoptr (GVariant) one = g_variant_get_child_value (transactions, i);

      print_transaction (one);
    }
}

static void
print_json (const char *path, GVariant *task)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autofree char *url = NULL;
  GVariantIter iter;
  const char *name;
  GVariant *value;

  g_variant_iter_init (&iter, task);
  while (g_variant_iter_loop (&iter, "{&sv}", &name, &value))
    {
      g_autofree char *key = trc_print_kebab (name);

      g_variant_dict_insert_value (&dict, key, value);
    }
  url = trundle_url_without_user_info (trc_bus_lookup_string (task, "Url"), NULL);
  g_variant_dict_insert (&dict, "url", "s", url);
  g_variant_dict_insert (
      &dict, "task", "t", g_ascii_strtoull (trc_bus_task_number (path), NULL, 10));
  g_variant_dict_insert (&dict, "path", "o", path);
  trc_print_json_line (g_variant_dict_end (&dict));
}

static TrcExit
show_task (GDBusConnection *connection, const char *path, gboolean json, gboolean metrics)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) task = trc_bus_get_task (connection, path, &error);

  if (task == NULL)
    {
      trc_command_complain ("%s: %s", trc_bus_task_number (path), error->message);
      return trc_bus_exit_for_error (error);
    }

  if (json)
    print_json (path, task);
  else
    print_human (path, task);
  if (metrics && !json)
    print_metrics (task);
  return TRC_EXIT_DONE;
}

TrcExit
trc_show (int argc, char **argv)
{
  g_auto (GStrv) tasks = NULL;
  gboolean json = FALSE;
  gboolean metrics = FALSE;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_ ("A JSON object a line"), NULL },
    { "metrics", 0, 0, G_OPTION_ARG_NONE, &metrics, N_ ("Also what was measured"), NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &tasks, NULL, NULL },
    { NULL },
  };
  g_autoptr (GDBusConnection) connection = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) paths = NULL;
  TrcExit last = TRC_EXIT_DONE;
  guint n_failed = 0;

  if (!trc_command_parse (entries, &argc, &argv))
    return TRC_EXIT_USAGE;
  if (tasks == NULL)
    return trc_command_misuse (_ ("Which task?"));
  paths = trc_bus_task_paths (tasks);
  if (paths == NULL)
    return TRC_EXIT_USAGE;
  connection = trc_bus_connect (&error);
  if (connection == NULL)
    {
      trc_command_fail (error);
      return TRC_EXIT_UNREACHABLE;
    }
  for (guint i = 0; tasks[i] != NULL; i++)
    {
      TrcExit one = show_task (connection, paths[i], json, metrics);

      if (one == TRC_EXIT_UNREACHABLE)
        return one;
      if (one != TRC_EXIT_DONE)
        {
          last = one;
          n_failed++;
        }
    }
  return n_failed > 0 && n_failed < g_strv_length (paths) ? TRC_EXIT_SOME_FAILED : last;
}
