/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The conversation about a challenge, for `answer` and for `get --wait`. */

#include "config.h"

#include "cli/respond.h"

#include <glib/gi18n.h>

#include "cli/bus.h"
#include "cli/print.h"
#include "common/names.h"

void
trc_answer_clear (TrcAnswer *self)
{
  trc_credential_clear (&self->credential);
}

static gboolean
is_word (const char *text, const char *word)
{
  g_autofree char *line = g_utf8_casefold (text, -1);
  g_autofree char *folded = g_utf8_casefold (word, -1);

  g_strstrip (line);
  return line[0] != '\0' && g_str_has_prefix (folded, line);
}

static void
set_persistence (TrcAnswer *answer, const char *word)
{
  g_free (answer->credential.persistence);
  answer->credential.persistence = g_strdup (word);
}

/* The server's certificate: once, for the session, for good, or not. */
static gboolean
ask_trust (TrcTerminal *terminal,
           TrcAnswer *answer,
           GCancellable *cancellable,
           GError **error)
{
  g_autofree char *line = NULL;

  line = trc_terminal_ask (
      terminal,
      /* Translators: the letters are the first ones of the words “yes”, “session”,
       * “always” and “no” as they are translated below */
      _ ("Accept it once (y), for the session (s) or always (a), or end the transfer "
         "(n)? "
         "[y/s/a/N] "),
      cancellable,
      error);
  if (line == NULL)
    return FALSE;

  answer->disposition = TRC_USE_CREDENTIAL;
  /* Translators: an answer that is typed, or its beginning */
  if (is_word (line, _ ("always")))
    set_persistence (answer, "permanent");
  else if (is_word (line, _ ("session")))
    set_persistence (answer, "session");
  else if (!is_word (line, _ ("yes")))
    answer->disposition = TRC_DEFAULT_HANDLING;
  else if (answer->credential.persistence == NULL)
    set_persistence (answer, "none");
  return TRUE;
}

/* What goes over the wire as it is, only after a word about it. */
static gboolean
ask_insecure (TrcTerminal *terminal,
              TrcAnswer *answer,
              GCancellable *cancellable,
              GError **error)
{
  g_autofree char *line = NULL;

  if (answer->credential.allow_insecure_auth)
    return TRUE;

  line = trc_terminal_ask (
      terminal, _ ("Send it without encryption? [y/N] "), cancellable, error);
  if (line == NULL)
    return FALSE;
  answer->credential.allow_insecure_auth = is_word (line, _ ("yes"));
  if (answer->credential.allow_insecure_auth)
    return TRUE;

  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, _ ("Nothing was answered"));
  return FALSE;
}

static gboolean
ask_user (TrcTerminal *terminal,
          const TrcChallenge *challenge,
          TrcCredential *credential,
          GCancellable *cancellable,
          GError **error)
{
  g_autofree char *shown = trc_print_clean (challenge->proposed_user);
  g_autofree char *prompt = NULL;
  g_autofree char *line = NULL;

  if (credential->user != NULL)
    return TRUE;
  prompt = shown[0] != '\0' ? g_strdup_printf (_ ("User name [%s]: "), shown)
                            : g_strdup (_ ("User name: "));
  line = trc_terminal_ask (terminal, prompt, cancellable, error);
  if (line == NULL)
    return FALSE;
  credential->user = g_strdup (line[0] != '\0' ? line : challenge->proposed_user);
  if (credential->user[0] != '\0')
    return TRUE;

  g_clear_pointer (&credential->user, g_free);
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, _ ("Nothing was answered"));
  return FALSE;
}

static gboolean
ask_secret (TrcTerminal *terminal,
            const char *prompt,
            TrcSecret **secret,
            GCancellable *cancellable,
            GError **error)
{
  if (*secret == NULL)
    *secret = trc_terminal_ask_secret (terminal, prompt, cancellable, error);
  return *secret != NULL;
}

/* Only its name is typed: a key has no place on a terminal. */
static gboolean
ask_certificate (TrcTerminal *terminal,
                 TrcCredential *credential,
                 GCancellable *cancellable,
                 GError **error)
{
  if (credential->certificate == NULL && credential->pkcs12 == NULL
      && credential->pkcs11_uri == NULL)
    {
      g_autofree char *line = trc_terminal_ask (
          terminal,
          _ ("File with a certificate and its key, or PKCS#11 URI: "),
          cancellable,
          error);

      if (line == NULL)
        return FALSE;
      credential->certificate_file = g_strdup (g_strstrip (line));
      if (!trc_credential_read_certificate (credential, error))
        return FALSE;
    }
  if (credential->pkcs11_uri != NULL)
    return ask_secret (terminal, _ ("PIN: "), &credential->password, cancellable, error);
  if (credential->pkcs12 != NULL)
    return ask_secret (terminal,
                       _ ("Password of the file: "),
                       &credential->password,
                       cancellable,
                       error);
  return TRUE;
}

static gboolean
ask_credential (TrcTerminal *terminal,
                const TrcChallenge *challenge,
                TrcAnswer *answer,
                GCancellable *cancellable,
                GError **error)
{
  TrcCredential *credential = &answer->credential;

  if (challenge->asks == TRC_ASKS_CERTIFICATE)
    return ask_certificate (terminal, credential, cancellable, error);
  if (!challenge->is_secure && !ask_insecure (terminal, answer, cancellable, error))
    return FALSE;
  if (challenge->asks == TRC_ASKS_TOKEN)
    return ask_secret (terminal, _ ("Token: "), &credential->token, cancellable, error);
  return ask_user (terminal, challenge, credential, cancellable, error)
         && ask_secret (
             terminal, _ ("Password: "), &credential->password, cancellable, error);
}

gboolean
trc_respond_ask (TrcTerminal *terminal,
                 const TrcChallenge *challenge,
                 TrcAnswer *answer,
                 GCancellable *cancellable,
                 GError **error)
{
  g_autofree char *text = trc_challenge_describe (challenge);

  trc_terminal_say (terminal, text);
  if (challenge->asks == TRC_ASKS_TRUST)
    return ask_trust (terminal, answer, cancellable, error);

  answer->disposition = TRC_USE_CREDENTIAL;
  return ask_credential (terminal, challenge, answer, cancellable, error);
}

gboolean
trc_respond_send (GDBusConnection *connection,
                  const char *task_path,
                  const TrcChallenge *challenge,
                  const TrcAnswer *answer,
                  GError **error)
{
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  g_autoptr (GVariant) reply = NULL;
  GVariant *credential;

  if (g_str_equal (answer->disposition, TRC_USE_CREDENTIAL))
    credential = trc_credential_describe (&answer->credential, fds, error);
  else
    credential = g_variant_new_parsed ("@a{sv} {}");
  if (credential == NULL)
    return FALSE;

  reply = trc_bus_call_with_fds (
      connection,
      -1,
      task_path,
      TRUNDLE_INTERFACE_TASK,
      "RespondToChallenge",
      g_variant_new ("(ss@a{sv})", challenge->id, answer->disposition, credential),
      fds,
      "()",
      error);
  return reply != NULL;
}
