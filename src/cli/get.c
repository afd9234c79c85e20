/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* trundle get: hands downloads to the service, all in one call, and may wait for them. */

#include "config.h"

#include <glib/gi18n.h>
#include <stddef.h>
#include <string.h>

#include "cli/bus.h"
#include "cli/follow.h"
#include "cli/print.h"
#include "cli/request.h"
#include "cli/resume-data.h"
#include "cli/when.h"
#include "common/enums.h"
#include "common/names.h"
#include "common/url.h"

#define SESSION "trundle"
#define RETRIES_MAX 1000000

/* What nobody gives on a command line, not even by mistake. */
#define RETRIES_NONE G_MININT
#define PRIORITY_NONE (-G_MAXDOUBLE)

/* The command line; strings are owned. */
typedef struct
{
  char **urls;
  char *output;
  char *directory;
  char *if_exists;
  char **headers;
  char **mirrors;
  char **digests;
  char *resume_file;
  char *range;
  int retries; /* RETRIES_NONE: as the service does by itself */
  char *session;
  char *description;
  char *max_size;
  double priority; /* PRIORITY_NONE: as the service does by itself */
  char *at;
  char *in;
  gboolean decode;
  gboolean wait;
  gboolean json;
  gboolean quiet;

  gint64 earliest_begin_us; /* 0: at once */
  char **destinations;      /* one a URL */
  GVariant *header_list;
  GVariant *digest_list;
  GBytes *resume_data;
  guint64 max_bytes;
  GVariant *wanted_range;
} Options;

