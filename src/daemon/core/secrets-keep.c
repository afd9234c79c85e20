/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Into the keyring, and out of it.  A few at a time, since keyrings write their whole
 * file for each; the first that fails says that the others need not be tried now. */

#include "config.h"

#include "core/secrets-private.h"

#include "common/defaults.h"
#include "port/kept-mark.h"

#define STORES_MAX 4

/* ---- storing ---- */

/* What is known says that it would be in vain. */
static gboolean
is_closed (TrdSecretPool *self)
{
  TrdVaultState state;

  if (self->closed || self->env->vault == NULL || self->env->state_id == NULL)
    return TRUE;

  state = trd_vault_get_state (self->env->vault);
  return state == TRD_VAULT_LOCKED || state == TRD_VAULT_ABSENT;
}

void
trd_secrets_keep (TrdSecrets *self)
{
  if ((self->kept && !self->changed) || self->storing || is_closed (self->pool))
    return;

  self->storing = TRUE;
  g_queue_push_tail (&self->pool->queue, trd_secrets_ref (self));
}

static void
give_up (TrdSecretPool *self)
{
  TrdSecrets *secrets;

  while ((secrets = g_queue_pop_head (&self->queue)) != NULL)
    {
      secrets->storing = FALSE;
      trd_secrets_unref (secrets);
    }
}

typedef struct
{
  TrdSecretPool *pool; /* (owned) */
  TrdSecrets *secrets; /* (owned) (nullable) */
} Job;

static void
job_free (Job *self)
{
  g_clear_pointer (&self->secrets, trd_secrets_unref);
  g_object_unref (self->pool);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Job, job_free)

static Job *
job_new (TrdSecretPool *pool, TrdSecrets *secrets)
{
  Job *job = g_new0 (Job, 1);

  job->pool = g_object_ref (pool);
  job->secrets = secrets;
  return job;
}

static void
on_stored (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Job) job = user_data;
  TrdSecretPool *self = job->pool;
  g_autoptr (GError) error = NULL;
  gboolean stored = trd_vault_store_finish (TRD_VAULT (source), result, &error);

  self->n_storing--;
  job->secrets->storing = FALSE;
  job->secrets->kept |= stored;
  if (!stored)
    {
      job->secrets->changed = job->secrets->kept;
      g_message ("Secrets are in memory only: %s",
                 error != NULL ? error->message : "they are not kept");
      /* It may have been stored after its time. */
      self->untidy = TRUE;
      give_up (self);
    }
  else if (job->secrets->changed && job->secrets->pool != NULL)
    trd_secrets_keep (job->secrets);
  /* Now that nothing waits for it, it may be nobody's. */
  g_clear_pointer (&job->secrets, trd_secrets_unref);
  trd_secret_pool_store_next (self);
}

static void
mark (TrdSecretPool *self)
{
  if (!self->marked)
    trd_kept_mark_set (trd_spool_get_state_directory (self->env->spool));
  self->marked = TRUE;
}

/* Consumes a reference. */
static void
store (TrdSecretPool *self, TrdSecrets *secrets)
{
  g_autoptr (GHashTable) attributes = trd_secret_pool_attributes (self, secrets->id);
  g_autofree char *label = g_strdup_printf (
      "Transfers of %s", secrets->app_id != NULL ? secrets->app_id : "an application");
  char *text = g_variant_print (secrets->value, TRUE);
  g_autoptr (GBytes) bytes = g_bytes_new_take (text, strlen (text));

  mark (self);
  secrets->changed = FALSE;
  /* Only an item with the same attributes is replaced. */
  if (!secrets->kept)
    secrets->item_session_id = secrets->session_id;
  if (secrets->item_session_id != 0)
    g_hash_table_insert (attributes,
                         (gpointer) "session",
                         g_strdup_printf ("%" G_GINT64_FORMAT, secrets->item_session_id));
  self->n_storing++;
  trd_vault_store_async (self->env->vault,
                         TRD_VAULT_SECRETS,
                         attributes,
                         label,
                         bytes,
                         NULL,
                         on_stored,
                         job_new (self, secrets));
}

/* ---- those who wait ---- */

typedef struct
{
  TrdSecretPool *pool; /* (owned) */
  GPtrArray *sets;     /* (owned) (element-type TrdSecrets) */
  guint alarm;         /* 0 for none */
} Preparation;

static void
preparation_free (Preparation *self)
{
  g_ptr_array_unref (self->sets);
  g_object_unref (self->pool);
  g_free (self);
}

static gboolean
is_ready (Preparation *self)
{
  if (self->pool->closed)
    return TRUE;

  for (guint i = 0; i < self->sets->len; i++)
    {
      TrdSecrets *secrets = g_ptr_array_index (self->sets, i);

      if (secrets->storing)
        return FALSE;
    }

  return TRUE;
}

