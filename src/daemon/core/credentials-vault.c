/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Credentials in the user's keyring, an item each.  Whose an item is, is its attribute
 * `app-id`: the id alone for apps outside of any confinement, so that a person can store
 * one by hand, and "flatpak:org.example.App" for others, which two confinements never
 * share.  One for a session only bears the state directory's id, the session's number and
 * its birth as well.  The
 * secret is the password or token itself; of a client certificate, a dictionary in text
 * form.
 *
 * Whether there is a keyring, and open, is the vault's affair: what cannot be stored
 * stays in memory, and is stored when the keyring opens. */

#include "config.h"

#include "core/credentials-private.h"

#include "common/defaults.h"
#include "common/error.h"
#include "port/shelter.h"

#include <string.h>

/* ---- items ---- */

static void
set (GHashTable *attributes, const char *key, const char *value)
{
  if (value != NULL && *value != '\0')
    g_hash_table_insert (attributes, (gpointer)key, g_strdup (value));
}

static char *
name_owner (const TrdOwner *owner)
{
  return g_strdup (trd_owner_is_host (owner) ? owner->app_id : trd_owner_key (owner));
}

static GHashTable *
new_attributes (const TrdOwner *owner)
{
  GHashTable *attributes = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  g_autofree char *name = name_owner (owner);

  set (attributes, "app-id", name);
  return attributes;
}

/* Those by which all for a server or proxy are found. */
static GHashTable *
attributes_of_server (const TrdOwner *owner, const TrdSpace *space)
{
  GHashTable *attributes = new_attributes (owner);
  g_autofree char *port = g_strdup_printf ("%u", space->port);

  set (attributes, "protocol", space->protocol);
  set (attributes, "host", space->host);
  set (attributes, "port", port);
  if (space->is_proxy)
    set (attributes, "proxy", "true");
  return attributes;
}

static GHashTable *
attributes_of (const TrdCredential *credential)
{
  GHashTable *attributes = attributes_of_server (credential->owner, &credential->space);

  set (attributes, "realm", credential->space.realm);
  set (attributes, "method", credential->space.method);
  set (attributes, "user", credential->user);
  if (credential->persistence == TRD_PERSISTENCE_SESSION)
    set (attributes, "session", credential->session_mark);
  return attributes;
}

static gboolean
is_certificate (const char *method)
{
  return g_strcmp0 (method, "client-certificate") == 0;
}

static const char *
find_text_key (const char *method)
{
  return g_strcmp0 (method, "bearer") == 0 ? "token" : "password";
}

static GBytes *
pack_secret (const TrdCredential *credential)
{
  const char *method = credential->space.method;
  const char *text = "";

  if (is_certificate (method))
    {
      char *printed = g_variant_print (credential->secret, TRUE);

      return g_bytes_new_take (printed, strlen (printed));
    }

  g_variant_lookup (credential->secret, find_text_key (method), "&s", &text);
  return g_bytes_new (text, strlen (text));
}

/* NULL for what is none of ours. */
static GVariant *
unpack_secret (const char *method, GBytes *bytes)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);
  g_autofree char *text = g_strndup (size > 0 ? data : "", size);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  if (!g_utf8_validate (text, -1, NULL))
    return NULL;
  if (is_certificate (method))
    return g_variant_parse (G_VARIANT_TYPE_VARDICT, text, NULL, NULL, NULL);

  g_variant_dict_insert (&dict, find_text_key (method), "s", text);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* What the attributes say, without the secret; NULL for what makes no sense, or is of
 * another session. */
