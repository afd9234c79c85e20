/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The registry's verb that makes tasks, one or a batch: all or none, in one transaction,
 * from what was asked, from what an earlier one left, or by finding the one there is. */

#include "config.h"

#include "core/registry.h"

#include "common/error.h"
#include "common/vocabulary.h"
#include "core/oauth2.h"
#include "core/registry-internal.h"
#include "core/request.h"
#include "core/turn.h"

TrdDraft *
trd_draft_new (TrundleKind kind, const char *url, GVariant *options)
{
  TrdDraft *self = g_new0 (TrdDraft, 1);

  self->kind = kind;
  self->url = g_strdup (url);
  self->options = g_variant_ref_sink (options);

  return self;
}

void
trd_draft_free (TrdDraft *self)
{
  g_free (self->url);
  g_clear_pointer (&self->options, g_variant_unref);
  g_clear_pointer (&self->place, trd_place_free);
  g_clear_pointer (&self->body, g_variant_unref);
  g_free (self);
}

static GBytes *
lookup_user_data (GVariant *options)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (
      options, "user-data", G_VARIANT_TYPE_BYTESTRING);

  return value != NULL ? g_variant_get_data_as_bytes (value) : NULL;
}

/* The time of the whole begins with the earliest begin, when there is one. */
static void
begin_at_once (TrdTaskRow *row, GVariant *configuration, TrdMoment now)
{
  guint64 timeout_ms = trundle_options_get_uint64 (
      row->options, configuration, "resource-timeout");

  row->state = TRUNDLE_TASK_QUEUED;
  row->resumed_us = row->created_us;
  if (row->earliest_begin_us != 0)
    return;

  row->deadline = trd_moment_at (
      now,
      timeout_ms == 0 ? G_MAXINT64 : trd_moment_after (now, (gint64)timeout_ms * 1000));
}

static TrdTaskRow *
row_from_draft (TrdRegistry *self,
                TrdSession *session,
                const TrdDraft *draft,
                const TrdRequestParts *parts,
                TrdSecrets *secrets)
{
  const TrdEnv *env = trd_registry_get_env (self);
  GVariant *configuration = session->row->configuration;
  TrdMoment now = trd_clock_now (env->clock);
  g_autoptr (TrdTaskRow) row = g_new0 (TrdTaskRow, 1);

  row->session_id = session->row->id;
  row->uuid = g_uuid_string_random ();
  row->kind = draft->kind;
  row->url = g_strdup (parts->url);
  row->options = g_variant_ref (parts->options);
  if (draft->body != NULL)
    {
      row->body = g_variant_ref (draft->body);
      row->body_size = draft->body_size;
    }
  row->place = draft->place != NULL ? trd_place_copy (draft->place) : trd_place_new (0);
  row->durable = trd_secrets_is_kept (secrets);
  row->secrets_id = g_strdup (trd_secrets_get_id (secrets));
  row->created_us = now.wall_us;
  row->priority = trundle_options_get_double (draft->options, configuration, "priority");
  row->description = trundle_options_get_string (draft->options, NULL, "description");
  row->group = trundle_options_get_string (draft->options, NULL, "group");
  row->user_data = lookup_user_data (draft->options);
  row->dedup_key = trundle_options_get_string (draft->options, NULL, "dedup-key");
  g_variant_lookup (draft->options, "earliest-begin", "x", &row->earliest_begin_us);
  if (row->earliest_begin_us != 0
      && trundle_options_get_boolean (draft->options, NULL, "notify-before-start"))
    row->delayed = TRD_DELAYED_TO_ASK;
  row->state = TRUNDLE_TASK_SUSPENDED;
  if (trundle_options_get_boolean (draft->options, NULL, "start"))
    begin_at_once (row, configuration, now);

  return g_steal_pointer (&row);
}

static TrdTaskBrief
brief_of_row (const TrdTaskRow *row)
{
  return (TrdTaskBrief){
    .id = row->id,
    .session_id = row->session_id,
    .kind = row->kind,
    .state = row->state,
    .durable = row->durable,
    .priority = row->priority,
    .deadline = row->deadline,
    .earliest_begin_us = row->earliest_begin_us,
    .delayed = row->delayed,
    .secrets_id = row->secrets_id,
    .url = row->url,
  };
}

/* The name of a part beside its destination tells the task's number, which the row gets
 * from the store. */
