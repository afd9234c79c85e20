/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* trundle answer: what a server wants to know before it gives a file, shown, asked of the
 * user and told. */

#include "config.h"

#include <glib/gi18n.h>
#include <string.h>

#include "cli/bus.h"
#include "cli/print.h"
#include "cli/respond.h"
#include "common/url.h"

typedef struct
{
  char **tasks; /* (owned) (nullable) */
  TrcAnswer answer;
  gboolean accept;
  gboolean cancel;
  gboolean handle_default;
  gboolean reject;
  gboolean json;
} Options;

static void
options_clear (Options *self)
{
  g_strfreev (self->tasks);
  trc_answer_clear (&self->answer);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

static gboolean
parse_options (Options *self, int *argc, char ***argv)
{
  const GOptionEntry mine[] = {
    { "accept-certificate",
      0,
      0,
      G_OPTION_ARG_NONE,
      &self->accept,
      N_ ("Trust the certificate of the server"),
      NULL },
    { "cancel",
      0,
      0,
      G_OPTION_ARG_NONE,
      &self->cancel,
      N_ ("Give the transfers up that wait for the answer"),
      NULL },
    { "default",
      0,
      0,
      G_OPTION_ARG_NONE,
      &self->handle_default,
      N_ ("Give no answer: the refusal of the server is the result"),
      NULL },
    { "reject",
      0,
      0,
      G_OPTION_ARG_NONE,
      &self->reject,
      N_ ("Not this method: try the next one that the server offers"),
      NULL },
    { "json",
      0,
      0,
      G_OPTION_ARG_NONE,
      &self->json,
      N_ ("Only show what is asked, as a JSON object"),
      NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &self->tasks, NULL, NULL },
    { NULL },
  };
  GOptionEntry entries[TRC_CREDENTIAL_N_ENTRIES + G_N_ELEMENTS (mine)];

  trc_credential_add_entries (&self->answer.credential, entries);
  memcpy (entries + TRC_CREDENTIAL_N_ENTRIES, mine, sizeof mine);
  return trc_command_parse (entries, argc, argv);
}

static gboolean
check_options (Options *self)
{
  gboolean has_credential = trc_credential_is_given (&self->answer.credential);
  int n_answers = has_credential + self->accept + self->cancel + self->handle_default
                  + self->reject + self->json;

  if (self->tasks == NULL || g_strv_length (self->tasks) != 1)
    trc_command_misuse (_ ("Give the number of one task"));
  else if (n_answers > 1)
    trc_command_misuse (_ ("Give one answer"));
  else
    {
      if (has_credential || self->accept)
        self->answer.disposition = TRC_USE_CREDENTIAL;
      else if (self->cancel)
        self->answer.disposition = TRC_CANCEL;
      else if (self->handle_default)
        self->answer.disposition = TRC_DEFAULT_HANDLING;
      else if (self->reject)
        self->answer.disposition = TRC_REJECT;
      return TRUE;
    }
  return FALSE;
}

static void
print_json (const char *path, GVariant *dict)
{
  g_auto (GVariantDict) shown = G_VARIANT_DICT_INIT (dict);

  g_variant_dict_insert (
      &shown, "task", "t", g_ascii_strtoull (trc_bus_task_number (path), NULL, 10));
  g_variant_dict_insert (&shown, "path", "o", path);
  trc_print_json_line (g_variant_dict_end (&shown));
}

/* Whether the options answer what is asked. */
static gboolean
fits (const Options *self, const TrcChallenge *challenge)
{
  const TrcCredential *credential = &self->answer.credential;
  gboolean has_certificate = credential->certificate_file != NULL;

  if (g_strcmp0 (self->answer.disposition, TRC_USE_CREDENTIAL) != 0)
    return TRUE;
  switch (challenge->asks)
    {
    case TRC_ASKS_TRUST:
      return self->accept;
    case TRC_ASKS_CERTIFICATE:
      return has_certificate;
    case TRC_ASKS_TOKEN:
      return credential->token != NULL;
    case TRC_ASKS_PASSWORD:
      break;
    }
  return !self->accept && !has_certificate && credential->token == NULL;
}

/* Whether something must still be asked.  A certificate is asked for its password only
 * where there is somebody to ask: most have none. */
static gboolean
is_complete (Options *self, const TrcChallenge *challenge)
{
  TrcCredential *credential = &self->answer.credential;

  if (self->answer.disposition == NULL)
    return FALSE;
  if (!g_str_equal (self->answer.disposition, TRC_USE_CREDENTIAL)
      || challenge->asks != TRC_ASKS_PASSWORD)
    return TRUE;
  if (credential->user == NULL && challenge->proposed_user[0] != '\0')
    credential->user = g_strdup (challenge->proposed_user);
  return credential->user != NULL && credential->password != NULL;
}

/* What it is about. */
static void
tell_of_task (TrcTerminal *terminal, const char *path, GVariant *task)
{
  g_autofree char *url = trundle_url_redact (trc_bus_lookup_string (task, "Url"));
  g_autofree char *clean = trc_print_clean (url);
  g_autofree char *line = g_strdup_printf (
      _ ("Task %s: %s\n"), trc_bus_task_number (path), clean);

  trc_terminal_say (terminal, line);
}

/* TRC_EXIT_DONE when there is an answer to send. */
static TrcExit
complete (Options *self, const char *path, const TrcChallenge *challenge, GVariant *task)
{
  g_autoptr (TrcTerminal) terminal = NULL;
  g_autoptr (GError) error = NULL;

  if (is_complete (self, challenge))
    return TRC_EXIT_DONE;
  terminal = trc_terminal_open ();
  if (terminal == NULL)
    {
      g_autofree char *summary = trc_challenge_summarize (challenge);

      return trc_command_misuse (
          _ ("Asked for %s; there is no terminal to ask you on: answer by options"),
          summary);
    }
  tell_of_task (terminal, path, task);
  if (trc_respond_ask (terminal, challenge, &self->answer, NULL, &error))
    return TRC_EXIT_DONE;

  trc_command_complain ("%s", error->message);
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) ? TRC_EXIT_INTERRUPTED
                                                                   : TRC_EXIT_FAILED;
}