static TrdCredential *
read_item (TrdCredentials *self, const TrdVaultItem *item, TrdSession *session)
{
  GHashTable *attributes = item->attributes;
  const char *mark = g_hash_table_lookup (attributes, "session");
  const char *port = g_hash_table_lookup (attributes, "port");
  const char *host = g_hash_table_lookup (attributes, "host");
  const char *protocol = g_hash_table_lookup (attributes, "protocol");
  g_autofree char *ours = trd_session_mark (session, self->env);
  TrdCredential *credential;
  guint64 number;

  if (host == NULL || protocol == NULL || port == NULL
      || !g_ascii_string_to_unsigned (port, 10, 1, G_MAXUINT16, &number, NULL)
      || (mark != NULL && g_strcmp0 (mark, ours) != 0))
    return NULL;

  credential = g_new0 (TrdCredential, 1);
  credential->owner = trd_owner_ref (session->row->owner);
  credential->persistence = mark != NULL ? TRD_PERSISTENCE_SESSION
                                         : TRD_PERSISTENCE_PERMANENT;
  credential->session_id = mark != NULL ? session->row->id : 0;
  credential->session_mark = g_strdup (mark);
  credential->space.protocol = g_strdup (protocol);
  credential->space.host = g_ascii_strdown (host, -1);
  credential->space.port = (guint)number;
  credential->space.is_proxy = g_hash_table_contains (attributes, "proxy");
  credential->space.method = g_strdup (g_hash_table_lookup (attributes, "method"));
  credential->space.realm = g_strdup (g_hash_table_lookup (attributes, "realm"));
  credential->user = g_strdup (g_hash_table_lookup (attributes, "user"));
  credential->kept = TRUE;
  return credential;
}

/* ---- storing and removing ---- */

static void
note_begun (TrdCredentials *self)
{
  self->n_pending++;
}

static void
note_ended (TrdCredentials *self)
{
  g_autoptr (GPtrArray) waiters = NULL;

  if (--self->n_pending > 0)
    return;

  waiters = g_steal_pointer (&self->waiters);
  self->waiters = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < waiters->len; i++)
    g_task_return_boolean (g_ptr_array_index (waiters, i), TRUE);
}

typedef struct
{
  TrdCredentials *self; /* (unowned): not to be touched once cancelled */
  guint generation;
} Storing;

static void
on_stored (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Storing *storing = user_data;
  g_autoptr (GError) error = NULL;
  gboolean stored = trd_vault_store_finish (TRD_VAULT (source), result, &error);
  TrdCredentials *self = storing->self;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;

  for (guint i = 0; i < self->all->len; i++)
    {
      TrdCredential *credential = g_ptr_array_index (self->all, i);

      if (credential->generation == storing->generation)
        credential->kept |= stored;
    }
  if (!stored)
    g_debug ("A credential stays in memory: %s",
             error != NULL ? error->message : "the keyring is not open");
  note_ended (self);
}

void
trd_credentials_store (TrdCredentials *self, const TrdCredential *credential)
{
  g_autoptr (GHashTable) attributes = attributes_of (credential);
  g_autoptr (GBytes) secret = pack_secret (credential);
  g_autofree char *label = NULL;
  Storing *storing;

  if (self->env->vault == NULL
      || (credential->persistence == TRD_PERSISTENCE_SESSION
          && credential->session_mark == NULL))
    return;

  storing = g_new0 (Storing, 1);
  storing->self = self;
  storing->generation = credential->generation;
  label = g_strdup_printf ("%s: %s%s%s",
                           credential->owner->app_id,
                           credential->user != NULL ? credential->user : "",
                           credential->user != NULL ? "@" : "",
                           credential->space.host);
  note_begun (self);
  trd_vault_store_async (self->env->vault,
                         TRD_VAULT_CREDENTIAL,
                         attributes,
                         label,
                         secret,
                         self->cancellable,
                         on_stored,
                         storing);
}

static void
on_erased (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  gboolean removed = trd_vault_remove_finish (TRD_VAULT (source), result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;

  if (!removed)
    g_debug ("A credential stays in the keyring: %s",
             error != NULL ? error->message : "it is not open");
  note_ended (user_data);
}

/* Whatever says more is another one. */
static void
erase (TrdCredentials *self, GHashTable *attributes)
{
  if (self->env->vault == NULL)
    return;

  note_begun (self);
  trd_vault_remove_exact_async (self->env->vault,
                                TRD_VAULT_CREDENTIAL,
                                attributes,
                                self->cancellable,
                                on_erased,
                                self);
}

void
trd_credentials_erase (TrdCredentials *self, const TrdCredential *credential)
{
  g_autoptr (GHashTable) attributes = attributes_of (credential);

  erase (self, attributes);
}

void
trd_credentials_erase_session (TrdCredentials *self, TrdSession *session)
{
  g_autoptr (GHashTable) attributes = new_attributes (session->row->owner);
  g_autofree char *mark = trd_session_mark (session, self->env);

  if (mark == NULL || self->env->vault == NULL)
    return;
  set (attributes, "session", mark);
  note_begun (self);
  trd_vault_remove_async (self->env->vault,
                          TRD_VAULT_CREDENTIAL,
                          attributes,
                          self->cancellable,
                          on_erased,
                          self);
}

void
trd_credentials_flush_async (TrdCredentials *self,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);

  if (self->n_pending == 0)
    g_task_return_boolean (task, TRUE);
  else
    g_ptr_array_add (self->waiters, g_steal_pointer (&task));
}

