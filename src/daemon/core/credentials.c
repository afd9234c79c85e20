/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Credentials in memory: which there are, which fits, which a server has refused.  Every
 * new one has a number above all others, so that whoever was refused knows whether there
 * is a newer one to try, and nobody tries the same twice.  What is in the keyring of them
 * is in core/credentials-vault.c. */

#include "config.h"

#include "core/credentials-private.h"

#include <string.h>

#include "common/defaults.h"
#include "common/error.h"
#include "common/url.h"
#include "common/vocabulary.h"
#include "core/challenge.h"

/* ---- spaces ---- */

gboolean
trd_space_is_clear (const TrdSpace *space)
{
  return g_strcmp0 (space->protocol, "https") != 0
         && (g_strcmp0 (space->method, "basic") == 0
             || g_strcmp0 (space->method, "bearer") == 0);
}

static gboolean
covers_method (const char *method, const char *other)
{
  if (method == NULL)
    return g_strcmp0 (other, "basic") == 0 || g_strcmp0 (other, "digest") == 0;

  return g_strcmp0 (method, other) == 0;
}

/* An origin has no method and no realm. */
static gboolean
is_same_server (const TrdSpace *a, const TrdSpace *b)
{
  return g_strcmp0 (a->protocol, b->protocol) == 0 && a->host != NULL && b->host != NULL
         && g_ascii_strcasecmp (a->host, b->host) == 0 && a->port == b->port
         && a->is_proxy == b->is_proxy;
}

gboolean
trd_space_covers (const TrdSpace *space, const TrdSpace *other)
{
  return is_same_server (space, other) && covers_method (space->method, other->method)
         && (space->realm == NULL || g_strcmp0 (space->realm, other->realm) == 0);
}

void
trd_credential_copy_space (TrdSpace *to, const TrdSpace *from)
{
  to->protocol = g_strdup (from->protocol);
  to->host = g_ascii_strdown (from->host, -1);
  to->port = from->port;
  to->is_proxy = from->is_proxy;
  to->method = g_strdup (from->method);
  to->realm = g_strdup (from->realm);
}

char *
trd_space_describe (const TrdSpace *space)
{
  return g_strdup_printf ("%s %s %s %u %d %s %s",
                          space->protocol,
                          space->host,
                          space->method != NULL ? space->method : "",
                          space->port,
                          space->is_proxy,
                          space->realm != NULL ? "=" : "",
                          space->realm != NULL ? space->realm : "");
}

gboolean
trd_space_init_origin (TrdSpace *origin, const char *url)
{
  g_autoptr (GUri) uri = trundle_url_parse (url, NULL);

  if (uri == NULL)
    return FALSE;

  origin->protocol = g_strdup (g_uri_get_scheme (uri));
  origin->host = g_ascii_strdown (g_uri_get_host (uri), -1);
  origin->port = trundle_url_get_port (uri);
  return TRUE;
}

/* ---- one credential ---- */

void
trd_credential_free (TrdCredential *self)
{
  trd_owner_unref (self->owner);
  g_free (self->session_mark);
  trd_space_clear (&self->space);
  g_free (self->user);
  g_clear_pointer (&self->secret, g_variant_unref);
  g_free (self);
}

gboolean
trd_credential_is_for (const TrdCredential *self,
                       const TrdOwner *owner,
                       gint64 session_id,
                       gint64 challenge_id,
                       const TrdSpace *space)
{
  return trd_owner_equal (self->owner, owner) && self->session_id == session_id
         && self->challenge_id == challenge_id && is_same_server (&self->space, space)
         && g_strcmp0 (self->space.method, space->method) == 0
         && g_strcmp0 (self->space.realm, space->realm) == 0;
}

gboolean
trd_credential_is_usable_by (const TrdCredential *self,
                             TrdSession *session,
                             gint64 challenge_id)
{
  return trd_owner_equal (self->owner, session->row->owner)
         && (self->session_id == 0 || self->session_id == session->row->id)
         && (self->challenge_id == 0 || self->challenge_id == challenge_id);
}

