/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* trundle credentials: what sessions know of who we are, without the secrets: they are
 * told to nobody. */

#include "config.h"

#include <glib/gi18n.h>
#include <string.h>

#include "cli/bus.h"
#include "cli/challenge.h"
#include "cli/credential.h"
#include "cli/print.h"
#include "cli/terminal.h"
#include "common/names.h"
#include "common/url.h"

typedef struct
{
  char **words; /* (owned) (nullable): what to do, and its address */
  char *session;
  char *app;
  char *realm;
  char *method;
  gboolean is_proxy;
  gboolean json;
  TrcCredential credential;

  /* Of the address, if there is one. */
  char *protocol; /* (owned) (nullable) */
  char *host;     /* (owned) (nullable) */
  guint port;
} Options;

static void
options_clear (Options *self)
{
  g_strfreev (self->words);
  g_free (self->session);
  g_free (self->app);
  g_free (self->realm);
  g_free (self->method);
  trc_credential_clear (&self->credential);
  g_free (self->protocol);
  g_free (self->host);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

static gboolean
parse_options (Options *self, int *argc, char ***argv)
{
  const GOptionEntry mine[] = {
    { "session",
      0,
      0,
      G_OPTION_ARG_STRING,
      &self->session,
      N_ ("Only of the session with this identifier"),
      N_ ("IDENTIFIER") },
    { "app",
      0,
      0,
      G_OPTION_ARG_STRING,
      &self->app,
      N_ ("Only of sessions of this app"),
      N_ ("APP-ID") },
    { "realm",
      0,
      0,
      G_OPTION_ARG_STRING,
      &self->realm,
      N_ ("Only for this part of the server"),
      N_ ("REALM") },
    { "method",
      0,
      0,
      G_OPTION_ARG_STRING,
      &self->method,
      N_ ("Only for this method, as “basic” or “client-certificate”"),
      N_ ("METHOD") },
    { "proxy",
      0,
      0,
      G_OPTION_ARG_NONE,
      &self->is_proxy,
      N_ ("The address is that of a proxy"),
      NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &self->json, N_ ("A JSON object a line"), NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &self->words, NULL, NULL },
    { NULL },
  };
  GOptionEntry entries[TRC_CREDENTIAL_N_ENTRIES + G_N_ELEMENTS (mine)];

  trc_credential_add_entries (&self->credential, entries);
  memcpy (entries + TRC_CREDENTIAL_N_ENTRIES, mine, sizeof mine);
  return trc_command_parse (entries, argc, argv);
}

/* ---- where ---- */

static gboolean
is_chosen (const Options *self, GVariant *session)
{
  return (self->session == NULL
          || g_str_equal (trc_bus_lookup_string (session, "identifier"), self->session))
         && (self->app == NULL
             || g_str_equal (trc_bus_lookup_string (session, "app-id"), self->app));
}

/* Those that are chosen; empty when there is none.  (element-type GVariant) (transfer
 * full) */
static GPtrArray *
find_sessions (GDBusConnection *connection, const Options *self, GError **error)
{
  g_autoptr (GVariant) all = trc_bus_list_sessions (connection, error);
  g_autoptr (GPtrArray) found = NULL;

  if (all == NULL)
    return NULL;
  found = g_ptr_array_new_with_free_func ((GDestroyNotify)g_variant_unref);
  for (gsize i = 0; i < g_variant_n_children (all); i++)
    {
      g_autoptr (GVariant) session = g_variant_get_child_value (all, i);

      if (is_chosen (self, session))
        g_ptr_array_add (found, g_steal_pointer (&session));
    }
  return g_steal_pointer (&found);
}

/* aa{sv}; NULL on an error.  (transfer full) */
static GVariant *
list_credentials (GDBusConnection *connection, GVariant *session, GError **error)
{
  g_autoptr (GVariant) reply = trc_bus_call (connection,
                                             trc_bus_lookup_string (session, "path"),
                                             TRUNDLE_INTERFACE_SESSION,
                                             "ListCredentials",
                                             NULL,
                                             "(aa{sv})",
                                             error);

  return reply != NULL ? g_variant_get_child_value (reply, 0) : NULL;
}

static guint
lookup_port (GVariant *credential)
{
  guint port = 0;

  g_variant_lookup (credential, "port", "u", &port);
  return port;
}

/* Whether it is for what the command line names; what that does not name is any. */
static gboolean
is_meant (const Options *self, GVariant *credential)
{
  gboolean is_proxy = FALSE;

  g_variant_lookup (credential, "is-proxy", "b", &is_proxy);
  return (self->host == NULL
          || (g_str_equal (trc_bus_lookup_string (credential, "protocol"), self->protocol)
              && g_str_equal (trc_bus_lookup_string (credential, "host"), self->host)
              && lookup_port (credential) == self->port && is_proxy == self->is_proxy))
         && (self->realm == NULL
             || g_str_equal (trc_bus_lookup_string (credential, "realm"), self->realm))
         && (self->method == NULL
             || g_str_equal (trc_bus_lookup_string (credential, "method"), self->method))
         && (self->credential.user == NULL
             || g_str_equal (trc_bus_lookup_string (credential, "user"),
                             self->credential.user));
}

/* ---- list ---- */

static const char *
describe_persistence (const char *word)
{
  if (g_str_equal (word, "permanent"))
    return _ ("for good");
  if (g_str_equal (word, "session"))
    return _ ("session");
  return word;
}

static void
print_row (const char *place,
           const char *realm,
           const char *method,
           const char *user,
           const char *kept,
           const char *session)
{
  const char *cells[] = { place, realm, method, user, kept };
  const guint columns[] = { 24, 16, 18, 12, 8 };
  g_autoptr (GString) line = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cells); i++)
    {
      g_autofree char *clean = trc_print_clean (cells[i]);
      g_autofree char *fit = trc_print_fit (clean,
                                            MAX (columns[i], trc_print_columns (clean)));

      g_string_append_printf (line, "%s  ", fit);
    }
  trc_print_line ("%s%s", line->str, session);
}