static TrcExit
answer_task (GDBusConnection *connection, const char *path, Options *options)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) task = trc_bus_get_task (connection, path, &error);
  g_autoptr (GVariant) dict = NULL;
  g_autoptr (GVariant) reasons = NULL;
  g_autoptr (TrcChallenge) challenge = NULL;
  TrcExit problem;

  if (task == NULL)
    return trc_command_fail (error);
  dict = g_variant_lookup_value (task, "Challenge", G_VARIANT_TYPE_VARDICT);
  challenge = trc_challenge_new (dict);
  if (challenge == NULL)
    {
      trc_command_complain (_ ("%s: nothing is asked"), trc_bus_task_number (path));
      return TRC_EXIT_FAILED;
    }
  reasons = g_variant_lookup_value (task, "WaitReasons", G_VARIANT_TYPE_STRING_ARRAY);
  challenge->is_in_keyring = trc_challenge_waits_for_keyring (reasons);
  if (options->json)
    {
      print_json (path, dict);
      return TRC_EXIT_DONE;
    }
  if (!fits (options, challenge))
    {
      g_autofree char *summary = trc_challenge_summarize (challenge);

      return trc_command_misuse (_ ("Another answer is wanted: %s"), summary);
    }

  problem = complete (options, path, challenge, task);
  if (problem != TRC_EXIT_DONE)
    return problem;
  if (!trc_respond_send (connection, path, challenge, &options->answer, &error))
    return trc_command_fail (error);
  return TRC_EXIT_DONE;
}

TrcExit
trc_answer (int argc, char **argv)
{
  g_auto (Options) options = { 0 };
  g_autoptr (GDBusConnection) connection = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;

  if (!parse_options (&options, &argc, &argv) || !check_options (&options))
    return TRC_EXIT_USAGE;
  path = trc_bus_task_path (options.tasks[0]);
  if (path == NULL)
    return trc_command_misuse (_ ("“%s” is not the number of a task"), options.tasks[0]);
  if (!trc_credential_read (&options.answer.credential))
    return TRC_EXIT_USAGE;

  connection = trc_bus_connect (&error);
  if (connection == NULL)
    {
      trc_command_fail (error);
      return TRC_EXIT_UNREACHABLE;
    }
  return answer_task (connection, path, &options);
}
