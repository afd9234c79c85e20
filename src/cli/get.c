/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* trundle get: hands downloads to the service, all in one call, and may wait for them. */

#include "config.h"

#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

#include "cli/bus.h"
#include "cli/challenge.h"
#include "cli/follow.h"
#include "cli/get-options.h"
#include "cli/print.h"
#include "common/names.h"
#include "common/url.h"

static char *
choose_destination (const TrcGetOptions *self, const char *url)
{
  g_autofree char *name = NULL;

  if (self->output != NULL)
    return g_canonicalize_filename (self->output, NULL);
  name = trundle_url_file_name (url);
  return g_canonicalize_filename (name, self->directory != NULL ? self->directory : NULL);
}

/* What the service would refuse only after the download, is refused before. */
static TrcExit
check_destination (const TrcGetOptions *self, const char *path)
{
  g_autofree char *shown = g_filename_display_name (path);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *shown_folder = g_filename_display_name (folder);

  if (!g_utf8_validate (path, -1, NULL))
    trc_command_complain (_ ("%s: the name is not UTF-8"), shown);
  else if (!g_file_test (folder, G_FILE_TEST_IS_DIR))
    trc_command_complain (_ ("%s is not a folder"), shown_folder);
  else if (g_file_test (path, G_FILE_TEST_IS_DIR))
    trc_command_complain (_ ("%s is a folder; use --directory"), shown);
  else if (g_strcmp0 (self->if_exists ? self->if_exists : "fail", "fail") == 0
           && g_file_test (path, G_FILE_TEST_EXISTS))
    trc_command_complain (
        _ ("%s exists; --if-exists=replace or --if-exists=rename say what to do"), shown);
  else
    return TRC_EXIT_DONE;
  return TRC_EXIT_FAILED;
}

static TrcExit
choose_destinations (TrcGetOptions *self)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) taken = g_hash_table_new (g_str_hash, g_str_equal);

  if (self->directory != NULL)
    {
      char *absolute = g_canonicalize_filename (self->directory, NULL);

      g_free (self->directory);
      self->directory = absolute;
    }
  for (guint i = 0; self->urls[i] != NULL; i++)
    {
      char *path = choose_destination (self, self->urls[i]);
      TrcExit problem = check_destination (self, path);

      g_ptr_array_add (paths, path);
      if (problem != TRC_EXIT_DONE)
        return problem;
      if (!g_hash_table_add (taken, path) && g_strcmp0 (self->if_exists, "rename") != 0)
        {
          g_autofree char *name = g_path_get_basename (path);

          return trc_command_misuse (
              _ ("Two of the URLs would be saved as %s; use --if-exists=rename"), name);
        }
    }
  g_ptr_array_add (paths, NULL);
  self->destinations = (char **)g_ptr_array_free (g_steal_pointer (&paths), FALSE);
  return TRC_EXIT_DONE;
}

/* Whoever uses a proxy must not lead the others over it: a session has one. */
static char *
choose_session (const TrcGetOptions *self)
{
  g_autoptr (GUri) uri = NULL;

  if (self->session != NULL || self->proxy == NULL)
    return g_strdup (self->session);
  uri = g_uri_parse (self->proxy, G_URI_FLAGS_NONE, NULL);
  if (uri == NULL || g_uri_get_host (uri) == NULL)
    return g_strdup_printf ("trundle via %s", self->proxy);
  return g_strdup_printf ("trundle via %s://%s:%d",
                          g_uri_get_scheme (uri),
                          g_uri_get_host (uri),
                          g_uri_get_port (uri));
}

static char *
open_session (GDBusConnection *connection, const TrcGetOptions *self, GError **error)
{
  g_auto (GVariantDict) more = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  g_autofree char *identifier = choose_session (self);

  if (self->proxy != NULL)
    {
      g_autoptr (TrcSecret) proxy = trc_secret_new (self->proxy, strlen (self->proxy));

      int handle = trc_secret_append (proxy, fds, error);

      if (handle < 0)
        return NULL;
      g_variant_dict_insert (&more, "proxy-fd", "h", handle);
      g_variant_dict_insert (&more, "update-configuration", "b", TRUE);
    }
  return trc_bus_open_session (
      connection, identifier, g_variant_dict_end (&more), fds, error);
}

