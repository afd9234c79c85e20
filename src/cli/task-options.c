/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The command line as far as `get` and `put` have it in common, and what of it becomes
 * options of each task. */

#include "config.h"

#include "cli/task-options.h"

#include <glib/gi18n.h>
#include <stddef.h>
#include <string.h>

#include "cli/command.h"
#include "cli/print.h"
#include "cli/request.h"
#include "cli/resume-data.h"
#include "cli/terminal.h"
#include "cli/when.h"
#include "common/url.h"

#define RETRIES_MAX 1000000

void
trc_task_options_clear (TrcTaskOptions *self)
{
  g_strfreev (self->headers);
  g_free (self->header_file);
  g_free (self->resume_file);
  g_free (self->session);
  g_free (self->description);
  g_free (self->group);
  g_free (self->at);
  g_free (self->in);
  g_free (self->user);
  g_free (self->password_file);
  g_free (self->certificate_file);
  g_free (self->proxy);
  g_strfreev (self->pins);
  g_clear_pointer (&self->header_lines, trc_secret_free);
  g_clear_pointer (&self->resume_data, g_bytes_unref);
  trc_credential_clear (&self->login);
  trc_credential_clear (&self->certificate);
}

#define FIELD(name) GUINT_TO_POINTER (offsetof (TrcTaskOptions, name))