char *
trd_session_mark (TrdSession *session, const TrdEnv *env)
{
  if (env->state_id == NULL)
    return NULL;

  return g_strdup_printf ("%s/%" G_GINT64_FORMAT ".%" G_GINT64_FORMAT,
                          env->state_id,
                          session->row->id,
                          session->row->created_us);
}

static TrdPersistence
read_persistence (GVariant *credential)
{
  g_autofree char *word = trundle_options_get_string (credential, NULL, "persistence");

  if (g_str_equal (word, "none"))
    return TRD_PERSISTENCE_NONE;

  return g_str_equal (word, "permanent") ? TRD_PERSISTENCE_PERMANENT
                                         : TRD_PERSISTENCE_SESSION;
}

/* What of a credential is secret, always in this order, so that equal ones compare so. */
static GVariant *
take_secret (GVariant *credential)
{
  static const char *const keys[]
      = { "password", "token", "certificate", "pkcs12", "pkcs11-uri" };
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      g_autoptr (GVariant) value = g_variant_lookup_value (credential, keys[i], NULL);

      if (value != NULL)
        g_variant_builder_add (&builder, "{sv}", keys[i], value);
    }

  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

/* ---- finding ---- */

guint
trd_credentials_get_newest (TrdCredentials *self)
{
  return self->newest;
}

guint
trd_credentials_raise (TrdCredentials *self, guint generation)
{
  self->newest = MAX (self->newest, generation) + 1;

  return self->newest;
}

const TrdCredential *
trd_credentials_find (TrdCredentials *self,
                      TrdSession *session,
                      gint64 challenge_id,
                      const TrdSpace *space,
                      gboolean allow_insecure)
{
  for (guint i = self->all->len; i > 0; i--)
    {
      const TrdCredential *credential = g_ptr_array_index (self->all, i - 1);

      if (!credential->refused && !credential->stale
          && trd_credential_is_usable_by (credential, session, challenge_id)
          && trd_space_covers (&credential->space, space)
          && (allow_insecure || credential->insecure || !trd_space_is_clear (space)))
        return credential;
    }

  return NULL;
}

const TrdCredential *
trd_credentials_find_last (TrdCredentials *self,
                           TrdSession *session,
                           const TrdSpace *space)
{
  for (guint i = self->all->len; i > 0; i--)
    {
      const TrdCredential *credential = g_ptr_array_index (self->all, i - 1);

      if (trd_credential_is_usable_by (credential, session, credential->challenge_id)
          && trd_space_covers (&credential->space, space))
        return credential;
    }

  return NULL;
}

void
trd_credentials_refuse (TrdCredentials *self, TrdSession *session, guint generation)
{
  for (guint i = 0; i < self->all->len; i++)
    {
      TrdCredential *credential = g_ptr_array_index (self->all, i);

      if (credential->generation == generation
          && trd_owner_equal (credential->owner, session->row->owner))
        credential->refused = TRUE;
    }
}

/* ---- coming and going ---- */

/* What takes the place of an item of the keyring under another name leaves none. */
static void
replace_others (TrdCredentials *self, const TrdCredential *credential)
{
  for (guint i = self->all->len; i > 0; i--)
    {
      const TrdCredential *other = g_ptr_array_index (self->all, i - 1);

      if (other == credential
          || !trd_credential_is_for (other,
                                     credential->owner,
                                     credential->session_id,
                                     credential->challenge_id,
                                     &credential->space))
        continue;
      if (other->kept && g_strcmp0 (other->user, credential->user) != 0)
        trd_credentials_erase (self, other);
      g_ptr_array_remove_index (self->all, i - 1);
    }
}

/* All that a session may use goes to its worker with each attempt, and a keyring is
 * quadratic in items.  What comes from that has been bounded by whoever stored it. */