/* ---- asking ---- */

typedef struct
{
  TrdCredentials *self; /* (unowned): not to be touched once cancelled */
  gint64 session_id;
  TrdSpace space; /* of a list: empty */
  gboolean locked;
} Question;

static void
question_free (gpointer data)
{
  Question *question = data;

  trd_space_clear (&question->space);
  g_free (question);
}

static GTask *
new_question (TrdCredentials *self,
              TrdSession *session,
              const TrdSpace *space,
              GAsyncReadyCallback callback,
              gpointer user_data)
{
  GTask *task = g_task_new (NULL, self->cancellable, callback, user_data);
  Question *question = g_new0 (Question, 1);

  question->self = self;
  question->session_id = session->row->id;
  if (space != NULL)
    trd_credential_copy_space (&question->space, space);
  g_task_set_task_data (task, question, question_free);

  return task;
}

/* FALSE, and @task is answered, when there is nobody left to answer for. */
static gboolean
find_asker (GTask *task, TrdSession **out_session)
{
  Question *question = g_task_get_task_data (task);

  if (g_task_return_error_if_cancelled (task))
    return FALSE;

  *out_session = trd_registry_find_session (question->self->registry,
                                            question->session_id);
  if (*out_session != NULL)
    return TRUE;

  g_task_return_new_error (
      task, TRUNDLE_ERROR, TRUNDLE_ERROR_NOT_FOUND, "There is no such object");
  return FALSE;
}

/* What an error hides is as not there: the app can still be asked. */
static GPtrArray *
finish_find (GObject *source, GAsyncResult *result)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *items = trd_vault_find_finish (TRD_VAULT (source), result, &error);

  if (items == NULL)
    {
      g_debug ("The keyring cannot be asked: %s", error->message);
      items = g_ptr_array_new ();
    }

  return items;
}

/* Its session ended while we were not there to remove it, or the keyring was not; or it
 * is one of a database that is set aside. */
static void
erase_orphan (TrdCredentials *self, const TrdVaultItem *item)
{
  const char *mark = g_hash_table_lookup (item->attributes, "session");
  g_autofree char *prefix = g_strconcat (
      self->env->state_id != NULL ? self->env->state_id : "", "/", NULL);
  g_autofree char *its_mark = NULL;
  TrdSession *session;

  if (mark == NULL || self->env->state_id == NULL || !g_str_has_prefix (mark, prefix))
    return;

  session = trd_registry_find_session (
      self->registry, g_ascii_strtoll (&mark[strlen (prefix)], NULL, 10));
  its_mark = session != NULL ? trd_session_mark (session, self->env) : NULL;
  if (g_strcmp0 (mark, its_mark) != 0
      && !trd_shelter_has_aside (trd_spool_get_state_directory (self->env->spool)))
    erase (self, item->attributes);
}

/* The whole server was asked about, whatever of it was wanted. */
static char *
name_look (TrdSession *session, const TrdSpace *space)
{
  TrdSpace server = { .protocol = space->protocol,
                      .host = space->host,
                      .port = space->port,
                      .is_proxy = space->is_proxy };
  g_autofree char *name = trd_space_describe (&server);

  return g_strdup_printf ("%" G_GINT64_FORMAT " %s", session->row->id, name);
}

void
trd_credentials_forget_looks (TrdCredentials *self, TrdSession *session)
{
  g_autofree char *prefix = g_strdup_printf ("%" G_GINT64_FORMAT " ", session->row->id);
  GHashTableIter iter;
  const char *name;

  g_hash_table_iter_init (&iter, self->looked);
  while (g_hash_table_iter_next (&iter, (gpointer *)&name, NULL))
    if (g_str_has_prefix (name, prefix))
      g_hash_table_iter_remove (&iter);
}

gboolean
trd_credentials_has_looked (TrdCredentials *self,
                            TrdSession *session,
                            const TrdSpace *server)
{
  g_autofree char *name = name_look (session, server);

  return g_hash_table_contains (self->looked, name);
}