static void
print_human (GVariant *session, GVariant *credential)
{
  g_autofree char *place = trc_challenge_place (
      trc_bus_lookup_string (credential, "host"), lookup_port (credential));
  g_autofree char *url = g_strdup_printf (
      "%s://%s", trc_bus_lookup_string (credential, "protocol"), place);
  g_autofree char *identifier = trc_print_clean (
      trc_bus_lookup_string (session, "identifier"));
  const char *method = trc_bus_lookup_string (credential, "method");

  print_row (url,
             trc_bus_lookup_string (credential, "realm"),
             method[0] != '\0' ? method : _ ("any"),
             trc_bus_lookup_string (credential, "user"),
             describe_persistence (trc_bus_lookup_string (credential, "persistence")),
             identifier);
}

static void
print_json (GVariant *session, GVariant *credential)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (credential);

  g_variant_dict_insert (
      &dict, "session", "s", trc_bus_lookup_string (session, "identifier"));
  g_variant_dict_insert (&dict, "app-id", "s", trc_bus_lookup_string (session, "app-id"));
  trc_print_json_line (g_variant_dict_end (&dict));
}

/* What is permanent is known to all sessions of its app, and shown once. */
static gboolean
is_new (GHashTable *seen, GVariant *session, GVariant *credential)
{
  g_autofree char *text = NULL;

  if (!g_str_equal (trc_bus_lookup_string (credential, "persistence"), "permanent"))
    return TRUE;
  text = g_variant_print (credential, FALSE);
  return g_hash_table_add (
      seen, g_strconcat (trc_bus_lookup_string (session, "app-id"), "\n", text, NULL));
}

static TrcExit
list (GDBusConnection *connection, const Options *options)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (
      g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) sessions = find_sessions (connection, options, &error);
  guint n_printed = 0;

  if (sessions == NULL)
    return trc_command_fail (error);
  for (guint i = 0; i < sessions->len; i++)
    {
      GVariant *session = g_ptr_array_index (sessions, i);
      g_autoptr (GVariant) known = list_credentials (connection, session, &error);

      if (known == NULL)
        return trc_command_fail (error);
      for (gsize j = 0; j < g_variant_n_children (known); j++)
        {
          g_autoptr (GVariant) credential = g_variant_get_child_value (known, j);

          if (!is_meant (options, credential) || !is_new (seen, session, credential))
            continue;
          if (!options->json && n_printed++ == 0)
            print_row (_ ("SERVER"),
                       _ ("REALM"),
                       _ ("METHOD"),
                       _ ("USER"),
                       _ ("KEPT"),
                       _ ("SESSION"));
          (options->json ? print_json : print_human) (session, credential);
        }
    }
  return TRC_EXIT_DONE;
}

