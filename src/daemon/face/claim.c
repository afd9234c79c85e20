/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names an app gives itself.  They decide whom the service starts and wakes, so nobody
 * may take the name of another: a sandboxed app has the one that was computed, and on the
 * host, where all processes are one principal, a name in use belongs to who uses it. */

#include "config.h"

#include "face/claim.h"

#include "common/vocabulary.h"

#include <string.h>

typedef struct
{
  TrdLauncher *launcher; /* (owned) */
  TrdPeer *peer;         /* (owned) */
  TrdOwner *owner;       /* (owned) */
  GQueue names;          /* (element-type utf8) (owned): still to be asked about */
} Claim;

static void
claim_free (Claim *self)
{
  g_clear_object (&self->launcher);
  g_clear_pointer (&self->peer, trd_peer_unref);
  g_clear_pointer (&self->owner, trd_owner_unref);
  g_queue_clear_full (&self->names, g_free);
  g_free (self);
}

/* @name is @id, or "@id.something". */
static gboolean
is_at_or_below (const char *name, const char *id)
{
  gsize length = strlen (id);

  return strncmp (name, id, length) == 0 && (name[length] == '\0' || name[length] == '.');
}

static gboolean
check_form (const char *key, const char *name, GError **error)
{
  if (name == NULL || g_application_id_is_valid (name))
    return TRUE;

  g_set_error (error,
               TRUNDLE_ERROR,
               TRUNDLE_ERROR_INVALID_ARGUMENT,
               "%s: this is not a valid name of an app on the bus",
               key);
  return FALSE;
}

static gboolean
check_names (TrdPeer *peer, const char *app_id, const char *activation, GError **error)
{
  const char *own_id = peer->owner->app_id;

  if (!check_form ("app-id", app_id, error)
      || !check_form ("activation-name", activation, error))
    return FALSE;
  if (trd_owner_is_host (peer->owner) || activation == NULL
      || is_at_or_below (activation, own_id))
    return TRUE;

  g_set_error (error,
               TRUNDLE_ERROR,
               TRUNDLE_ERROR_NOT_ALLOWED,
               "activation-name: a sandboxed app may be started as %s or a name below",
               own_id);
  return FALSE;
}

/* What the caller was found to be needs no further proof. */
static void
add_name (Claim *self, const char *name)
{
  const char *own_id = self->peer->owner->app_id;

  if (name == NULL || !trd_owner_is_host (self->peer->owner)
      || is_at_or_below (name, own_id)
      || g_queue_find_custom (&self->names, name, (GCompareFunc)strcmp) != NULL)
    return;

  g_queue_push_tail (&self->names, g_strdup (name));
}

static void
ask_next (GTask *task);

static void
on_owner_found (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Claim *self = g_task_get_task_data (task);
  g_autofree char *name = g_queue_pop_head (&self->names);
  g_autofree char *holder = NULL;
  GError *error = NULL;

  holder = trd_launcher_find_owner_finish (self->launcher, result, &error);
  if (error != NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  if (holder != NULL && g_strcmp0 (holder, self->peer->name) != 0)
    {
      g_task_return_new_error (task,
                               TRUNDLE_ERROR,
                               TRUNDLE_ERROR_NOT_ALLOWED,
                               "The name %s is in use by another process",
                               name);
      return;
    }

  ask_next (g_steal_pointer (&task));
}

/* Consumes @task. */
static void
ask_next (GTask *task)
{
  Claim *self = g_task_get_task_data (task);
  const char *name = g_queue_peek_head (&self->names);

  if (name != NULL)
    {
      trd_launcher_find_owner_async (self->launcher, name, NULL, on_owner_found, task);
      return;
    }

  g_task_return_pointer (
      task, g_steal_pointer (&self->owner), (GDestroyNotify)trd_owner_unref);
  g_object_unref (task);
}

void
trd_claim_async (TrdLauncher *launcher,
                 TrdPeer *peer,
                 GVariant *configuration,
                 GAsyncReadyCallback callback,
                 gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  g_autofree char *app_id = NULL;
  g_autofree char *activation = NULL;
  GError *error = NULL;
  Claim *self;

  g_task_set_source_tag (task, trd_claim_async);
  app_id = trundle_options_get_string (configuration, NULL, "app-id");
  activation = trundle_options_get_string (configuration, NULL, "activation-name");
  if (!check_names (peer, app_id, activation, &error))
    {
      g_task_return_error (task, error);
      return;
    }

  self = g_new0 (Claim, 1);
  g_queue_init (&self->names);
  self->launcher = g_object_ref (launcher);
  self->peer = trd_peer_ref (peer);
  self->owner = trd_owner_is_host (peer->owner) && app_id != NULL
                    ? trd_owner_new (peer->owner->confinement, app_id)
                    : trd_owner_ref (peer->owner);
  g_task_set_task_data (task, self, (GDestroyNotify)claim_free);
  add_name (self, app_id);
  add_name (self, activation);

  ask_next (g_steal_pointer (&task));
}

TrdOwner *
trd_claim_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