/* The certificate of --client-certificate, for each server that is asked by TLS. */
static gboolean
set_certificate (GDBusConnection *connection,
                 const char *session,
                 const TrcGetOptions *self,
                 const char *host,
                 guint port,
                 GError **error)
{
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  g_autoptr (GVariant) reply = NULL;
  GVariant *credential = trc_credential_describe (&self->certificate, fds, error);

  if (credential == NULL)
    return FALSE;
  reply = trc_bus_call_with_fds (
      connection,
      session,
      TRUNDLE_INTERFACE_SESSION,
      "SetCredential",
      g_variant_new ("(@a{sv}@a{sv})",
                     g_variant_new_parsed ("{'protocol': <'https'>, 'host': <%s>, "
                                           "'port': <%u>, "
                                           "'method': <'client-certificate'>}",
                                           host,
                                           port),
                     credential),
      fds,
      "()",
      error);
  return reply != NULL;
}

static gboolean
set_certificates (GDBusConnection *connection,
                  const char *session,
                  const TrcGetOptions *self,
                  GError **error)
{
  g_autoptr (GHashTable) done = g_hash_table_new_full (
      g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; self->certificate_file != NULL && self->urls[i] != NULL; i++)
    {
      g_autoptr (GUri) uri = trundle_url_parse (self->urls[i], NULL);
      g_autofree char *host = NULL;
      guint port;

      if (uri == NULL || !g_str_equal (g_uri_get_scheme (uri), "https"))
        continue;
      host = g_ascii_strdown (g_uri_get_host (uri), -1);
      port = trundle_url_get_port (uri);
      if (g_hash_table_add (done, trc_challenge_place (host, port))
          && !set_certificate (connection, session, self, host, port, error))
        return FALSE;
    }
  return TRUE;
}

/* Handles of what is secret in the options of all tasks; -1 for none. */
typedef struct
{
  int headers;
  int password;
} Handles;

static GVariant *
describe_task (const TrcGetOptions *self, guint i, const Handles *handles)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&dict, "url", "s", self->urls[i]);
  g_variant_dict_insert (&dict, "destination-path", "s", self->destinations[i]);
  g_variant_dict_insert (&dict, "start", "b", TRUE);
  if (self->if_exists != NULL)
    g_variant_dict_insert (&dict, "if-exists", "s", self->if_exists);
  if (handles->headers >= 0)
    g_variant_dict_insert (&dict, "headers-fd", "h", handles->headers);
  if (self->user != NULL)
    {
      g_variant_dict_insert (&dict, "user", "s", self->user);
      g_variant_dict_insert (&dict, "password-fd", "h", handles->password);
    }
  if (self->pins != NULL)
    g_variant_dict_insert (&dict, "pins", "^as", self->pins);
  if (self->allow_insecure_auth)
    g_variant_dict_insert (&dict, "allow-insecure-auth", "b", TRUE);
  if (self->mirrors != NULL)
    g_variant_dict_insert (&dict, "mirrors", "^as", self->mirrors);
  if (self->digest_list != NULL)
    g_variant_dict_insert_value (&dict, "digests", self->digest_list);
  if (self->resume_data != NULL)
    g_variant_dict_insert_value (
        &dict,
        "resume-data",
        g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, self->resume_data, TRUE));
  if (self->wanted_range != NULL)
    g_variant_dict_insert_value (&dict, "range", self->wanted_range);
  if (self->retries != TRC_RETRIES_NONE)
    g_variant_dict_insert_value (
        &dict,
        "retry",
        g_variant_new_parsed ("{'max-attempts': <%u>, 'max-status-attempts': <@u 0>}",
                              (guint)self->retries + 1));
  if (self->description != NULL)
    g_variant_dict_insert (&dict, "description", "s", self->description);
  if (trc_get_options_has_priority (self))
    g_variant_dict_insert (&dict, "priority", "d", self->priority);
  if (self->earliest_begin_us != 0)
    g_variant_dict_insert (&dict, "earliest-begin", "x", self->earliest_begin_us);
  if (self->max_size != NULL)
    g_variant_dict_insert (&dict, "max-bytes", "t", self->max_bytes);
  if (self->decode)
    g_variant_dict_insert (&dict, "decode", "b", TRUE);
  return g_variant_dict_end (&dict);
}