/* ---- remove ---- */

/* The keys of its protection space alone.  Floating. */
static GVariant *
copy_space (GVariant *credential)
{
  static const char *const keys[] = { "protocol", "host",   "port",
                                      "realm",    "method", "is-proxy" };
  g_auto (GVariantDict) space = G_VARIANT_DICT_INIT (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      g_autoptr (GVariant) value = g_variant_lookup_value (credential, keys[i], NULL);

      if (value != NULL)
        g_variant_dict_insert_value (&space, keys[i], value);
    }
  return g_variant_dict_end (&space);
}

static gboolean
remove_credential (GDBusConnection *connection,
                   GVariant *session,
                   GVariant *credential,
                   GError **error)
{
  g_autoptr (GVariant) reply = trc_bus_call (
      connection,
      trc_bus_lookup_string (session, "path"),
      TRUNDLE_INTERFACE_SESSION,
      "RemoveCredential",
      g_variant_new ("(@a{sv})", copy_space (credential)),
      "()",
      error);

  return reply != NULL;
}

static TrcExit
remove_all (GDBusConnection *connection, const Options *options)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) sessions = find_sessions (connection, options, &error);
  guint n_removed = 0;

  if (sessions == NULL)
    return trc_command_fail (error);
  for (guint i = 0; i < sessions->len; i++)
    {
      GVariant *session = g_ptr_array_index (sessions, i);
      g_autoptr (GVariant) known = list_credentials (connection, session, &error);

      if (known == NULL)
        return trc_command_fail (error);
      for (gsize j = 0; j < g_variant_n_children (known); j++)
        {
          g_autoptr (GVariant) credential = g_variant_get_child_value (known, j);

          if (!is_meant (options, credential))
            continue;
          if (!remove_credential (connection, session, credential, &error))
            return trc_command_fail (error);
          n_removed++;
        }
    }
  if (n_removed > 0)
    return TRC_EXIT_DONE;

  trc_command_complain ("%s", _ ("There is no such credential"));
  return TRC_EXIT_NOT_FOUND;
}

/* ---- add ---- */

/* The session that is meant: of an app it must be there, our own is made. */
static char *
choose_session (GDBusConnection *connection, const Options *self, GError **error)
{
  g_autoptr (GPtrArray) sessions = NULL;

  if (self->app != NULL)
    {
      sessions = find_sessions (connection, self, error);
      if (sessions != NULL && sessions->len == 1)
        return g_strdup (trc_bus_lookup_string (g_ptr_array_index (sessions, 0), "path"));
      if (sessions != NULL)
        g_set_error_literal (error,
                             G_IO_ERROR,
                             G_IO_ERROR_NOT_FOUND,
                             sessions->len == 0
                                 ? _ ("The app has no such session")
                                 : _ ("Which session of the app? Say it with --session"));
      return NULL;
    }

  return trc_bus_open_session (connection, self->session, NULL, NULL, error);
}

/* What the options do not say is asked. */
static gboolean
complete (Options *self)
{
  TrcCredential *credential = &self->credential;
  g_autoptr (TrcTerminal) terminal = NULL;
  g_autoptr (GError) error = NULL;

  if (credential->user == NULL || credential->password != NULL)
    return TRUE;
  terminal = trc_terminal_open ();
  if (terminal == NULL)
    {
      trc_command_misuse (_ ("There is no terminal to ask for the password on: give a "
                             "--password-file"));
      return FALSE;
    }
  credential->password = trc_terminal_ask_secret (
      terminal, _ ("Password: "), NULL, &error);
  if (credential->password == NULL)
    trc_command_complain ("%s", error->message);
  return credential->password != NULL;
}

/* Floating. */
static GVariant *
describe_space (const Options *self)
{
  g_auto (GVariantDict) space = G_VARIANT_DICT_INIT (NULL);
  const char *method = self->method;

  if (method == NULL && self->credential.token != NULL)
    method = "bearer";
  else if (method == NULL && self->credential.certificate_file != NULL)
    method = "client-certificate";

  g_variant_dict_insert (&space, "protocol", "s", self->protocol);
  g_variant_dict_insert (&space, "host", "s", self->host);
  g_variant_dict_insert (&space, "port", "u", self->port);
  if (self->realm != NULL)
    g_variant_dict_insert (&space, "realm", "s", self->realm);
  if (method != NULL)
    g_variant_dict_insert (&space, "method", "s", method);
  if (self->is_proxy)
    g_variant_dict_insert (&space, "is-proxy", "b", TRUE);
  return g_variant_dict_end (&space);
}

