/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The command line of `trundle get`. */

#include "config.h"

#include "cli/get-options.h"

#include <glib/gi18n.h>
#include <stddef.h>
#include <string.h>

#include "cli/print.h"
#include "cli/request.h"
#include "cli/resume-data.h"
#include "cli/terminal.h"
#include "cli/when.h"
#include "common/enums.h"
#include "common/url.h"

#define RETRIES_MAX 1000000

void
trc_get_options_clear (TrcGetOptions *self)
{
  g_strfreev (self->urls);
  g_free (self->output);
  g_free (self->directory);
  g_free (self->if_exists);
  g_strfreev (self->headers);
  g_free (self->header_file);
  g_strfreev (self->mirrors);
  g_strfreev (self->digests);
  g_free (self->resume_file);
  g_free (self->range);
  g_free (self->session);
  g_free (self->description);
  g_free (self->at);
  g_free (self->in);
  g_free (self->max_size);
  g_free (self->user);
  g_free (self->password_file);
  g_free (self->certificate_file);
  g_free (self->proxy);
  g_strfreev (self->pins);
  trc_credential_clear (&self->login);
  trc_credential_clear (&self->certificate);
  g_strfreev (self->destinations);
  g_clear_pointer (&self->header_lines, trc_secret_free);
  g_clear_pointer (&self->digest_list, g_variant_unref);
  g_clear_pointer (&self->resume_data, g_bytes_unref);
  g_clear_pointer (&self->wanted_range, g_variant_unref);
}

#define FIELD(name) GUINT_TO_POINTER (offsetof (TrcGetOptions, name))

/* As GOptionEntry, with the place in TrcGetOptions for the address. */
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
  { "header-file",
    0,
    0,
    G_OPTION_ARG_FILENAME,
    FIELD (header_file),
    N_ ("Headers of the request, a line each; “-” is standard input"),
    N_ ("FILE") },
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
  { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, FIELD (urls), NULL, NULL },
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

static const char *const known_address[] = { "", NULL };

static gboolean
parse_options (TrcGetOptions *self, int *argc, char ***argv)
{
  GOptionEntry entries[G_N_ELEMENTS (templates) + 2] = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (templates); i++)
    {
      entries[i] = templates[i];
      entries[i].arg_data = (char *)self + GPOINTER_TO_UINT (templates[i].arg_data);
    }
  entries[G_N_ELEMENTS (templates)] = refused;
  self->priority = TRC_PRIORITY_NONE;
  self->retries = TRC_RETRIES_NONE;
  if (!trc_command_parse (entries, argc, argv))
    return FALSE;

  if (self->urls == NULL && self->resume_file != NULL)
    self->urls = g_strdupv ((char **)known_address);
  return TRUE;
}

/* Also NaN is one that was given, and wrong. */
gboolean
trc_get_options_has_priority (const TrcGetOptions *self)
{
  return !(self->priority <= TRC_PRIORITY_NONE);
}

/* One that the service has with the resume data. */
static gboolean
is_known_address (const TrcGetOptions *self, guint i)
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
check_addresses (const TrcGetOptions *self)
{
  for (guint i = 0; self->urls[i] != NULL; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GUri) uri = NULL;
      g_autofree char *shown = describe_argument (self->urls[i]);

      if (is_known_address (self, i))
        continue;
      uri = trundle_url_parse (self->urls[i], &error);
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

static gboolean
check_options (TrcGetOptions *self)
{
  TrundleIfExists if_exists;

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
  else if (self->retries != TRC_RETRIES_NONE
           && (self->retries < 0 || self->retries >= RETRIES_MAX))
    trc_command_misuse (_ ("--retries must be from 0 to %d"), RETRIES_MAX - 1);
  else if (self->if_exists != NULL
           && !trundle_if_exists_from_word (self->if_exists, &if_exists))
    trc_command_misuse (_ ("--if-exists must be fail, replace or rename"));
  else if (trc_get_options_has_priority (self)
           && !(self->priority >= 0 && self->priority <= 1))
    trc_command_misuse (_ ("--priority must be from 0.0 to 1.0"));
  else if (self->password_file != NULL && self->user == NULL)
    trc_command_misuse (_ ("--password-file needs a --user"));
  else if (g_strcmp0 (self->password_file, "-") == 0
           && g_strcmp0 (self->header_file, "-") == 0)
    trc_command_misuse (_ ("Standard input is one file"));
  else
    return check_addresses (self);
  return FALSE;
}

/* --at or --in → earliest_begin_us. */
static gboolean
read_date (TrcGetOptions *self)
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
read_request (TrcGetOptions *self)
{
  if (self->headers != NULL || self->header_file != NULL)
    {
      self->header_lines = trc_request_read_headers (self->headers, self->header_file);
      if (self->header_lines == NULL)
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
read_max_size (TrcGetOptions *self)
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
read_login (TrcGetOptions *self)
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
trc_get_options_read (TrcGetOptions *self, int *argc, char ***argv)
{
  if (!parse_options (self, argc, argv) || !check_options (self) || !read_request (self)
      || !read_date (self) || !read_max_size (self))
    return TRC_EXIT_USAGE;
  if (self->resume_file != NULL)
    {
      self->resume_data = trc_resume_data_read (self->resume_file);
      if (self->resume_data == NULL)
        return TRC_EXIT_FAILED;
    }
  return read_login (self) ? TRC_EXIT_DONE : TRC_EXIT_USAGE;
}