static void
options_clear (Options *self)
{
  g_strfreev (self->urls);
  g_free (self->output);
  g_free (self->directory);
  g_free (self->if_exists);
  g_strfreev (self->headers);
  g_strfreev (self->mirrors);
  g_strfreev (self->digests);
  g_free (self->resume_file);
  g_free (self->range);
  g_free (self->session);
  g_free (self->description);
  g_free (self->at);
  g_free (self->in);
  g_free (self->max_size);
  g_strfreev (self->destinations);
  g_clear_pointer (&self->header_list, g_variant_unref);
  g_clear_pointer (&self->digest_list, g_variant_unref);
  g_clear_pointer (&self->resume_data, g_bytes_unref);
  g_clear_pointer (&self->wanted_range, g_variant_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

#define FIELD(name) GUINT_TO_POINTER (offsetof (Options, name))

/* As GOptionEntry, with the place in Options for the address. */
static const GOptionEntry templates[] = {
  { "output",
    'o',
    0,
    G_OPTION_ARG_FILENAME,
    FIELD (output),
    N_ ("Where to save the one file"),
    N_ ("FILE") },
  { "directory",
    'd',
    0,
    G_OPTION_ARG_FILENAME,
    FIELD (directory),
    N_ ("Where to save files under the names of their addresses"),
    N_ ("DIR") },
  { "wait",
    'w',
    0,
    G_OPTION_ARG_NONE,
    FIELD (wait),
    N_ ("Stay and show the progress until all is finished"),
    NULL },
  { "if-exists",
    0,
    0,
    G_OPTION_ARG_STRING,
    FIELD (if_exists),
    N_ ("When the file exists: fail, replace or rename (default: fail)"),
    N_ ("WHAT") },
  { "header",
    'H',
    0,
    G_OPTION_ARG_STRING_ARRAY,
    FIELD (headers),
    N_ ("A header of the request; may be given again"),
    N_ ("“NAME: VALUE”") },
  { "mirror",
    0,
    0,
    G_OPTION_ARG_STRING_ARRAY,
    FIELD (mirrors),
    N_ ("Another address of the one file, asked when one fails; needs --digest; may be "
        "given again"),
    N_ ("URL") },
  { "digest",
    0,
    0,
    G_OPTION_ARG_STRING_ARRAY,
    FIELD (digests),
    N_ ("What the one file must be, as sha256:0123…; may be given again"),
    N_ ("ALGORITHM:HEX") },
  { "resume-data",
    0,
    0,
    G_OPTION_ARG_FILENAME,
    FIELD (resume_file),
    N_ ("Go on with what “cancel --resume-data” has kept; without a URL from the same "
        "address"),
    N_ ("FILE") },
  { "range",
    0,
    0,
    G_OPTION_ARG_STRING,
    FIELD (range),
    N_ ("Only the bytes from FIRST, counted from 0, to LAST"),
    N_ ("FIRST-LAST") },
  { "retries",
    0,
    0,
    G_OPTION_ARG_INT,
    FIELD (retries),
    N_ ("How often a download is tried again, whatever fails"),
    N_ ("NUMBER") },
  { "priority",
    0,
    0,
    G_OPTION_ARG_DOUBLE,
    FIELD (priority),
    N_ ("From 0.0 to 1.0; the highest goes first (default: 0.5)"),
    N_ ("NUMBER") },
  { "at",
    0,
    0,
    G_OPTION_ARG_STRING,
    FIELD (at),
    N_ ("Begin at this date, as “22:00” or “2026-12-31 22:00”"),
    N_ ("DATE") },
  { "in",
    0,
    0,
    G_OPTION_ARG_STRING,
    FIELD (in),
    N_ ("Begin after this time, as “45s”, “30m”, “1h30m” or “2d”"),
    N_ ("DURATION") },
  { "session",
    0,
    0,
    G_OPTION_ARG_STRING,
    FIELD (session),
    N_ ("Session that the tasks belong to (default: trundle)"),
    N_ ("IDENTIFIER") },
  { "description",
    0,
    0,
    G_OPTION_ARG_STRING,
    FIELD (description),
    N_ ("A text to know the tasks by"),
    N_ ("TEXT") },
  { "max-size",
    0,
    0,
    G_OPTION_ARG_STRING,
    FIELD (max_size),
    N_ ("Bytes a file may have, decoded too; K, M, G and T stand for powers of 1024"),
    N_ ("SIZE") },
  { "decode",
    0,
    0,
    G_OPTION_ARG_NONE,
    FIELD (decode),
    N_ ("Decode a file that comes with a Content-Encoding"),
    NULL },
  { "json", 0, 0, G_OPTION_ARG_NONE, FIELD (json), N_ ("A JSON object a line"), NULL },
  { "quiet",
    'q',
    0,
    G_OPTION_ARG_NONE,
    FIELD (quiet),
    N_ ("Print only what fails"),
    NULL },
  { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, FIELD (urls), NULL, NULL },
};

static const char *const known_address[] = { "", NULL };

static gboolean
parse_options (Options *self, int *argc, char ***argv)
{
  GOptionEntry entries[G_N_ELEMENTS (templates) + 1] = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (templates); i++)
    {
      entries[i] = templates[i];
      entries[i].arg_data = (char *)self + GPOINTER_TO_UINT (templates[i].arg_data);
    }
  self->priority = PRIORITY_NONE;
  self->retries = RETRIES_NONE;
  if (!trc_command_parse (entries, argc, argv))
    return FALSE;

  if (self->urls == NULL && self->resume_file != NULL)
    self->urls = g_strdupv ((char **)known_address);
  return TRUE;
}

/* Also NaN is one that was given, and wrong. */
static gboolean
has_priority (const Options *self)
{
  return !(self->priority <= PRIORITY_NONE);
}

/* One that the service has with the resume data. */
static gboolean
is_known_address (const Options *self, guint i)
{
  return self->resume_file != NULL && self->urls[i][0] == '\0';
}

/* An address that is none, for whoever typed it; but where a password may be in it. */
static char *
describe_argument (const char *url)
{
  return strchr (url, '@') != NULL ? trundle_url_redact (url) : trc_print_clean (url);
}

static gboolean
check_options (Options *self)
{
  TrundleIfExists if_exists;
  g_autoptr (GError) error = NULL;

  if (self->urls == NULL)
    trc_command_misuse (_ ("Which URL?"));
  else if (self->output != NULL && self->directory != NULL)
    trc_command_misuse (_ ("--output and --directory exclude each other"));
  else if (self->output != NULL && g_strv_length (self->urls) > 1)
    trc_command_misuse (_ ("--output names one file; use --directory for several"));
  else if (self->resume_file != NULL && g_strv_length (self->urls) > 1)
    trc_command_misuse (_ ("--resume-data is of one file"));
  else if (is_known_address (self, 0) && self->output == NULL)
    trc_command_misuse (_ ("Without a URL --output must name the file"));
  else if ((self->mirrors != NULL || self->digests != NULL)
           && g_strv_length (self->urls) > 1)
    trc_command_misuse (_ ("--mirror and --digest are of one file"));
  else if (self->mirrors != NULL && self->digests == NULL)
    trc_command_misuse (_ ("--mirror needs --digest, to know the file by"));
  else if (self->retries != RETRIES_NONE
           && (self->retries < 0 || self->retries >= RETRIES_MAX))
    trc_command_misuse (_ ("--retries must be from 0 to %d"), RETRIES_MAX - 1);
  else if (self->if_exists != NULL
           && !trundle_if_exists_from_word (self->if_exists, &if_exists))
    trc_command_misuse (_ ("--if-exists must be fail, replace or rename"));
  else if (has_priority (self) && !(self->priority >= 0 && self->priority <= 1))
    trc_command_misuse (_ ("--priority must be from 0.0 to 1.0"));
  else
    {
      for (guint i = 0; self->urls[i] != NULL; i++)
        {
          g_autoptr (GUri) uri = NULL;
          g_autofree char *shown = describe_argument (self->urls[i]);

          if (is_known_address (self, i))
            continue;
          uri = trundle_url_parse (self->urls[i], &error);
          if (uri == NULL)
            {
              trc_command_misuse ("%s: %s", shown, error->message);
              return FALSE;
            }
        }
      return TRUE;
    }
  return FALSE;
}

/* --at or --in → earliest_begin_us. */
static gboolean
read_date (Options *self)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autoptr (GTimeZone) zone = g_time_zone_new_local ();
  gint64 now_us = g_get_real_time ();
  gint64 delay_us;

  if (self->at != NULL && self->in != NULL)
    trc_command_misuse (_ ("--at and --in exclude each other"));
  else if (self->at != NULL
           && !trc_parse_date (self->at, now, zone, &self->earliest_begin_us))
    trc_command_misuse (_ ("--at must be a date as “22:00” or “2026-12-31 22:00”"));
  else if (self->at != NULL && self->earliest_begin_us < now_us)
    trc_command_misuse (_ ("--at: that date has passed"));
  else if (self->in != NULL && !trc_parse_duration (self->in, &delay_us))
    trc_command_misuse (_ ("--in must be a time as “45s”, “30m”, “1h30m” or “2d”"));
  else
    {
      if (self->in != NULL)
        self->earliest_begin_us = now_us + delay_us;
      return TRUE;
    }

  return FALSE;
}

