/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The way of new tasks from the command line to the service: a session, what it is to
 * know, one call for all of them, and perhaps the wait for their ends. */

#include "config.h"

#include "cli/hand-over.h"

#include <string.h>

#include "cli/bus.h"
#include "cli/challenge.h"
#include "cli/follow.h"
#include "cli/print.h"
#include "common/names.h"
#include "common/url.h"

/* Of an error that is about one of several tasks. */
#define TASK_PREFIX "Task "

void
trc_new_task_free (TrcNewTask *self)
{
  g_free (self->url);
  g_free (self->name);
  g_free (self->destination);
  g_clear_pointer (&self->options, g_variant_unref);
  g_free (self);
}

/* Whoever uses a proxy must not lead the others over it: a session has one. */
static char *
choose_session (const TrcTaskOptions *self)
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
open_session (GDBusConnection *connection, const TrcTaskOptions *self, GError **error)
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
                 const TrcTaskOptions *self,
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
      -1,
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
                  const TrcTaskOptions *self,
                  GPtrArray *tasks,
                  GError **error)
{
  g_autoptr (GHashTable) done = g_hash_table_new_full (
      g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; self->certificate_file != NULL && i < tasks->len; i++)
    {
      const TrcNewTask *task = g_ptr_array_index (tasks, i);
      g_autoptr (GUri) uri = trundle_url_parse (task->url, NULL);
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

static const char *
word_kind (const TrcNewTask *task)
{
  return task->is_upload ? "upload" : "download";
}

static GVariant *
describe_task (const TrcTaskOptions *self,
               const TrcNewTask *task,
               const TrcTaskHandles *handles)
{
  g_auto (GVariantDict) dict = { 0 };

  g_variant_dict_init (&dict, task->options);
  g_variant_dict_insert (&dict, "kind", "s", word_kind (task));
  g_variant_dict_insert (&dict, "url", "s", task->url);
  if (task->destination != NULL)
    g_variant_dict_insert (&dict, "destination-path", "s", task->destination);
  trc_task_options_describe (self, handles, &dict);
  return g_variant_dict_end (&dict);
}

static char **
create_tasks (GDBusConnection *connection,
              const char *session,
              const TrcTaskOptions *self,
              GPtrArray *tasks,
              GUnixFDList *fds,
              GError **error)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  g_autoptr (GVariant) reply = NULL;
  TrcTaskHandles handles;
  char **paths;

  if (!trc_task_options_append_secrets (self, fds, &handles, error))
    return NULL;
  for (guint i = 0; i < tasks->len; i++)
    g_variant_builder_add_value (
        &builder, describe_task (self, g_ptr_array_index (tasks, i), &handles));
  /* It answers when it has all that comes out of a pipe, or a copy of what it copies. */
  reply = trc_bus_call_with_fds (connection,
                                 G_MAXINT,
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
print_tasks (const TrcTaskOptions *self, GPtrArray *tasks, char **paths)
{
  for (guint i = 0; paths[i] != NULL; i++)
    {
      const TrcNewTask *task = g_ptr_array_index (tasks, i);
      const char *number = trc_bus_task_number (paths[i]);
      g_autofree char *url = trundle_url_without_user_info (task->url, NULL);
      g_autofree char *shown = trc_print_clean (task->is_upload ? url
                                                : task->destination != NULL
                                                    ? task->destination
                                                    : "");

      if (self->json)
        trc_print_json_line (g_variant_new_parsed (
            "{'event': <'added'>, 'task': <%t>, 'path': <%s>, 'url': <%s>, "
            "'destination': <%s>, 'kind': <%s>}",
            g_ascii_strtoull (number, NULL, 10),
            paths[i],
            url,
            task->destination != NULL ? task->destination : "",
            word_kind (task)));
      else if (!self->quiet && trc_print_is_terminal ())
        trc_print_line ("%s  %s", number, shown);
      else if (!self->quiet)
        trc_print_line ("%s", number);
    }
}

/* "Task 1: body-path: why" counts what the command line names. */
static TrcExit
refuse_tasks (GPtrArray *tasks, const GError *error)
{
  static const char *const of_file[] = { "body-path: ", "body: " };
  const TrcNewTask *task;
  const char *why = error->message;
  const char *name;
  guint64 number;
  char *end;

  if (!g_str_has_prefix (why, TASK_PREFIX))
    return trc_command_fail (error);
  number = g_ascii_strtoull (why + strlen (TASK_PREFIX), &end, 10);
  if (!g_str_has_prefix (end, ": ") || number >= tasks->len)
    return trc_command_fail (error);

  task = g_ptr_array_index (tasks, number);
  name = tasks->len > 1 ? (task->name != NULL ? task->name : task->url) : NULL;
  why = end + strlen (": ");
  for (guint i = 0; i < G_N_ELEMENTS (of_file); i++)
    if (task->name != NULL && g_str_has_prefix (why, of_file[i]))
      {
        name = task->name;
        why += strlen (of_file[i]);
      }
  if (name != NULL)
    trc_command_complain ("%s: %s", name, why);
  else
    trc_command_complain ("%s", why);
  return trc_bus_exit_for_error (error);
}

/* What is known of a task that goes on with something without an address is there, unless
 * it has ended by now. */
static GVariant *
describe_for_follow (GDBusConnection *connection,
                     const TrcNewTask *task,
                     const char *path)
{
  GVariant *known = NULL;

  if (task->url[0] == '\0')
    known = trc_bus_get_task (connection, path, NULL);
  if (known != NULL)
    return known;

  return g_variant_ref_sink (
      g_variant_new_parsed ("{'Url': <%s>, 'Destination': <%s>, 'Kind': <%s>}",
                            task->url,
                            task->destination != NULL ? task->destination : "",
                            word_kind (task)));
}

static TrcExit
wait_for_tasks (GDBusConnection *connection,
                TrcFollow *follow,
                const char *session,
                GPtrArray *tasks,
                char **paths)
{
  for (guint i = 0; paths[i] != NULL; i++)
    {
      const TrcNewTask *task = g_ptr_array_index (tasks, i);
      g_autoptr (GVariant) known = describe_for_follow (connection, task, paths[i]);

      trc_follow_add (follow, session, paths[i], task->name, known);
    }
  return trc_follow_run (follow);
}

static TrcFollow *
begin_following (GDBusConnection *connection,
                 const char *session,
                 const TrcTaskOptions *options,
                 GError **error)
{
  g_autoptr (TrcFollow) follow = NULL;

  follow = trc_follow_new (connection,
                           options->json    ? TRC_FOLLOW_JSON
                           : options->quiet ? TRC_FOLLOW_QUIET
                                            : TRC_FOLLOW_PLAIN);
  trc_follow_ask (follow);
  if (!trc_follow_observe (follow, session, FALSE, error))
    return NULL;
  return g_steal_pointer (&follow);
}

TrcExit
trc_hand_over (const TrcTaskOptions *options, GPtrArray *tasks, GUnixFDList *fds)
{
  g_autoptr (GDBusConnection) connection = NULL;
  g_autoptr (TrcFollow) follow = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *session = NULL;
  g_auto (GStrv) paths = NULL;

  connection = trc_bus_connect (&error);
  if (connection == NULL)
    {
      trc_command_fail (error);
      return TRC_EXIT_UNREACHABLE;
    }
  session = open_session (connection, options, &error);
  if (session == NULL || !set_certificates (connection, session, options, tasks, &error))
    return trc_command_fail (error);

  if (options->wait)
    {
      follow = begin_following (connection, session, options, &error);
      if (follow == NULL)
        return trc_command_fail (error);
    }
  paths = create_tasks (connection, session, options, tasks, fds, &error);
  if (paths == NULL)
    return refuse_tasks (tasks, error);
  if (follow == NULL)
    {
      print_tasks (options, tasks, paths);
      return TRC_EXIT_DONE;
    }

  return wait_for_tasks (connection, follow, session, tasks, paths);
}