static gboolean
has_room (TrdCredentials *self, TrdSession *session, const TrdCredential *added)
{
  guint n_of_session = 0;
  guint n_of_owner = 0;

  for (guint i = 0; i < self->all->len; i++)
    {
      const TrdCredential *other = g_ptr_array_index (self->all, i);

      if (!trd_owner_equal (other->owner, added->owner))
        continue;
      if (trd_credential_is_for (
              other, added->owner, added->session_id, added->challenge_id, &added->space))
        return TRUE;
      n_of_owner++;
      n_of_session += trd_credential_is_usable_by (other, session, other->challenge_id);
    }

  return n_of_session < TRD_CREDENTIALS_PER_SESSION_MAX
         && n_of_owner < TRD_CREDENTIALS_PER_OWNER_MAX;
}

const TrdCredential *
trd_credentials_add (TrdCredentials *self,
                     TrdSession *session,
                     gint64 challenge_id,
                     const TrdSpace *space,
                     GVariant *credential,
                     GError **error)
{
  g_autoptr (TrdCredential) added = g_new0 (TrdCredential, 1);

  added->owner = trd_owner_ref (session->row->owner);
  added->persistence = read_persistence (credential);
  if (added->persistence != TRD_PERSISTENCE_PERMANENT)
    {
      added->session_id = session->row->id;
      added->session_mark = trd_session_mark (session, self->env);
    }
  if (added->persistence == TRD_PERSISTENCE_NONE)
    added->challenge_id = challenge_id;
  trd_credential_copy_space (&added->space, space);
  g_variant_lookup (credential, "user", "s", &added->user);
  added->secret = take_secret (credential);
  added->insecure = trundle_options_get_boolean (credential, NULL, "allow-insecure-auth");
  if (!has_room (self, session, added))
    {
      g_set_error_literal (error,
                           TRUNDLE_ERROR,
                           TRUNDLE_ERROR_LIMIT_EXCEEDED,
                           "There are too many credentials");
      return NULL;
    }

  added->told = TRUE;
  added->generation = trd_credentials_raise (self, 0);
  g_ptr_array_add (self->all, added);
  return g_steal_pointer (&added);
}

void
trd_credentials_keep (TrdCredentials *self, guint generation)
{
  for (guint i = 0; i < self->all->len; i++)
    {
      const TrdCredential *credential = g_ptr_array_index (self->all, i);

      if (credential->generation != generation)
        continue;
      replace_others (self, credential);
      if (credential->persistence != TRD_PERSISTENCE_NONE)
        trd_credentials_store (self, credential);
      return;
    }
}

void
trd_credentials_drop (TrdCredentials *self, guint generation)
{
  for (guint i = 0; i < self->all->len; i++)
    {
      const TrdCredential *credential = g_ptr_array_index (self->all, i);

      if (credential->generation != generation)
        continue;
      g_ptr_array_remove_index (self->all, i);
      return;
    }
}

/* The same for the same user, whatever the secret. */
static gboolean
is_twin (const TrdCredential *known, const TrdCredential *found)
{
  return trd_credential_is_for (known, found->owner, found->session_id, 0, &found->space)
         && g_strcmp0 (known->user, found->user) == 0;
}

/* TRUE when nothing is to be learned from @found. */
static gboolean
is_settled (TrdCredentials *self, const TrdCredential *found)
{
  for (guint i = 0; i < self->all->len; i++)
    {
      TrdCredential *known = g_ptr_array_index (self->all, i);

      if (!is_twin (known, found))
        continue;
      /* What waits to be stored is newer than what is there. */
      if (!known->kept && !known->refused)
        return TRUE;
      if (!g_variant_equal (known->secret, found->secret))
        continue;
      if (known->stale)
        known->generation = trd_credentials_raise (self, 0);
      known->stale = FALSE;
      return TRUE;
    }

  return FALSE;
}

/* Two keyrings may have an item each for the same, with different secrets: both are
 * remembered, so that neither is taken for a new one as soon as the other was seen. */