/* Consumes @name.  Which is forgotten when there are too many does not matter: the
 * keyring is asked once more. */
static void
note_looked (TrdCredentials *self, char *name)
{
  GHashTableIter iter;

  g_hash_table_iter_init (&iter, self->looked);
  if (g_hash_table_size (self->looked) >= TRD_CREDENTIALS_LOOKED_MAX
      && !g_hash_table_contains (self->looked, name)
      && g_hash_table_iter_next (&iter, NULL, NULL))
    g_hash_table_iter_remove (&iter);
  g_hash_table_add (self->looked, name);
}

static void
on_found (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GPtrArray) items = finish_find (source, result);
  Question *question = g_task_get_task_data (task);
  TrdSession *session;

  if (!find_asker (task, &session))
    return;

  if (question->space.method == NULL)
    note_looked (question->self, name_look (session, &question->space));
  for (guint i = 0; i < items->len; i++)
    {
      const TrdVaultItem *item = g_ptr_array_index (items, i);
      g_autoptr (TrdCredential) found = read_item (question->self, item, session);

      if (found == NULL)
        {
          erase_orphan (question->self, item);
          continue;
        }
      if (question->space.method != NULL
          && !trd_space_covers (&found->space, &question->space))
        continue;
      question->locked |= item->secret == NULL;
      if (item->secret != NULL)
        found->secret = unpack_secret (found->space.method, item->secret);
      if (found->secret != NULL)
        trd_credentials_absorb (question->self, g_steal_pointer (&found));
    }
  g_task_return_boolean (task, TRUE);
}

void
trd_credentials_look_up_async (TrdCredentials *self,
                               TrdSession *session,
                               const TrdSpace *space,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_autoptr (GTask) task = new_question (self, session, space, callback, user_data);
  g_autoptr (GHashTable) attributes = attributes_of_server (session->row->owner, space);

  if (self->env->vault == NULL)
    g_task_return_boolean (task, TRUE);
  else
    trd_vault_find_async (self->env->vault,
                          TRD_VAULT_CREDENTIAL,
                          attributes,
                          self->cancellable,
                          on_found,
                          g_steal_pointer (&task));
}

gboolean
trd_credentials_look_up_finish (GAsyncResult *result, gboolean *out_locked)
{
  const Question *question = g_task_get_task_data (G_TASK (result));

  *out_locked = question->locked;
  return g_task_propagate_boolean (G_TASK (result), NULL);
}

/* ---- listing ---- */

static void
describe (GVariantBuilder *builder, const TrdCredential *credential)
{
  static const char *const words[] = { "none", "session", "permanent" };
  const TrdSpace *space = &credential->space;
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&dict, "protocol", "s", space->protocol);
  g_variant_dict_insert (&dict, "host", "s", space->host);
  g_variant_dict_insert (&dict, "port", "u", space->port);
  g_variant_dict_insert (&dict, "is-proxy", "b", space->is_proxy);
  if (space->realm != NULL)
    g_variant_dict_insert (&dict, "realm", "s", space->realm);
  g_variant_dict_insert (&dict, "method", "s", space->method ? space->method : "");
  if (credential->user != NULL)
    g_variant_dict_insert (&dict, "user", "s", credential->user);
  g_variant_dict_insert (&dict, "persistence", "s", words[credential->persistence]);
  g_variant_dict_insert (&dict,
                         "has-password",
                         "b",
                         credential->secret == NULL
                             || g_variant_n_children (credential->secret) > 0);
  g_variant_builder_add_value (builder, g_variant_dict_end (&dict));
}

static gboolean
is_known (TrdCredentials *self, const TrdCredential *found)
{
  for (guint i = 0; i < self->all->len; i++)
    {
      const TrdCredential *known = g_ptr_array_index (self->all, i);

      if (!known->stale
          && trd_credential_is_for (
              known, found->owner, found->session_id, 0, &found->space)
          && g_strcmp0 (known->user, found->user) == 0)
        return TRUE;
    }

  return FALSE;
}

static GVariant *
list (TrdCredentials *self, TrdSession *session, GPtrArray *items)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  for (guint i = 0; i < self->all->len; i++)
    {
      const TrdCredential *credential = g_ptr_array_index (self->all, i);

      if (!credential->stale
          && trd_credential_is_usable_by (credential, session, credential->challenge_id))
        describe (&builder, credential);
    }
  for (guint i = 0; i < items->len; i++)
    {
      g_autoptr (TrdCredential) found = read_item (
          self, g_ptr_array_index (items, i), session);

      if (found != NULL && !is_known (self, found))
        describe (&builder, found);
    }

  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