/* As GOptionEntry, with the place in TrcTaskOptions for the address. */
static const GOptionEntry templates[] = {
  { "wait",
    'w',
    0,
    G_OPTION_ARG_NONE,
    FIELD (wait),
    N_ ("Stay and show the progress until all is finished"),
    NULL },
  { "header",
    'H',
    0,
    G_OPTION_ARG_STRING_ARRAY,
    FIELD (headers),
    N_ ("A header of the request; may be given again"),
    N_ ("“NAME: VALUE”") },
  { "header-file",
    0,
    0,
    G_OPTION_ARG_FILENAME,
    FIELD (header_file),
    N_ ("Headers of the request, a line each; “-” is standard input"),
    N_ ("FILE") },
  { "resume-data",
    0,
    0,
    G_OPTION_ARG_FILENAME,
    FIELD (resume_file),
    N_ ("Go on with what “cancel --resume-data” has kept; without a URL from the same "
        "address"),
    N_ ("FILE") },
  { "retries",
    0,
    0,
    G_OPTION_ARG_INT,
    FIELD (retries),
    N_ ("How often a transfer is tried again, whatever fails"),
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
  { "group",
    0,
    0,
    G_OPTION_ARG_STRING,
    FIELD (group),
    N_ ("Name of a set that the tasks belong to"),
    N_ ("NAME") },
  { "description",
    0,
    0,
    G_OPTION_ARG_STRING,
    FIELD (description),
    N_ ("A text to know the tasks by"),
    N_ ("TEXT") },
  { "user",
    'u',
    0,
    G_OPTION_ARG_STRING,
    FIELD (user),
    N_ ("The user name for the server; the password is asked for"),
    N_ ("NAME") },
  { "password-file",
    0,
    0,
    G_OPTION_ARG_FILENAME,
    FIELD (password_file),
    N_ ("The password is the first line of FILE; “-” is standard input"),
    N_ ("FILE") },
  { "client-certificate",
    0,
    0,
    G_OPTION_ARG_FILENAME,
    FIELD (certificate_file),
    N_ ("A certificate with its key: PEM, PKCS#12 or a PKCS#11 URI"),
    N_ ("FILE") },
  { "allow-insecure-auth",
    0,
    0,
    G_OPTION_ARG_NONE,
    FIELD (allow_insecure_auth),
    N_ ("Send passwords and tokens without encryption too"),
    NULL },
  { "pin",
    0,
    0,
    G_OPTION_ARG_STRING_ARRAY,
    FIELD (pins),
    N_ ("The public key that the server must have; may be given again"),
    N_ ("sha256/BASE64") },
  { "proxy",
    0,
    0,
    G_OPTION_ARG_STRING,
    FIELD (proxy),
    N_ ("The proxy to use, or none, or system (default: system)"),
    N_ ("URL") },
  { "json", 0, 0, G_OPTION_ARG_NONE, FIELD (json), N_ ("A JSON object a line"), NULL },
  { "quiet",
    'q',
    0,
    G_OPTION_ARG_NONE,
    FIELD (quiet),
    N_ ("Print only what fails"),
    NULL },
  { NULL },
};

static const GOptionEntry refused = {
  "password",
  0,
  G_OPTION_FLAG_HIDDEN | G_OPTION_FLAG_OPTIONAL_ARG,
  G_OPTION_ARG_CALLBACK,
  (gpointer)trc_secret_refuse,
  NULL,
  NULL,
};

/* Those of @templates, with addresses in @base for the places. */
static void
append_entries (GArray *entries, const GOptionEntry *entry, gpointer base)
{
  for (; entry->long_name != NULL; entry++)
    {
      GOptionEntry bound = *entry;

      if (entry->arg != G_OPTION_ARG_CALLBACK)
        bound.arg_data = (char *)base + GPOINTER_TO_UINT (entry->arg_data);
      g_array_append_val (entries, bound);
    }
}

gboolean
trc_task_options_parse (
    TrcTaskOptions *self, const GOptionEntry *own, gpointer base, int *argc, char ***argv)
{
  g_autoptr (GArray) entries = g_array_new (TRUE, TRUE, sizeof (GOptionEntry));

  append_entries (entries, own, base);
  append_entries (entries, templates, self);
  g_array_append_val (entries, refused);
  self->priority = TRC_PRIORITY_NONE;
  self->retries = TRC_RETRIES_NONE;
  return trc_command_parse_for (
      (const GOptionEntry *)(const void *)entries->data, base, argc, argv);
}

/* Also NaN is one that was given, and wrong. */
static gboolean
has_priority (const TrcTaskOptions *self)
{
  return !(self->priority <= TRC_PRIORITY_NONE);
}

/* One that the service has with the resume data. */
static gboolean
is_known_address (const TrcTaskOptions *self, const char *url)
{
  return self->resume_file != NULL && url[0] == '\0';
}

/* An address that is none, for whoever typed it; but where a password may be in it. */
static char *
describe_argument (const char *url)
{
  return strchr (url, '@') != NULL ? trundle_url_redact (url) : trc_print_clean (url);
}

static gboolean
check_addresses (const TrcTaskOptions *self, char **urls)
{
  for (guint i = 0; urls[i] != NULL; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GUri) uri = NULL;
      g_autofree char *shown = describe_argument (urls[i]);

      if (is_known_address (self, urls[i]))
        continue;
      uri = trundle_url_parse (urls[i], &error);
      if (uri == NULL)
        trc_command_misuse ("%s: %s", shown, error->message);
      else if (self->user != NULL && g_uri_get_userinfo (uri) != NULL)
        trc_command_misuse (_ ("%s: that has a user name already"), shown);
      else
        continue;
      return FALSE;
    }
  return TRUE;
}

gboolean
trc_task_options_check (const TrcTaskOptions *self, char **urls)
{
  if (self->resume_file != NULL && g_strv_length (urls) > 1)
    trc_command_misuse (_ ("--resume-data is of one file"));
  else if (self->retries != TRC_RETRIES_NONE
           && (self->retries < 0 || self->retries >= RETRIES_MAX))
    trc_command_misuse (_ ("--retries must be from 0 to %d"), RETRIES_MAX - 1);
  else if (has_priority (self) && !(self->priority >= 0 && self->priority <= 1))
    trc_command_misuse (_ ("--priority must be from 0.0 to 1.0"));
  else if (self->password_file != NULL && self->user == NULL)
    trc_command_misuse (_ ("--password-file needs a --user"));
  else if (g_strcmp0 (self->password_file, "-") == 0
           && g_strcmp0 (self->header_file, "-") == 0)
    trc_command_misuse (_ ("Standard input is one file"));
  else
    return check_addresses (self, urls);
  return FALSE;
}

/* --at or --in → earliest_begin_us. */
static gboolean
read_date (TrcTaskOptions *self)
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

/* ---- who we are ---- */