static gboolean
read_request (Options *self)
{
  if (self->headers != NULL)
    {
      self->header_list = trc_request_read_headers (self->headers);
      if (self->header_list == NULL)
        return FALSE;
    }
  if (self->digests != NULL)
    {
      self->digest_list = trc_request_read_digests (self->digests);
      if (self->digest_list == NULL)
        return FALSE;
    }
  if (self->mirrors != NULL && !trc_request_check_mirrors (self->mirrors))
    return FALSE;
  if (self->range != NULL)
    {
      self->wanted_range = trc_request_read_range (self->range);
      if (self->wanted_range == NULL)
        return FALSE;
    }
  return TRUE;
}

/* "10M" → max_bytes. */
static gboolean
read_max_size (Options *self)
{
  static const char units[] = "KMGT";
  gsize length = self->max_size != NULL ? strlen (self->max_size) : 0;
  g_autofree char *number = g_strdup (self->max_size);
  const char *unit = NULL;
  guint shift = 0;

  if (self->max_size == NULL)
    return TRUE;
  if (length > 1)
    unit = strchr (units, g_ascii_toupper (number[length - 1]));
  if (unit != NULL)
    {
      shift = 10 * (guint)(unit - units + 1);
      number[length - 1] = '\0';
    }
  if (g_ascii_string_to_unsigned (
          number, 10, 0, G_MAXINT64 >> shift, &self->max_bytes, NULL))
    {
      self->max_bytes <<= shift;
      return TRUE;
    }
  trc_command_misuse (_ ("--max-size must be a number of bytes, such as 500 or 10M"));
  return FALSE;
}