static char **
create_tasks (GDBusConnection *connection,
              const char *session,
              const TrcGetOptions *self,
              GError **error)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  g_autoptr (GVariant) reply = NULL;
  Handles handles = { -1, -1 };
  char **paths;

  if (self->header_lines != NULL
      && (handles.headers = trc_secret_append (self->header_lines, fds, error)) < 0)
    return NULL;
  if (self->user != NULL
      && (handles.password = trc_secret_append (self->login.password, fds, error)) < 0)
    return NULL;
  for (guint i = 0; self->urls[i] != NULL; i++)
    g_variant_builder_add_value (&builder, describe_task (self, i, &handles));
  reply = trc_bus_call_with_fds (connection,
                                 session,
                                 TRUNDLE_INTERFACE_SESSION,
                                 "CreateTasks",
                                 g_variant_new ("(aa{sv})", &builder),
                                 fds,
                                 "(ao)",
                                 error);
  if (reply == NULL)
    return NULL;
  g_variant_get (reply, "(^ao)", &paths);
  return paths;
}

static void
print_tasks (const TrcGetOptions *self, char **paths)
{
  for (guint i = 0; paths[i] != NULL; i++)
    {
      const char *number = trc_bus_task_number (paths[i]);
      g_autofree char *url = trundle_url_without_user_info (self->urls[i], NULL);
      g_autofree char *shown = trc_print_clean (self->destinations[i]);

      if (self->json)
        trc_print_json_line (g_variant_new_parsed (
            "{'event': <'added'>, 'task': <%t>, 'path': <%s>, 'url': <%s>, "
            "'destination': <%s>}",
            g_ascii_strtoull (number, NULL, 10),
            paths[i],
            url,
            self->destinations[i]));
      else if (!self->quiet && trc_print_is_terminal ())
        trc_print_line ("%s  %s", number, shown);
      else if (!self->quiet)
        trc_print_line ("%s", number);
    }
}

static TrcExit
wait_for_tasks (TrcFollow *follow,
                const char *session,
                const TrcGetOptions *self,
                char **paths)
{
  for (guint i = 0; paths[i] != NULL; i++)
    trc_follow_add (follow,
                    session,
                    paths[i],
                    g_variant_new_parsed ("{'Url': <%s>, 'Destination': <%s>}",
                                          self->urls[i],
                                          self->destinations[i]));
  return trc_follow_run (follow);
}

TrcExit
trc_get (int argc, char **argv)
{
  g_auto (TrcGetOptions) options = { 0 };
  g_autoptr (GDBusConnection) connection = NULL;
  g_autoptr (TrcFollow) follow = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *session = NULL;
  g_auto (GStrv) paths = NULL;
  TrcExit problem = trc_get_options_read (&options, &argc, &argv);

  if (problem == TRC_EXIT_DONE)
    problem = choose_destinations (&options);
  if (problem != TRC_EXIT_DONE)
    return problem;

  connection = trc_bus_connect (&error);
  if (connection == NULL)
    {
      trc_command_fail (error);
      return TRC_EXIT_UNREACHABLE;
    }
  session = open_session (connection, &options, &error);
  if (session == NULL || !set_certificates (connection, session, &options, &error))
    return trc_command_fail (error);

  if (options.wait)
    {
      follow = trc_follow_new (connection,
                               options.json    ? TRC_FOLLOW_JSON
                               : options.quiet ? TRC_FOLLOW_QUIET
                                               : TRC_FOLLOW_PLAIN);
      trc_follow_ask (follow);
      if (!trc_follow_observe (follow, session, FALSE, &error))
        return trc_command_fail (error);
    }
  paths = create_tasks (connection, session, &options, &error);
  if (paths == NULL)
    return trc_command_fail (error);
  if (follow != NULL)
    return wait_for_tasks (follow, session, &options, paths);
  print_tasks (&options, paths);
  return TRC_EXIT_DONE;
}