/* A password that no file has. */
static gboolean
ask_password (TrcSecret **password, const char *prompt)
{
  g_autoptr (TrcTerminal) terminal = NULL;
  g_autoptr (GError) error = NULL;

  if (*password != NULL)
    return TRUE;
  terminal = trc_terminal_open ();
  if (terminal == NULL)
    {
      trc_command_misuse (_ ("There is no terminal to ask for a password on"));
      return FALSE;
    }
  *password = trc_terminal_ask_secret (terminal, prompt, NULL, &error);
  if (*password == NULL)
    trc_command_complain ("%s", error->message);
  return *password != NULL;
}

static gboolean
read_login (TrcTaskOptions *self)
{
  if (self->user != NULL)
    {
      g_autofree char *shown = trc_print_clean (self->user);
      g_autofree char *prompt = g_strdup_printf (_ ("Password of %s: "), shown);

      self->login.password_file = g_strdup (self->password_file);
      if (!trc_credential_read (&self->login)
          || !ask_password (&self->login.password, prompt))
        return FALSE;
    }
  if (self->certificate_file == NULL)
    return TRUE;

  self->certificate.certificate_file = g_strdup (self->certificate_file);
  if (!trc_credential_read (&self->certificate))
    return FALSE;
  if (self->certificate.pkcs11_uri != NULL)
    return ask_password (&self->certificate.password, _ ("PIN: "));
  return self->certificate.pkcs12 == NULL
         || ask_password (&self->certificate.password, _ ("Password of the file: "));
}

TrcExit
trc_task_options_read (TrcTaskOptions *self)
{
  if (self->headers != NULL || self->header_file != NULL)
    {
      self->header_lines = trc_request_read_headers (self->headers, self->header_file);
      if (self->header_lines == NULL)
        return TRC_EXIT_USAGE;
    }
  if (!read_date (self))
    return TRC_EXIT_USAGE;
  if (self->resume_file != NULL)
    {
      self->resume_data = trc_resume_data_read (self->resume_file);
      if (self->resume_data == NULL)
        return TRC_EXIT_FAILED;
    }
  return read_login (self) ? TRC_EXIT_DONE : TRC_EXIT_USAGE;
}

gboolean
trc_task_options_append_secrets (const TrcTaskOptions *self,
                                 GUnixFDList *fds,
                                 TrcTaskHandles *handles,
                                 GError **error)
{
  *handles = (TrcTaskHandles){ -1, -1 };
  if (self->header_lines != NULL
      && (handles->headers = trc_secret_append (self->header_lines, fds, error)) < 0)
    return FALSE;
  return self->user == NULL
         || (handles->password = trc_secret_append (self->login.password, fds, error))
                >= 0;
}

void
trc_task_options_describe (const TrcTaskOptions *self,
                           const TrcTaskHandles *handles,
                           GVariantDict *dict)
{
  g_variant_dict_insert (dict, "start", "b", TRUE);
  if (handles->headers >= 0)
    g_variant_dict_insert (dict, "headers-fd", "h", handles->headers);
  if (handles->password >= 0)
    {
      g_variant_dict_insert (dict, "user", "s", self->user);
      g_variant_dict_insert (dict, "password-fd", "h", handles->password);
    }
  if (self->pins != NULL)
    g_variant_dict_insert (dict, "pins", "^as", self->pins);
  if (self->allow_insecure_auth)
    g_variant_dict_insert (dict, "allow-insecure-auth", "b", TRUE);
  if (self->resume_data != NULL)
    g_variant_dict_insert_value (
        dict,
        "resume-data",
        g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, self->resume_data, TRUE));
  if (self->retries != TRC_RETRIES_NONE)
    g_variant_dict_insert_value (
        dict,
        "retry",
        g_variant_new_parsed ("{'max-attempts': <%u>, 'max-status-attempts': <@u 0>}",
                              (guint)self->retries + 1));
  if (self->description != NULL)
    g_variant_dict_insert (dict, "description", "s", self->description);
  if (self->group != NULL)
    g_variant_dict_insert (dict, "group", "s", self->group);
  if (has_priority (self))
    g_variant_dict_insert (dict, "priority", "d", self->priority);
  if (self->earliest_begin_us != 0)
    g_variant_dict_insert (dict, "earliest-begin", "x", self->earliest_begin_us);
}
