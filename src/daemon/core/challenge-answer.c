/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Answers: whether one makes sense for what was asked, and what it does. */

#include "config.h"

#include "core/challenge-answer.h"

#include "common/error.h"
#include "common/url.h"
#include "common/vocabulary.h"
#include "core/registry-internal.h"
#include "core/trust.h"

#define INVALID TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT

/* ---- spaces ---- */

gboolean
trd_space_from_dict (GVariant *dict, TrdSpace *out_space, GError **error)
{
  g_autofree char *method = NULL;
  g_autofree char *host = NULL;

  if (!g_variant_lookup (dict, "host", "s", &host))
    {
      g_set_error_literal (error, INVALID, "host: it is missing");
      return FALSE;
    }

  out_space->host = trundle_host_normalize (host);
  out_space->protocol = trundle_options_get_string (dict, NULL, "protocol");
  out_space->port = trundle_options_get_uint (dict, NULL, "port");
  if (out_space->port == 0)
    out_space->port = trundle_scheme_get_port (out_space->protocol);
  out_space->is_proxy = trundle_options_get_boolean (dict, NULL, "is-proxy");
  if (!out_space->is_proxy && g_str_equal (out_space->protocol, "socks5"))
    {
      g_set_error_literal (
          error, INVALID, "protocol: “socks5” is that of a proxy, see is-proxy");
      return FALSE;
    }
  g_variant_lookup (dict, "realm", "s", &out_space->realm);
  if (g_variant_lookup (dict, "method", "s", &method) && *method != '\0')
    out_space->method = g_steal_pointer (&method);
  return TRUE;
}

/* ---- what belongs into an answer ---- */

/* Which keys a method wants: one of `needs`, and of all that are secret no others. */
static const struct
{
  const char *method; /* (nullable): Basic and Digest */
  const char *needs[4];
  const char *knows[5];
} shapes[] = {
  { NULL, { "password" }, { "user", "password" } },
  { "basic", { "password" }, { "user", "password" } },
  { "digest", { "password" }, { "user", "password" } },
  { "bearer", { "token" }, { "token" } },
  { "negotiate", { NULL }, { NULL } },
  { "client-certificate",
    { "certificate", "pkcs12", "pkcs11-uri" },
    { "certificate", "pkcs12", "pkcs11-uri", "password" } },
  { "server-trust", { NULL }, { "accept-certificate" } },
};

static const char *const secret_keys[] = {
  "user", "password", "token", "certificate", "pkcs12", "pkcs11-uri", "accept-certificate"
};

static gboolean
has_key (GVariant *dict, const char *key)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (dict, key, NULL);

  return value != NULL;
}

static gboolean
check_keys (guint shape, GVariant *credential, GError **error)
{
  const char *const *knows = shapes[shape].knows;
  gboolean has_needed = shapes[shape].needs[0] == NULL;

  for (guint i = 0; i < G_N_ELEMENTS (secret_keys); i++)
    if (has_key (credential, secret_keys[i]) && !g_strv_contains (knows, secret_keys[i]))
      {
        g_set_error (
            error, INVALID, "%s: it is nothing that was asked for", secret_keys[i]);
        return FALSE;
      }
  for (guint i = 0; shapes[shape].needs[i] != NULL; i++)
    has_needed |= has_key (credential, shapes[shape].needs[i]);
  if (!has_needed)
    g_set_error (error, INVALID, "%s: it is missing", shapes[shape].needs[0]);
  else if (g_strcmp0 (knows[0], "user") == 0 && !has_key (credential, "user"))
    g_set_error (error, INVALID, "user: it is missing");
  else
    return TRUE;

  return FALSE;
}

static gboolean
check_credential (const char *method, GVariant *credential, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++)
    if (g_strcmp0 (shapes[i].method, method) == 0)
      return check_keys (i, credential, error);

  g_set_error (error, INVALID, "method: there are no credentials for “%s”", method);
  return FALSE;
}

/* ---- answering a challenge ---- */