void
trd_credentials_absorb (TrdCredentials *self, TrdCredential *found)
{
  g_autoptr (TrdCredential) owned = found;

  if (is_settled (self, found))
    return;

  for (guint i = self->all->len; i > 0; i--)
    {
      const TrdCredential *known = g_ptr_array_index (self->all, i - 1);

      if (is_twin (known, found) && (known->stale || !known->kept))
        g_ptr_array_remove_index (self->all, i - 1);
    }
  owned->generation = trd_credentials_raise (self, 0);
  g_ptr_array_add (self->all, g_steal_pointer (&owned));
}

void
trd_credentials_note_changed (TrdCredentials *self)
{
  g_hash_table_remove_all (self->looked);
  for (guint i = 0; i < self->all->len; i++)
    {
      TrdCredential *credential = g_ptr_array_index (self->all, i);

      if (credential->kept)
        credential->stale = TRUE;
      else if (credential->persistence != TRD_PERSISTENCE_NONE && !credential->refused)
        trd_credentials_store (self, credential);
    }
}

void
trd_credentials_forget_challenge (TrdCredentials *self, gint64 challenge_id)
{
  for (guint i = self->all->len; i > 0; i--)
    {
      const TrdCredential *credential = g_ptr_array_index (self->all, i - 1);

      if (credential->challenge_id == challenge_id)
        g_ptr_array_remove_index (self->all, i - 1);
    }
}

gboolean
trd_credentials_knows_keyring (TrdCredentials *self)
{
  TrdVault *vault = self->env->vault;
  TrdVaultState state = vault != NULL ? trd_vault_get_state (vault) : TRD_VAULT_ABSENT;

  return state == TRD_VAULT_OPEN || state == TRD_VAULT_LOCKED;
}

void
trd_credentials_forget_session (TrdCredentials *self, TrdSession *session)
{
  gboolean had_any = FALSE;

  trd_credentials_forget_looks (self, session);
  for (guint i = self->all->len; i > 0; i--)
    {
      const TrdCredential *credential = g_ptr_array_index (self->all, i - 1);

      if (credential->session_id != session->row->id)
        continue;
      had_any |= credential->persistence == TRD_PERSISTENCE_SESSION;
      g_ptr_array_remove_index (self->all, i - 1);
    }
  /* An earlier daemon may have stored some; but only a keyring that is known to be there
   * is asked. */
  if (had_any || trd_credentials_knows_keyring (self))
    trd_credentials_erase_session (self, session);
}

gboolean
trd_credentials_has_volatile (TrdCredentials *self, TrdSession *session)
{
  gboolean is_wanted = session->n_unfinished > 0
                       || session->row->state == TRUNDLE_SESSION_ACTIVE;

  for (guint i = 0; is_wanted && i < self->all->len; i++)
    {
      const TrdCredential *credential = g_ptr_array_index (self->all, i);

      if (!credential->kept && !credential->refused
          && trd_credential_is_usable_by (credential, session, credential->challenge_id))
        return TRUE;
    }

  return FALSE;
}

/* ---- for a worker ---- */

/* What one attempt is told. */
typedef struct
{
  TrdSpace origin; /* of the address that is asked first */
  gboolean allow_insecure;
  gboolean preemptive;
  GHashTable *seen; /* (owned): spaces told already */
  GVariantBuilder credentials;
  GVariantBuilder certificates;
} Telling;

static void
add_secret (GVariantDict *dict, GVariant *secret, const char *key, const char *as)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (secret, key, NULL);

  if (value != NULL)
    g_variant_dict_insert_value (dict, as, value);
}

static void
tell_certificate (Telling *telling, const TrdCredential *credential)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&dict, "host", "s", credential->space.host);
  g_variant_dict_insert (&dict, "port", "u", credential->space.port);
  g_variant_dict_insert (&dict, "is-proxy", "b", credential->space.is_proxy);
  g_variant_dict_insert (&dict, "generation", "u", credential->generation);
  add_secret (&dict, credential->secret, "certificate", "pem");
  add_secret (&dict, credential->secret, "pkcs12", "pkcs12");
  add_secret (&dict, credential->secret, "pkcs11-uri", "pkcs11-uri");
  add_secret (&dict, credential->secret, "password", "password");
  g_variant_builder_add_value (&telling->certificates, g_variant_dict_end (&dict));
}