static char *
choose_destination (const Options *self, const char *url)
{
  g_autofree char *name = NULL;

  if (self->output != NULL)
    return g_canonicalize_filename (self->output, NULL);
  name = trundle_url_file_name (url);
  return g_canonicalize_filename (name, self->directory != NULL ? self->directory : NULL);
}

/* What the service would refuse only after the download, is refused before. */
static TrcExit
check_destination (const Options *self, const char *path)
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
choose_destinations (Options *self)
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

static char *
open_session (GDBusConnection *connection, const Options *self, GError **error)
{
  g_autoptr (GVariant) reply = NULL;
  char *path;

  reply = trc_bus_call (
      connection,
      TRUNDLE_OBJECT_PATH,
      TRUNDLE_INTERFACE_MANAGER,
      "OpenSession",
      g_variant_new ("(s@a{sv})",
                     self->session != NULL ? self->session : SESSION,
                     g_variant_new_parsed (
                         "{'auto-complete': <true>, 'sends-launch-events': <false>}")),
      "(oa{sv})",
      error);
  if (reply == NULL)
    return NULL;
  g_variant_get (reply, "(o@a{sv})", &path, NULL);
  return path;
}

static GVariant *
describe_task (const Options *self, guint i)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&dict, "url", "s", self->urls[i]);
  g_variant_dict_insert (&dict, "destination-path", "s", self->destinations[i]);
  g_variant_dict_insert (&dict, "start", "b", TRUE);
  if (self->if_exists != NULL)
    g_variant_dict_insert (&dict, "if-exists", "s", self->if_exists);
  if (self->header_list != NULL)
    g_variant_dict_insert_value (&dict, "headers", self->header_list);
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
  if (self->retries != RETRIES_NONE)
    g_variant_dict_insert_value (
        &dict,
        "retry",
        g_variant_new_parsed ("{'max-attempts': <%u>, 'max-status-attempts': <@u 0>}",
                              (guint)self->retries + 1));
  if (self->description != NULL)
    g_variant_dict_insert (&dict, "description", "s", self->description);
  if (has_priority (self))
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
              const Options *self,
              GError **error)
{
  g_autoptr (GVariant) reply = NULL;
  GVariantBuilder builder;
  char **paths;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; self->urls[i] != NULL; i++)
    g_variant_builder_add_value (&builder, describe_task (self, i));
  reply = trc_bus_call (connection,
                        session,
                        TRUNDLE_INTERFACE_SESSION,
                        "CreateTasks",
                        g_variant_new ("(aa{sv})", &builder),
                        "(ao)",
                        error);
  if (reply == NULL)
    return NULL;
  g_variant_get (reply, "(^ao)", &paths);
  return paths;
}

static void
print_tasks (const Options *self, char **paths)
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
wait_for_tasks (TrcFollow *follow, const char *session, const Options *self, char **paths)
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
  g_auto (Options) options = { 0 };
  g_autoptr (GDBusConnection) connection = NULL;
  g_autoptr (TrcFollow) follow = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *session = NULL;
  g_auto (GStrv) paths = NULL;
  TrcExit problem;

  if (!parse_options (&options, &argc, &argv) || !check_options (&options)
      || !read_request (&options) || !read_date (&options) || !read_max_size (&options))
    return TRC_EXIT_USAGE;
  if (options.resume_file != NULL)
    {
      options.resume_data = trc_resume_data_read (options.resume_file);
      if (options.resume_data == NULL)
        return TRC_EXIT_FAILED;
    }
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
  if (session == NULL)
    return trc_command_fail (error);

  if (options.wait)
    {
      follow = trc_follow_new (connection,
                               options.json    ? TRC_FOLLOW_JSON
                               : options.quiet ? TRC_FOLLOW_QUIET
                                               : TRC_FOLLOW_PLAIN);
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