static TrcExit
add (GDBusConnection *connection, Options *options)
{
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *session = NULL;
  GVariant *credential;

  if (!complete (options))
    return TRC_EXIT_USAGE;
  session = choose_session (connection, options, &error);
  if (session == NULL)
    return trc_command_fail (error);
  credential = trc_credential_describe (&options->credential, fds, &error);
  if (credential == NULL)
    return trc_command_fail (error);
  reply = trc_bus_call_with_fds (
      connection,
      -1,
      session,
      TRUNDLE_INTERFACE_SESSION,
      "SetCredential",
      g_variant_new ("(@a{sv}@a{sv})", describe_space (options), credential),
      fds,
      "()",
      &error);
  return reply != NULL ? TRC_EXIT_DONE : trc_command_fail (error);
}

/* ---- the command ---- */

typedef struct
{
  const char *word;
  TrcExit (*run) (GDBusConnection *connection, Options *options);
  gboolean has_url;
} Verb;

static TrcExit
run_list (GDBusConnection *connection, Options *options)
{
  return list (connection, options);
}

static TrcExit
run_remove (GDBusConnection *connection, Options *options)
{
  return remove_all (connection, options);
}

static const Verb verbs[] = {
  { "list", run_list, FALSE },
  { "add", add, TRUE },
  { "remove", run_remove, TRUE },
};

/* Of an address nothing counts but the server.  FALSE after it was told what is wrong. */
static gboolean
read_address (Options *self, const char *text)
{
  g_autoptr (GUri) uri = g_uri_parse (text, G_URI_FLAGS_NONE, NULL);
  const char *scheme = uri != NULL ? g_uri_get_scheme (uri) : "";
  const char *host = uri != NULL ? g_uri_get_host (uri) : NULL;

  if (host == NULL || host[0] == '\0')
    trc_command_misuse (_ ("The address must be like https://example.org"));
  else if (g_uri_get_userinfo (uri) != NULL)
    trc_command_misuse (_ ("The address must be one without user and password"));
  else if (g_str_equal (scheme, "https") || g_str_equal (scheme, "http")
           || (g_str_equal (scheme, "socks5") && self->is_proxy))
    self->port = trundle_url_get_port (uri);
  else
    trc_command_misuse (_ ("The address must be one of http or https"));

  self->protocol = g_strdup (scheme);
  self->host = host != NULL ? g_ascii_strdown (host, -1) : NULL;
  return self->port != 0;
}

/* NULL after it was told what is wrong. */
static const Verb *
check_options (Options *self)
{
  const char *word = self->words != NULL ? self->words[0] : "list";
  guint n_words = self->words != NULL ? g_strv_length (self->words) : 1;
  const Verb *verb = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++)
    if (g_str_equal (verbs[i].word, word))
      verb = &verbs[i];
  if (verb == NULL)
    trc_command_misuse (_ ("What to do must be list, add or remove"));
  else if (n_words != (verb->has_url ? 2 : 1))
    trc_command_misuse (verb->has_url ? _ ("Which URL?") : _ ("That is too much"));
  else if (verb->run == add && !trc_credential_is_given (&self->credential))
    trc_command_misuse (_ ("Whose? Give a --user, a --token-file or a --certificate"));
  else if (verb->run == add && self->app != NULL && self->session == NULL)
    trc_command_misuse (_ ("--app needs a --session to add to"));
  else if (!verb->has_url || read_address (self, self->words[1]))
    return verb;
  return NULL;
}

TrcExit
trc_credentials (int argc, char **argv)
{
  g_auto (Options) options = { 0 };
  g_autoptr (GDBusConnection) connection = NULL;
  g_autoptr (GError) error = NULL;
  const Verb *verb;

  if (!parse_options (&options, &argc, &argv))
    return TRC_EXIT_USAGE;
  verb = check_options (&options);
  if (verb == NULL || !trc_credential_read (&options.credential))
    return TRC_EXIT_USAGE;

  connection = trc_bus_connect (&error);
  if (connection == NULL)
    {
      trc_command_fail (error);
      return TRC_EXIT_UNREACHABLE;
    }
  return verb->run (connection, &options);
}