static gboolean
insert_row (const TrdEnv *env, TrdTaskRow *row, GError **error)
{
  if (!trd_store_insert_task (env->store, row, error))
    return FALSE;
  if (trd_place_is_spool (row->place))
    return TRUE;

  /* One it goes on with has a name already. */
  if (row->place->part_name == NULL)
    trd_spool_name_part (env->spool, row->place);
  return trd_store_update_task (env->store, row, error);
}

/* What a batch comes to, while it is staged. */
typedef struct
{
  TrdRegistry *registry; /* (unowned) */
  TrdSession *session;   /* (unowned) */
  TrdTurn *turn;         /* (owned): the transaction */
  GPtrArray *rows;       /* (owned) (element-type TrdTaskRow): new ones */
  GPtrArray *secrets;    /* (owned) (element-type TrdSecrets): theirs, or NULL */
  GHashTable *resumed;   /* (owned) (element-type TrdTask): found ones that begin */
  GArray *ids;           /* (owned) (element-type gint64): in the order of the drafts */
} Batch;

static void
unref_if_any (gpointer secrets)
{
  if (secrets != NULL)
    trd_secrets_unref (secrets);
}

static void
batch_clear (Batch *self)
{
  g_clear_pointer (&self->turn, trd_turn_free);
  g_clear_pointer (&self->rows, g_ptr_array_unref);
  g_clear_pointer (&self->secrets, g_ptr_array_unref);
  g_clear_pointer (&self->resumed, g_hash_table_unref);
  g_clear_pointer (&self->ids, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Batch, batch_clear)

static TrdTaskRow *
find_new_row (Batch *self, gint64 id)
{
  for (guint i = 0; i < self->rows->len; i++)
    {
      TrdTaskRow *row = g_ptr_array_index (self->rows, i);

      if (row->id == id)
        return row;
    }

  return NULL;
}

/* `start` is heeded for a task that was found as for one that was made: the app wants it
 * to run. */
static gboolean
start_found (Batch *self, gint64 id, GError **error)
{
  TrdTask *task = trd_registry_find_task (self->registry, id);
  const TrdEnv *env = trd_registry_get_env (self->registry);
  TrdTaskRow *row = find_new_row (self, id);

  if (row != NULL && row->state == TRUNDLE_TASK_SUSPENDED)
    {
      begin_at_once (row, self->session->row->configuration, trd_clock_now (env->clock));
      return trd_store_update_task (env->store, row, error);
    }
  if (task == NULL || task->state != TRUNDLE_TASK_SUSPENDED
      || !g_hash_table_add (self->resumed, task))
    return TRUE;

  return trd_turn_apply (self->turn, task, TRD_TASK_INPUT_RESUME, NULL, error);
}

/* The task of the draft's `dedup-key`, if there is one; @out_id is 0 otherwise. */
static gboolean
find_draft (Batch *self, const TrdDraft *draft, gint64 *out_id, GError **error)
{
  g_autofree char *key = trundle_options_get_string (draft->options, NULL, "dedup-key");

  *out_id = 0;
  if (key == NULL)
    return TRUE;
  if (!trd_store_find_dedup (trd_registry_get_env (self->registry)->store,
                             self->session->row->id,
                             key,
                             out_id,
                             error))
    return FALSE;

  return *out_id == 0 || !trundle_options_get_boolean (draft->options, NULL, "start")
         || start_found (self, *out_id, error);
}

/* Its row, with what is there of an earlier task. */
static gboolean
insert_draft (Batch *self, TrdTaskRow *row, TrdResumable *kept, GError **error)
{
  TrdKeeper *keeper = trd_registry_get_keeper (self->registry);
  const TrdEnv *env = trd_registry_get_env (self->registry);

  if (kept == NULL)
    return insert_row (env, row, error);

  return trd_keeper_endow (keeper, kept, row, error) && insert_row (env, row, error)
         && trd_keeper_spend (keeper, kept, row, error);
}

/* The request of a draft: its own, over that of what it goes on with (NULL for nothing).
 */
static gboolean
read_draft (Batch *self,
            const TrdDraft *draft,
            TrdResumable **out_kept,
            TrdRequestParts *out_parts,
            GError **error)
{
  g_autoptr (GBytes) data = NULL;
  g_autoptr (GVariant) value = g_variant_lookup_value (
      draft->options, "resume-data", G_VARIANT_TYPE_BYTESTRING);

  *out_kept = NULL;
  if (value == NULL)
    return trd_request_take_apart (
        draft->kind, draft->url, draft->options, out_parts, error);

  data = g_variant_get_data_as_bytes (value);
  *out_kept = trd_keeper_find (
      trd_registry_get_keeper (self->registry), self->session->row->owner, data, error);
  return *out_kept != NULL
         && trd_keeper_take_apart (
             *out_kept, draft->kind, draft->url, draft->options, out_parts, error);
}

/* One draft into the open transaction. */
static gboolean
stage_draft (Batch *self, TrdDraft *draft, GError **error)
{
  g_auto (TrdRequestParts) parts = { 0 };
  g_autoptr (TrdResumable) kept = NULL;
  g_autoptr (TrdSecrets) secrets = NULL;
  g_autoptr (TrdTaskRow) row = NULL;
  gint64 id;

  /* One that is found is not asked for anything, but nonsense stays nonsense; what it
   * went on with was spent by it, though. */
  if (!find_draft (self, draft, &id, error))
    return FALSE;
  if ((id == 0 || !g_variant_lookup (draft->options, "resume-data", "ay", NULL))
      && (!read_draft (self, draft, &kept, &parts, error)
          || !trd_oauth2_check (
              draft->options, draft->options, self->session->row->configuration, error)))
    return FALSE;

  if (id == 0)
    {
      secrets = trd_secret_pool_take (trd_registry_get_secret_pool (self->registry),
                                      self->session->row->id,
                                      parts.secrets);
      row = row_from_draft (self->registry, self->session, draft, &parts, secrets);
      if (!insert_draft (self, row, kept, error))
        return FALSE;
      id = row->id;
      draft->is_made = TRUE;
      g_ptr_array_add (self->rows, g_steal_pointer (&row));
      g_ptr_array_add (self->secrets, g_steal_pointer (&secrets));
    }

  g_array_append_val (self->ids, id);
  return TRUE;
}

static gboolean
stage_drafts (Batch *self, GPtrArray *drafts, GError **error)
{
  self->turn = trd_turn_new_open (self->registry, error);
  if (self->turn == NULL)
    return FALSE;

  self->rows = g_ptr_array_new_with_free_func ((GDestroyNotify)trd_task_row_free);
  self->secrets = g_ptr_array_new_with_free_func (unref_if_any);
  self->resumed = g_hash_table_new (NULL, NULL);
  self->ids = g_array_sized_new (FALSE, FALSE, sizeof (gint64), drafts->len);
  for (guint i = 0; i < drafts->len; i++)
    if (!stage_draft (self, g_ptr_array_index (drafts, i), error))
      {
        if (drafts->len > 1)
          g_prefix_error (error, "Task %u: ", i);
        return FALSE;
      }

  return TRUE;
}

static void
adopt_rows (Batch *self)
{
  for (guint i = 0; i < self->rows->len; i++)
    {
      TrdTaskRow *row = g_ptr_array_index (self->rows, i);
      TrdTaskBrief brief = brief_of_row (row);
      TrdTask *task;

      task = trd_registry_adopt_task (self->registry, self->session, &brief);
      if (task->secrets == NULL)
        task->secrets = g_steal_pointer (&self->secrets->pdata[i]);
      task->releasing = trd_keeper_is_heir (trd_registry_get_keeper (self->registry),
                                            row->id);
    }
  for (guint i = 0; i < self->rows->len; i++)
    {
      TrdTaskRow *row = g_ptr_array_index (self->rows, i);

      trd_registry_emit_task_added (self->registry,
                                    trd_registry_find_task (self->registry, row->id));
    }
}

GArray *
trd_registry_create_tasks (TrdRegistry *self,
                           TrdSession *session,
                           GPtrArray *drafts,
                           GError **error)
{
  g_auto (Batch) batch = { .registry = self, .session = session };
  TrundleSessionState next;

  if (trd_session_state_next (session->row->state, TRD_SESSION_INPUT_CREATE, &next)
      == TRD_CELL_ILLEGAL)
    {
      g_set_error_literal (error,
                           TRUNDLE_ERROR,
                           TRUNDLE_ERROR_BAD_STATE,
                           "The session takes no new tasks: it was invalidated");
      return NULL;
    }
  if (!stage_drafts (&batch, drafts, error) || !trd_turn_commit (batch.turn, error))
    return NULL;
  trd_keeper_settle (trd_registry_get_keeper (self));

  adopt_rows (&batch);
  return g_steal_pointer (&batch.ids);
}