/* The answered challenge the task is behind that @space is about; (nullable). */
static const TrdChallenge *
find_answered (const TrdTask *task,
               const TrdSpace *space,
               gboolean (*fits) (const TrdSpace *space, const TrdSpace *other))
{
  GPtrArray *challenges = task->session->challenges;

  for (guint i = 0; challenges != NULL && i < challenges->len; i++)
    {
      const TrdChallenge *challenge = g_ptr_array_index (challenges, i);

      if (challenge->row->state == TRD_CHALLENGE_ANSWERED
          && trd_challenge_is_behind (challenge, task)
          && !g_str_equal (challenge->space.method, "server-trust")
          && !g_str_equal (challenge->space.method, "client-certificate")
          && fits (space, &challenge->space))
        return challenge;
    }

  return NULL;
}

/* The server has asked the task for just this before: it need not ask again. */
static gboolean
is_asked_for (const TrdTask *task, const TrdCredential *credential)
{
  const TrdChallenge *challenge = find_answered (
      task, &credential->space, trd_space_covers);

  return challenge != NULL && !g_str_equal (challenge->space.method, "digest");
}

static void
tell_credential (Telling *telling, const TrdTask *task, const TrdCredential *credential)
{
  const TrdSpace *space = &credential->space;
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  const char *method = space->method;
  gboolean is_secure = g_str_equal (space->protocol, "https");

  if (!is_secure && !telling->allow_insecure && !credential->insecure)
    {
      if (trd_space_is_clear (space))
        return;
      method = "digest";
    }

  g_variant_dict_insert (&dict, "protocol", "s", space->protocol);
  g_variant_dict_insert (&dict, "host", "s", space->host);
  g_variant_dict_insert (&dict, "port", "u", space->port);
  g_variant_dict_insert (&dict, "is-proxy", "b", space->is_proxy);
  if (space->realm != NULL)
    g_variant_dict_insert (&dict, "realm", "s", space->realm);
  if (method != NULL)
    g_variant_dict_insert (&dict, "method", "s", method);
  if (credential->user != NULL)
    g_variant_dict_insert (&dict, "user", "s", credential->user);
  add_secret (&dict, credential->secret, "password", "password");
  add_secret (&dict, credential->secret, "token", "token");
  g_variant_dict_insert (&dict, "generation", "u", credential->generation);
  /* This one and no other: not the user info of the address, nor a ticket. */
  if (credential->insecure)
    g_variant_dict_insert (&dict, "insecure", "b", TRUE);
  if ((telling->preemptive && is_same_server (space, &telling->origin))
      || is_asked_for (task, credential))
    g_variant_dict_insert (&dict, "preemptive", "b", TRUE);
  g_variant_builder_add_value (&telling->credentials, g_variant_dict_end (&dict));
}

static gboolean
is_for_task (const TrdCredential *credential, const TrdTask *task)
{
  gint64 id = credential->challenge_id;
  const TrdChallenge *challenge = NULL;

  if (id != 0)
    challenge = trd_session_find_challenge_by_id (task->session, id);
  return trd_credential_is_usable_by (credential, task->session, id)
         && (id == 0 || (challenge != NULL && trd_challenge_is_behind (challenge, task)));
}

/* The newest of each space, and those of one challenge before all others. */
static void
tell_all (TrdCredentials *self, TrdTask *task, Telling *telling, gboolean of_challenge)
{
  for (guint i = self->all->len; i > 0; i--)
    {
      const TrdCredential *credential = g_ptr_array_index (self->all, i - 1);

      if (credential->refused || credential->stale
          || (credential->challenge_id != 0) != of_challenge
          || !is_for_task (credential, task)
          || !g_hash_table_add (telling->seen, trd_space_describe (&credential->space)))
        continue;
      if (g_strcmp0 (credential->space.method, "client-certificate") == 0)
        tell_certificate (telling, credential);
      else
        tell_credential (telling, task, credential);
    }
}