static gboolean
check_cleartext (const TrdChallenge *challenge,
                 const TrdTaskRow *row,
                 GVariant *answer,
                 GError **error)
{
  if (!trd_space_is_clear (&challenge->space)
      || trd_challenges_allows_insecure (row, challenge->session)
      || trundle_options_get_boolean (answer, NULL, "allow-insecure-auth"))
    return TRUE;

  g_set_error_literal (error,
                       TRUNDLE_ERROR,
                       TRUNDLE_ERROR_NOT_ALLOWED,
                       "Without TLS everybody on the way could read it: only with "
                       "allow-insecure-auth");
  return FALSE;
}

static gboolean
answer_with_credential (TrdRegistry *self,
                        TrdChallenge *challenge,
                        GVariant *answer,
                        GError **error)
{
  TrdChallenges *challenges = trd_registry_get_challenges (self);
  TrdCredentials *credentials = trd_challenges_get_credentials (challenges);
  g_autoptr (GVariant) told = NULL;
  g_autoptr (GVariant) kept = NULL;
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  const TrdCredential *credential;
  const char *user;
  guint generation;

  if (g_variant_lookup (answer, "user", "&s", &user))
    g_variant_dict_insert (&dict, "user", "s", user);
  told = g_variant_ref_sink (g_variant_dict_end (&dict));
  /* Nothing to be kept: whoever comes later tries the ticket by himself. */
  kept = g_str_equal (challenge->space.method, "negotiate")
             ? trundle_options_with (answer, "persistence", g_variant_new_string ("none"))
             : g_variant_ref (answer);
  credential = trd_credentials_add (credentials,
                                    challenge->session,
                                    challenge->row->id,
                                    &challenge->space,
                                    kept,
                                    error);
  if (credential == NULL)
    return FALSE;
  generation = credential->generation;
  if (trd_challenges_answer (challenges, challenge, generation, told, error))
    {
      trd_credentials_keep (credentials, generation);
      return TRUE;
    }

  trd_credentials_drop (credentials, generation);
  return FALSE;
}

/* Kept with the challenge for those behind it, or by core/trust.c. */
static gboolean
trust (TrdRegistry *self, TrdChallenge *challenge, GVariant *answer, GError **error)
{
  TrdChallenges *challenges = trd_registry_get_challenges (self);
  g_autofree char *persistence = trundle_options_get_string (answer, NULL, "persistence");
  g_autoptr (GBytes) sha256 = trd_trust_digest_facts (challenge->row->facts);
  g_autoptr (GVariant) told = NULL;
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  guint generation;

  if (sha256 == NULL)
    {
      g_set_error_literal (error,
                           TRUNDLE_ERROR,
                           TRUNDLE_ERROR_BAD_STATE,
                           "The certificate is not known any more");
      return FALSE;
    }
  if (!g_str_equal (persistence, "none")
      && !trd_trust_add (self,
                         challenge->session,
                         challenge->space.host,
                         challenge->space.port,
                         challenge->space.is_proxy,
                         sha256,
                         g_str_equal (persistence, "permanent"),
                         error))
    return FALSE;

  g_variant_dict_insert_value (
      &dict,
      "sha256",
      g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, sha256, TRUE));
  told = g_variant_ref_sink (g_variant_dict_end (&dict));
  generation = trd_credentials_raise (trd_challenges_get_credentials (challenges), 0);
  return trd_challenges_answer (challenges, challenge, generation, told, error);
}

static gboolean
use_credential (TrdRegistry *self,
                TrdTask *task,
                TrdChallenge *challenge,
                GVariant *answer,
                GError **error)
{
  TrdChallenges *challenges = trd_registry_get_challenges (self);
  const char *method = challenge->space.method;
  g_autoptr (TrdTaskRow) row = NULL;

  if (!check_credential (method, answer, error))
    return FALSE;
  if (g_str_equal (method, "server-trust"))
    return trundle_options_get_boolean (answer, NULL, "accept-certificate")
               ? trust (self, challenge, answer, error)
               : trd_challenges_end (challenges, challenge, TRD_REJECT_DEFAULT, error);

  row = trd_store_load_task (trd_registry_get_env (self)->store, task->id, error);
  return row != NULL && check_cleartext (challenge, row, answer, error)
         && answer_with_credential (self, challenge, answer, error);
}