static void
on_listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GPtrArray) items = finish_find (source, result);
  const Question *question = g_task_get_task_data (task);
  TrdSession *session;

  if (find_asker (task, &session))
    g_task_return_pointer (
        task, list (question->self, session, items), (GDestroyNotify)g_variant_unref);
}

void
trd_credentials_list_async (TrdCredentials *self,
                            TrdSession *session,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_autoptr (GTask) task = new_question (self, session, NULL, callback, user_data);
  g_autoptr (GHashTable) attributes = new_attributes (session->row->owner);
  g_autoptr (GPtrArray) nothing = g_ptr_array_new ();

  if (self->env->vault == NULL)
    g_task_return_pointer (
        task, list (self, session, nothing), (GDestroyNotify)g_variant_unref);
  else
    trd_vault_find_async (self->env->vault,
                          TRD_VAULT_CREDENTIAL,
                          attributes,
                          self->cancellable,
                          on_listed,
                          g_steal_pointer (&task));
}

GVariant *
trd_credentials_list_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ---- removing what was asked about ---- */

/* A space without a realm means any, and without a method Basic and Digest. */
static gboolean
is_meant (const TrdCredential *credential, const TrdSpace *space)
{
  g_auto (TrdSpace) other = { 0 };

  trd_credential_copy_space (&other, &credential->space);
  if (other.method == NULL && space->method == NULL)
    other.method = g_strdup ("basic");
  return trd_space_covers (space, &other);
}

/* All that was told before is forgotten: this is what came after it. */
static gboolean
is_told_since (TrdCredentials *self, const TrdCredential *found)
{
  for (guint i = 0; i < self->all->len; i++)
    {
      const TrdCredential *known = g_ptr_array_index (self->all, i);

      if (known->told
          && trd_credential_is_for (
              known, found->owner, found->session_id, 0, &found->space)
          && g_strcmp0 (known->user, found->user) == 0)
        return TRUE;
    }

  return FALSE;
}

static void
on_found_to_remove (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GPtrArray) items = finish_find (source, result);
  const Question *question = g_task_get_task_data (task);
  TrdSession *session;

  if (!find_asker (task, &session))
    return;

  for (guint i = 0; i < items->len; i++)
    {
      const TrdVaultItem *item = g_ptr_array_index (items, i);
      g_autoptr (TrdCredential) found = read_item (question->self, item, session);

      if (found != NULL && is_meant (found, &question->space)
          && !is_told_since (question->self, found))
        erase (question->self, item->attributes);
    }
  if (question->self->n_pending == 0)
    g_task_return_boolean (task, TRUE);
  else
    g_ptr_array_add (question->self->waiters, g_steal_pointer (&task));
}

static void
forget (TrdCredentials *self, TrdSession *session, const TrdSpace *space)
{
  for (guint i = self->all->len; i > 0; i--)
    {
      const TrdCredential *credential = g_ptr_array_index (self->all, i - 1);

      if (trd_credential_is_usable_by (credential, session, credential->challenge_id)
          && is_meant (credential, space))
        g_ptr_array_remove_index (self->all, i - 1);
    }
}

/* What was told to be stored before is there by now. */
static void
on_flushed_to_remove (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  const Question *question = g_task_get_task_data (task);
  g_autoptr (GHashTable) attributes = NULL;
  TrdSession *session;

  if (!find_asker (task, &session))
    return;

  attributes = attributes_of_server (session->row->owner, &question->space);
  trd_vault_find_async (question->self->env->vault,
                        TRD_VAULT_CREDENTIAL,
                        attributes,
                        question->self->cancellable,
                        on_found_to_remove,
                        g_steal_pointer (&task));
}

void
trd_credentials_remove_async (TrdCredentials *self,
                              TrdSession *session,
                              const TrdSpace *space,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  g_autoptr (GTask) task = new_question (self, session, space, callback, user_data);

  forget (self, session, space);
  if (self->env->vault == NULL)
    g_task_return_boolean (task, TRUE);
  else
    trd_credentials_flush_async (self, on_flushed_to_remove, g_steal_pointer (&task));
}

gboolean
trd_credentials_remove_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