/* What the address or the headers said before the server was asked: it wants something
 * else, and has got an answer. */
static void
drop_what_was_said (GVariantDict *dict)
{
  g_autoptr (GVariant) headers = g_variant_dict_lookup_value (
      dict, "secret-headers", G_VARIANT_TYPE ("a(ss)"));
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(ss)"));
  const char *name;
  const char *value;
  GVariantIter iter;

  g_variant_dict_remove (dict, "credentials");
  if (headers == NULL)
    return;

  g_variant_iter_init (&iter, headers);
  while (g_variant_iter_next (&iter, "(&s&s)", &name, &value))
    if (g_ascii_strcasecmp (name, "Authorization") != 0)
      g_variant_builder_add (&builder, "(ss)", name, value);
  g_variant_dict_insert_value (dict, "secret-headers", g_variant_builder_end (&builder));
}

/* Those that the app's own composing has put there come first. */
static void
add_to_request (GVariantDict *dict, const char *key, GVariantBuilder *builder)
{
  g_autoptr (GVariant) fresh = g_variant_ref_sink (g_variant_builder_end (builder));
  g_autoptr (GVariant) before = g_variant_dict_lookup_value (
      dict, key, G_VARIANT_TYPE ("aa{sv}"));
  g_auto (GVariantBuilder) both = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  if (g_variant_n_children (fresh) == 0)
    return;

  for (gsize i = 0; i < g_variant_n_children (fresh); i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (fresh, i);

      g_variant_builder_add_value (&both, child);
    }
  for (gsize i = 0; before != NULL && i < g_variant_n_children (before); i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (before, i);

      g_variant_builder_add_value (&both, child);
    }
  g_variant_dict_insert_value (dict, key, g_variant_builder_end (&both));
}

GVariant *
trd_credentials_compose (TrdCredentials *self,
                         TrdTask *task,
                         const TrdTaskRow *row,
                         GVariant *request)
{
  GVariant *configuration = task->session->row->configuration;
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (request);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (
      g_str_hash, g_str_equal, g_free, NULL);
  const char *url;
  Telling telling = {
    .allow_insecure = trundle_options_get_boolean (
        row->options, configuration, "allow-insecure-auth"),
    .preemptive = trundle_options_get_boolean (
        row->options, configuration, "preemptive-auth"),
    .seen = seen,
  };

  if (g_variant_lookup (request, "url", "&s", &url))
    trd_space_init_origin (&telling.origin, url);
  g_variant_builder_init (&telling.credentials, G_VARIANT_TYPE ("aa{sv}"));
  g_variant_builder_init (&telling.certificates, G_VARIANT_TYPE ("aa{sv}"));
  if (find_answered (task, &telling.origin, is_same_server) != NULL)
    drop_what_was_said (&dict);
  tell_all (self, task, &telling, TRUE);
  tell_all (self, task, &telling, FALSE);
  add_to_request (&dict, "credentials", &telling.credentials);
  add_to_request (&dict, "client-certificates", &telling.certificates);
  trd_space_clear (&telling.origin);

  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* ---- the object ---- */

TrdCredentials *
trd_credentials_new (TrdRegistry *registry)
{
  TrdCredentials *self = g_new0 (TrdCredentials, 1);

  self->registry = registry;
  self->env = trd_registry_get_env (registry);
  self->all = g_ptr_array_new_with_free_func ((GDestroyNotify)trd_credential_free);
  self->cancellable = g_cancellable_new ();
  self->looked = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->waiters = g_ptr_array_new_with_free_func (g_object_unref);

  return self;
}

void
trd_credentials_free (TrdCredentials *self)
{
  if (self == NULL)
    return;

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  for (guint i = 0; i < self->waiters->len; i++)
    g_task_return_boolean (g_ptr_array_index (self->waiters, i), TRUE);
  g_hash_table_unref (self->looked);
  g_ptr_array_unref (self->waiters);
  g_ptr_array_unref (self->all);
  g_free (self);
}