static TrdChallenge *
find_challenge (TrdTask *task, const char *id, GError **error)
{
  TrdChallenge *challenge;
  guint64 number;

  if (!g_ascii_string_to_unsigned (id, 10, 1, G_MAXINT64, &number, NULL))
    {
      g_set_error_literal (error, INVALID, "challenge: this is no id of a challenge");
      return NULL;
    }

  challenge = trd_session_find_challenge_by_id (task->session, (gint64)number);
  if (challenge != NULL && trd_challenge_is_unanswered (challenge))
    return challenge;

  g_set_error_literal (error,
                       TRUNDLE_ERROR,
                       TRUNDLE_ERROR_BAD_STATE,
                       "The challenge is answered, or there is none of this id");
  return NULL;
}

static gboolean
check_disposition (const char *disposition, GVariant *answer, GError **error)
{
  static const char *const words[] = { "use-credential",
                                       "perform-default-handling",
                                       "cancel",
                                       "reject-protection-space",
                                       NULL };

  if (!g_strv_contains (words, disposition))
    g_set_error (error,
                 INVALID,
                 "disposition: “%.64s” is none of use-credential, "
                 "perform-default-handling, cancel, reject-protection-space",
                 disposition);
  else if (g_variant_n_children (answer) > 0
           && !g_str_equal (disposition, "use-credential"))
    g_set_error (error, INVALID, "answer: there must be none with %s", disposition);
  else
    return TRUE;

  return FALSE;
}

gboolean
trd_registry_respond_to_challenge (TrdRegistry *self,
                                   TrdTask *task,
                                   const char *challenge_id,
                                   const char *disposition,
                                   GVariant *answer,
                                   GError **error)
{
  TrdChallenges *challenges = trd_registry_get_challenges (self);
  TrdChallenge *challenge;

  if (!check_disposition (disposition, answer, error))
    return FALSE;
  challenge = find_challenge (task, challenge_id, error);
  if (challenge == NULL)
    return FALSE;

  if (g_str_equal (disposition, "use-credential"))
    return use_credential (self, task, challenge, answer, error);
  if (g_str_equal (disposition, "reject-protection-space"))
    return trd_challenges_reject_space (challenges, challenge, error);

  return trd_challenges_end (challenges,
                             challenge,
                             g_str_equal (disposition, "cancel") ? TRD_REJECT_CANCELLED
                                                                 : TRD_REJECT_DEFAULT,
                             error);
}

/* ---- answers in advance ---- */

gboolean
trd_registry_set_credential (TrdRegistry *self,
                             TrdSession *session,
                             GVariant *space,
                             GVariant *credential,
                             GError **error)
{
  TrdChallenges *challenges = trd_registry_get_challenges (self);
  TrdCredentials *credentials = trd_challenges_get_credentials (challenges);
  g_autofree char *persistence = trundle_options_get_string (
      credential, NULL, "persistence");
  g_auto (TrdSpace) whom = { 0 };
  const TrdCredential *added;
  guint generation;

  if (!trd_space_from_dict (space, &whom, error))
    return FALSE;
  if (g_strcmp0 (whom.method, "negotiate") == 0)
    {
      g_set_error_literal (error, INVALID, "method: a ticket is the user's own affair");
      return FALSE;
    }
  if (!check_credential (whom.method, credential, error))
    return FALSE;
  if (g_strcmp0 (whom.method, "server-trust") == 0)
    {
      g_set_error_literal (
          error, INVALID, "method: a certificate is accepted once it was seen");
      return FALSE;
    }
  if (g_str_equal (persistence, "none"))
    {
      g_set_error_literal (
          error, INVALID, "persistence: “none” is for the answer to a challenge");
      return FALSE;
    }
  if (session->row->state == TRUNDLE_SESSION_RETIRED)
    {
      g_set_error_literal (
          error, TRUNDLE_ERROR, TRUNDLE_ERROR_BAD_STATE, "The session was invalidated");
      return FALSE;
    }

  added = trd_credentials_add (credentials, session, 0, &whom, credential, error);
  if (added == NULL)
    return FALSE;
  generation = added->generation;
  if (trd_challenges_note_credential (challenges, session, added, error))
    {
      trd_credentials_keep (credentials, generation);
      return TRUE;
    }

  trd_credentials_drop (credentials, generation);
  return FALSE;
}
