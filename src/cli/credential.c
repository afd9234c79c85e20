/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Credentials on the command line: names there, secrets in files. */

#include "config.h"

#include "cli/credential.h"

#include <glib/gi18n.h>
#include <string.h>

#include "cli/command.h"

void
trc_credential_clear (TrcCredential *self)
{
  g_clear_pointer (&self->user, g_free);
  g_clear_pointer (&self->password, trc_secret_free);
  g_clear_pointer (&self->token, trc_secret_free);
  g_clear_pointer (&self->certificate, trc_secret_free);
  g_clear_pointer (&self->pkcs12, trc_secret_free);
  g_clear_pointer (&self->pkcs11_uri, g_free);
  g_clear_pointer (&self->persistence, g_free);
  g_clear_pointer (&self->password_file, g_free);
  g_clear_pointer (&self->token_file, g_free);
  g_clear_pointer (&self->certificate_file, g_free);
}

void
trc_credential_add_entries (TrcCredential *self, GOptionEntry *entries)
{
  const GOptionEntry mine[TRC_CREDENTIAL_N_ENTRIES] = {
    { "user",
      'u',
      0,
      G_OPTION_ARG_STRING,
      &self->user,
      N_ ("The user name"),
      N_ ("NAME") },
    { "password-file",
      0,
      0,
      G_OPTION_ARG_FILENAME,
      &self->password_file,
      N_ ("The password is the first line of FILE; “-” is standard input"),
      N_ ("FILE") },
    { "token-file",
      0,
      0,
      G_OPTION_ARG_FILENAME,
      &self->token_file,
      N_ ("The token is the first line of FILE"),
      N_ ("FILE") },
    { "certificate",
      0,
      0,
      G_OPTION_ARG_FILENAME,
      &self->certificate_file,
      N_ ("A certificate with its key: PEM, PKCS#12 or a PKCS#11 URI"),
      N_ ("FILE") },
    { "remember",
      0,
      0,
      G_OPTION_ARG_STRING,
      &self->persistence,
      N_ ("How long: none, session or permanent"),
      N_ ("HOW-LONG") },
    { "allow-insecure-auth",
      0,
      0,
      G_OPTION_ARG_NONE,
      &self->allow_insecure_auth,
      N_ ("Send passwords and tokens without encryption too"),
      NULL },
    { "password",
      0,
      G_OPTION_FLAG_HIDDEN | G_OPTION_FLAG_OPTIONAL_ARG,
      G_OPTION_ARG_CALLBACK,
      (gpointer)trc_secret_refuse,
      NULL,
      NULL },
    { "token",
      0,
      G_OPTION_FLAG_HIDDEN | G_OPTION_FLAG_OPTIONAL_ARG,
      G_OPTION_ARG_CALLBACK,
      (gpointer)trc_secret_refuse,
      NULL,
      NULL },
  };

  memcpy (entries, mine, sizeof mine);
}

gboolean
trc_credential_is_given (const TrcCredential *self)
{
  return self->user != NULL || self->password_file != NULL || self->token_file != NULL
         || self->certificate_file != NULL;
}

static gboolean
check (const TrcCredential *self)
{
  static const char *const words[] = { "none", "session", "permanent", NULL };

  if (self->persistence != NULL && !g_strv_contains (words, self->persistence))
    trc_command_misuse (_ ("--remember must be none, session or permanent"));
  else if (self->token_file != NULL
           && (self->user != NULL || self->password_file != NULL
               || self->certificate_file != NULL))
    trc_command_misuse (_ ("--token-file says it all alone"));
  else if (self->certificate_file != NULL && self->user != NULL)
    trc_command_misuse (_ ("--certificate and --user exclude each other"));
  else if (g_strcmp0 (self->password_file, "-") == 0
           && g_strcmp0 (self->certificate_file, "-") == 0)
    trc_command_misuse (_ ("Standard input is one file"));
  else
    return TRUE;
  return FALSE;
}

/* By what is in it: PEM is text with a certificate, anything else PKCS#12. */
gboolean
trc_credential_read_certificate (TrcCredential *self, GError **error)
{
  static const char mark[] = "-----BEGIN ";
  g_autoptr (TrcSecret) file = NULL;

  if (g_str_has_prefix (self->certificate_file, "pkcs11:"))
    {
      self->pkcs11_uri = g_strdup (self->certificate_file);
      return TRUE;
    }

  file = trc_secret_read (self->certificate_file, error);
  if (file == NULL)
    return FALSE;
  if (memmem (file->bytes, file->length, mark, strlen (mark)) != NULL)
    self->certificate = g_steal_pointer (&file);
  else
    self->pkcs12 = g_steal_pointer (&file);
  return TRUE;
}

gboolean
trc_credential_read (TrcCredential *self)
{
  g_autoptr (GError) error = NULL;

  if (!check (self))
    return FALSE;
  if (self->password_file != NULL)
    self->password = trc_secret_read_line (self->password_file, &error);
  if (error == NULL && self->token_file != NULL)
    self->token = trc_secret_read_line (self->token_file, &error);
  if (error == NULL && self->certificate_file != NULL)
    trc_credential_read_certificate (self, &error);
  if (error == NULL)
    return TRUE;

  trc_command_complain ("%s", error->message);
  return FALSE;
}

static gboolean
add_secret (GVariantDict *dict,
            GUnixFDList *fds,
            const char *key,
            const TrcSecret *secret,
            GError **error)
{
  int handle;

  if (secret == NULL)
    return TRUE;
  handle = trc_secret_append (secret, fds, error);
  if (handle < 0)
    return FALSE;
  g_variant_dict_insert (dict, key, "h", handle);
  return TRUE;
}

GVariant *
trc_credential_describe (const TrcCredential *self, GUnixFDList *fds, GError **error)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  if (self->user != NULL)
    g_variant_dict_insert (&dict, "user", "s", self->user);
  if (self->pkcs11_uri != NULL)
    g_variant_dict_insert (&dict, "pkcs11-uri", "s", self->pkcs11_uri);
  if (self->persistence != NULL)
    g_variant_dict_insert (&dict, "persistence", "s", self->persistence);
  if (self->allow_insecure_auth)
    g_variant_dict_insert (&dict, "allow-insecure-auth", "b", TRUE);
  if (!add_secret (&dict, fds, "password-fd", self->password, error)
      || !add_secret (&dict, fds, "token-fd", self->token, error)
      || !add_secret (&dict, fds, "certificate-fd", self->certificate, error)
      || !add_secret (&dict, fds, "pkcs12-fd", self->pkcs12, error))
    return NULL;
  return g_variant_dict_end (&dict);
}