/* Consumes @task. */
static void
end_preparation (GTask *task)
{
  Preparation *self = g_task_get_task_data (task);

  if (self->alarm != 0)
    trd_clock_remove_alarm (self->pool->env->clock, self->alarm);
  self->alarm = 0;
  g_task_return_pointer (
      task, g_ptr_array_ref (self->sets), (GDestroyNotify)g_ptr_array_unref);
  g_object_unref (task);
}

static void
end_preparations (TrdSecretPool *self)
{
  g_autoptr (GPtrArray) ready = g_ptr_array_new ();

  for (guint i = self->preparations->len; i > 0; i--)
    {
      GTask *task = g_ptr_array_index (self->preparations, i - 1);

      if (is_ready (g_task_get_task_data (task)))
        g_ptr_array_insert (
            ready, 0, g_ptr_array_steal_index (self->preparations, i - 1));
    }
  for (guint i = 0; i < ready->len; i++)
    end_preparation (g_ptr_array_index (ready, i));
}

void
trd_secret_pool_store_next (TrdSecretPool *self)
{
  g_object_ref (self);
  while (self->n_storing < STORES_MAX && !g_queue_is_empty (&self->queue))
    store (self, g_queue_pop_head (&self->queue));

  end_preparations (self);
  if (self->late && self->n_storing == 0 && !self->closed)
    {
      self->late = FALSE;
      g_signal_emit_by_name (self, "kept");
    }
  g_object_unref (self);
}

static void
on_too_slow (gpointer user_data)
{
  GTask *task = user_data;
  Preparation *self = g_task_get_task_data (task);
  guint index = 0;

  self->alarm = 0;
  /* What is kept later is told later. */
  self->pool->late = TRUE;
  if (g_ptr_array_find (self->pool->preparations, task, &index))
    end_preparation (g_ptr_array_steal_index (self->pool->preparations, index));
}

/* (transfer full) */
static TrdSecrets *
prepare (TrdSecretPool *self, gint64 session_id, const char *app_id, GVariant *value)
{
  TrdSecrets key = { .session_id = session_id, .value = value };
  TrdSecrets *secrets = g_hash_table_lookup (self->by_value, &key);

  if (session_id != 0 && secrets != NULL)
    return trd_secrets_ref (secrets);

  secrets = trd_secrets_new (self, session_id, NULL);
  trd_secrets_set_value (secrets, value);
  secrets->app_id = g_strdup (app_id);
  trd_secrets_index (secrets);
  trd_secrets_keep (secrets);

  return secrets;
}

void
trd_secret_pool_prepare_async (TrdSecretPool *self,
                               gint64 session_id,
                               const char *app_id,
                               GPtrArray *values,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  Preparation *preparation = g_new0 (Preparation, 1);

  g_task_set_source_tag (task, trd_secret_pool_prepare_async);
  preparation->pool = g_object_ref (self);
  preparation->sets = g_ptr_array_new_with_free_func ((GDestroyNotify)trd_secrets_unref);
  g_task_set_task_data (task, preparation, (GDestroyNotify)preparation_free);
  for (guint i = 0; i < values->len; i++)
    g_ptr_array_add (preparation->sets,
                     prepare (self, session_id, app_id, g_ptr_array_index (values, i)));

  if (!is_ready (preparation))
    preparation->alarm = trd_clock_add_alarm (
        self->env->clock, TRD_SECRETS_TIMEOUT_US, on_too_slow, task);
  g_ptr_array_add (self->preparations, task);
  trd_secret_pool_store_next (self);
}

GPtrArray *
trd_secret_pool_prepare_finish (TrdSecretPool *self, GAsyncResult *result)
{
  return g_task_propagate_pointer (G_TASK (result), NULL);
}

/* ---- removing ---- */

static void
on_removed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Job) job = user_data;
  g_autoptr (GError) error = NULL;

  if (trd_vault_remove_finish (TRD_VAULT (source), result, &error))
    return;

  g_debug ("Secrets that nobody needs stay in the keyring for now: %s",
           error != NULL ? error->message : "it is locked");
  job->pool->untidy = TRUE;
}

void
trd_secrets_remove_item (TrdSecretPool *pool, const char *id)
{
  g_autoptr (GHashTable) attributes = trd_secret_pool_attributes (pool, id);

  if (is_closed (pool))
    {
      pool->untidy = TRUE;
      return;
    }

  trd_vault_remove_async (pool->env->vault,
                          TRD_VAULT_SECRETS,
                          attributes,
                          NULL,
                          on_removed,
                          job_new (pool, NULL));
}
