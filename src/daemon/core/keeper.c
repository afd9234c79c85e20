/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Parts that outlive their tasks.  The row is the truth, the data an app has only bears
 * its token.  A part stays where it is, in the spool under the number of the task that
 * left it, or beside its destination: nothing but a row names it there, so a row goes
 * only after its part.  When a task takes one the row says by whom before the part is
 * renamed, and is deleted after (law 6). */

#include "config.h"

#include "core/keeper.h"

#include <unistd.h>

#include "common/defaults.h"
#include "common/error.h"
#include "common/url.h"
#include "common/vocabulary.h"
#include "core/body.h"
#include "core/resume.h"
#include "port/sources.h"
#include "port/store-resumable.h"
#include "value/resume-data.h"
#include "value/upload.h"

#define LOOK_INTERVAL_US (24 * 3600 * TRD_SECOND_US)

struct _TrdKeeper
{
  const TrdEnv *env;     /* (unowned), outlives us */
  guint alarm;           /* 0 while nothing is kept */
  gboolean is_unsettled; /* parts were taken, and may not bear their names yet */
  GHashTable *held;      /* (owned) (element-type gint64 gint64): parts that workers hold
                          * still,      by the task they are of, and the heir, 0 for none */
};

TrdKeeper *
trd_keeper_new (const TrdEnv *env)
{
  TrdKeeper *self = g_new0 (TrdKeeper, 1);

  self->env = env;
  self->held = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);

  return self;
}

void
trd_keeper_free (TrdKeeper *self)
{
  if (self->alarm != 0)
    trd_clock_remove_alarm (self->env->clock, self->alarm);
  g_hash_table_unref (self->held);
  g_free (self);
}

/* ---- how old ---- */

/* In the boot in which it was kept nobody's setting of the clock makes it older. */
static gint64
age_us (TrdKeeper *self, const TrdResumable *kept)
{
  if (kept->kept.boot_us > 0)
    return trd_clock_boottime_us (self->env->clock) - kept->kept.boot_us;

  return trd_clock_now_us (self->env->clock) - kept->kept.wall_us;
}

static gboolean
is_expired (TrdKeeper *self, const TrdResumable *kept)
{
  return age_us (self, kept) >= TRD_RESUME_DATA_KEPT_US;
}

/* Whether the part is known to be gone.  One on a disk that is not there now is not. */
static gboolean
discard_part (TrdKeeper *self, const TrdResumable *kept)
{
  g_auto (TrdIntent) found = { 0 };
  g_autoptr (GError) error = NULL;

  if (kept->kind == TRUNDLE_KIND_UPLOAD)
    return TRUE;

  trd_spool_discard (self->env->spool, kept->place);
  return !trd_spool_stat_part (self->env->spool, kept->place, &found, &error)
         && g_error_matches (error, TRUNDLE_ERROR, TRUNDLE_ERROR_FILE_NOT_FOUND);
}

/* The part goes first: once the row is gone, nobody knows whose it is.  What was to be
 * sent would be swept. */
static void
forget (TrdKeeper *self, const TrdResumable *kept)
{
  g_autoptr (GError) error = NULL;

  if (!discard_part (self, kept))
    return;
  if (!trd_store_delete_resumable (self->env->store, kept->place->task_id, &error))
    g_warning ("Cannot forget a part: %s", error->message);
  else
    trd_body_discard (self->env, kept->body);
}

static void
look (TrdKeeper *self, GPtrArray *rows)
{
  for (guint i = 0; i < rows->len; i++)
    {
      const TrdResumable *kept = g_ptr_array_index (rows, i);

      if (is_expired (self, kept))
        forget (self, kept);
    }
}

static void
arm (TrdKeeper *self);

static void
on_alarm (gpointer user_data)
{
  TrdKeeper *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) rows = NULL;

  self->alarm = 0;
  rows = trd_store_list_resumable (self->env->store, FALSE, &error);
  if (rows == NULL)
    g_warning ("Cannot look for parts that are too old: %s", error->message);
  else
    look (self, rows);
  if (rows == NULL || rows->len > 0)
    arm (self);
}

/* Nobody stays or is started for this: the next start looks too. */
static void
arm (TrdKeeper *self)
{
  if (self->alarm == 0)
    self->alarm = trd_clock_add_alarm (
        self->env->clock, LOOK_INTERVAL_US, on_alarm, self);
}

/* ---- keeping ---- */

/* Of the request, not of the one time it was to be made. */
static GVariant *
choose_options (GVariant *options)
{
  static const char *const not_kept[]
      = { "earliest-begin", "notify-before-start", "dedup-key", "resume-data" };
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (options);

  for (guint i = 0; i < G_N_ELEMENTS (not_kept); i++)
    g_variant_dict_remove (&dict, not_kept[i]);

  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* Bytes of the part that are believed; by what was last known of it when its disk is not
 * there. */
static guint64
find_size (TrdKeeper *self, const TrdTaskRow *row)
{
  g_auto (TrdIntent) found = { 0 };
  g_autoptr (GError) error = NULL;

  if (!trd_spool_stat_part (self->env->spool, row->place, &found, &error)
      && g_error_matches (error, TRUNDLE_ERROR, TRUNDLE_ERROR_DESTINATION_GONE))
    found.size = row->received;

  return row->untrusted ? MIN (found.size, row->synced) : found.size;
}

static TrdResumable *
new_kept (TrdKeeper *self, const TrdOwner *owner, const TrdTaskRow *row)
{
  TrdResumable *kept = trd_resumable_new (row->id);

  kept->kind = row->kind;
  kept->owner = trd_owner_ref ((TrdOwner *)owner);
  kept->kept.wall_us = trd_clock_now_us (self->env->clock);
  kept->kept.boot_us = trd_clock_boottime_us (self->env->clock);
  kept->url = g_strdup (row->url);
  kept->options = choose_options (row->options);

  return kept;
}

static TrdResumable *
new_resumable (TrdKeeper *self,
               const TrdOwner *owner,
               const TrdTaskRow *row,
               GVariant *response)
{
  TrdResumable *kept = new_kept (self, owner, row);

  kept->synced = row->synced;
  kept->untrusted = row->untrusted;
  g_clear_pointer (&kept->place, trd_place_free);
  kept->place = trd_place_copy (row->place);
  kept->response = g_variant_ref (response);
  if (row->digest_state != NULL)
    kept->digest_state = g_variant_ref (row->digest_state);

  return kept;
}

static GBytes *
describe (const TrdResumable *kept, const TrdResume *plan)
{
  TrdResumeData data = {
    .token = kept->token,
    .url = kept->url,
    .offset = plan->offset,
    .total = plan->total,
    .created_us = kept->kept.wall_us,
  };

  return trd_resume_data_to_bytes (&data);
}

/* What is sent has names of its own, so that each of the rows that may go on with it can
 * go without the others. */
static TrdResumable *
new_resumable_upload (TrdKeeper *self,
                      const TrdOwner *owner,
                      const TrdTaskRow *row,
                      GError **error)
{
  g_autoptr (TrdResumable) kept = new_kept (self, owner, row);
  g_autoptr (TrdBody) body = trd_body_from_variant (row->body, NULL);
  g_autoptr (TrdBody) shared = NULL;

  if (body == NULL)
    g_set_error_literal (error,
                         TRUNDLE_ERROR,
                         TRUNDLE_ERROR_FAILED,
                         "What is stored of an upload makes no sense");
  else
    shared = trd_sources_share_body (self->env->spool, body, error);
  if (shared == NULL)
    return NULL;

  kept->body = trd_body_to_variant (shared);
  kept->body_size = row->body_size;
  kept->upload = trd_upload_with_sent (row->upload, row->sent);
  kept->response = g_variant_ref_sink (g_variant_new ("a{sv}", NULL));
  if (!trd_sources_sync (self->env->spool, error)
      || !trd_store_insert_resumable (self->env->store, kept, error))
    {
      trd_body_discard (self->env, kept->body);
      return NULL;
    }
  return g_steal_pointer (&kept);
}

/* The place is enough: how much is there, its server says. */
static gboolean
keep_upload (TrdKeeper *self,
             const TrdOwner *owner,
             TrdTaskRow *row,
             GBytes **out_data,
             GError **error)
{
  const TrdResume plan = { .offset = row->body_confirmed, .total = row->body_size };
  g_autoptr (TrdResumable) kept = NULL;

  if (!trd_upload_has_place (row->upload))
    return TRUE;
  kept = new_resumable_upload (self, owner, row, error);
  if (kept == NULL)
    return FALSE;

  g_clear_pointer (&row->upload, g_variant_unref);
  *out_data = describe (kept, &plan);
  arm (self);
  return TRUE;
}

gboolean
trd_keeper_keep (TrdKeeper *self,
                 const TrdOwner *owner,
                 TrdTaskRow *row,
                 GVariant *response,
                 GBytes **out_data,
                 GError **error)
{
  TrdTaskRow view = *row;
  g_auto (TrdResume) plan = { 0 };
  g_autoptr (TrdResumable) kept = NULL;

  *out_data = NULL;
  if (row->kind == TRUNDLE_KIND_UPLOAD)
    return keep_upload (self, owner, row, out_data, error);

  view.response = response;
  if (response != NULL)
    trd_resume_plan (&view, find_size (self, row), &plan);
  if (plan.offset == 0)
    return TRUE;

  kept = new_resumable (self, owner, row, response);
  if (!trd_store_insert_resumable (self->env->store, kept, error))
    return FALSE;

  /* It is another's from now on, whatever becomes of the task. */
  g_clear_pointer (&row->place->part_name, g_free);
  *out_data = describe (kept, &plan);
  arm (self);
  return TRUE;
}

/* ---- taking ---- */

static void
set_unknown (GError **error)
{
  g_set_error_literal (error,
                       TRUNDLE_ERROR,
                       TRUNDLE_ERROR_INVALID_RESUME_DATA,
                       "The resume data is not known: it was used before, has expired, "
                       "or was made for another application");
}

TrdResumable *
trd_keeper_find (TrdKeeper *self, const TrdOwner *owner, GBytes *data, GError **error)
{
  g_autoptr (TrdResumeData) read = trd_resume_data_from_bytes (data, error);
  g_autoptr (TrdResumable) kept = NULL;
  g_autoptr (GError) local_error = NULL;

  if (read == NULL)
    return NULL;

  kept = trd_store_find_resumable (self->env->store, read->token, &local_error);
  if (kept == NULL
      && !g_error_matches (local_error, TRUNDLE_ERROR, TRUNDLE_ERROR_NOT_FOUND))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }
  if (kept == NULL || kept->taken_by != 0 || is_expired (self, kept)
      || !trd_owner_may_address (owner, kept->owner))
    {
      set_unknown (error);
      return NULL;
    }

  return g_steal_pointer (&kept);
}

static gboolean
refuse (GError **error, const char *why)
{
  g_set_error (
      error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT, "resume-data: %s", why);
  return FALSE;
}

/* Bytes of something else are not what is there; what says so is refused, since the task
 * would quietly begin anew or, worse, mix the two. */
static gboolean
check_same_bytes (const TrdResumable *kept, GVariant *merged, GError **error)
{
  g_autofree char *method = trundle_options_get_string (merged, NULL, "method");
  g_autoptr (GVariant) range = g_variant_lookup_value (merged, "range", NULL);
  g_autoptr (GVariant) kept_range = g_variant_lookup_value (kept->options, "range", NULL);

  if (g_strcmp0 (method, "GET") == 0
      && (range == kept_range
          || (range != NULL && kept_range != NULL
              && g_variant_equal (range, kept_range))))
    return TRUE;

  return refuse (error, "what is there is of another method or range");
}

/* What a server keeps was sent to this address by this method, and is of no other. */
static gboolean
check_same_upload (const TrdResumable *kept,
                   const char *url,
                   GVariant *merged,
                   GError **error)
{
  g_autofree char *method = trundle_options_get_string (merged, NULL, "method");
  g_autofree char *before = trundle_options_get_string (kept->options, NULL, "method");
  g_autofree char *bare = trundle_url_without_user_info (url, NULL);

  if (g_strcmp0 (method, before) != 0)
    return refuse (error, "what is there is of another method");
  if (g_strcmp0 (bare, kept->url) != 0)
    return refuse (error, "what is there was sent to another address");
  return TRUE;
}

gboolean
trd_keeper_take_apart (const TrdResumable *kept,
                       TrundleKind kind,
                       const char *url,
                       GVariant *options,
                       TrdRequestParts *out_parts,
                       GError **error)
{
  g_autoptr (GVariant) merged = trd_request_merge (kept->options, options);

  if (*url == '\0')
    url = kept->url;
  if (kind != kept->kind)
    return refuse (error,
                   kind == TRUNDLE_KIND_UPLOAD ? "what is there is of a download"
                                               : "what is there is of an upload");
  if (!(kind == TRUNDLE_KIND_UPLOAD ? check_same_upload (kept, url, merged, error)
                                    : check_same_bytes (kept, merged, error)))
    return FALSE;

  return trd_request_take_apart (kind, url, merged, out_parts, error);
}

static gboolean
is_same_directory (const TrdPlace *a, const TrdPlace *b)
{
  if (trd_place_is_spool (a) || trd_place_is_spool (b))
    return FALSE;

  return a->inode == b->inode
         && (a->device == b->device || a->device == 0 || b->device == 0);
}

static void
begin_anew (TrdTaskRow *row)
{
  row->received = 0;
  row->synced = 0;
  row->untrusted = FALSE;
  g_clear_pointer (&row->response, g_variant_unref);
  g_clear_pointer (&row->digest_state, g_variant_unref);
}

/* What is known of the part becomes the row's. */
static void
hand_over (const TrdResumable *kept, guint64 size, TrdTaskRow *row)
{
  begin_anew (row);
  row->received = kept->untrusted ? MIN (size, kept->synced) : size;
  row->synced = MIN (kept->synced, size);
  row->untrusted = kept->untrusted;
  row->response = g_variant_ref (kept->response);
  if (kept->digest_state != NULL)
    row->digest_state = g_variant_ref (kept->digest_state);
}

/* Nothing is copied: what is sent has the names it was kept by. */
static void
hand_over_upload (const TrdResumable *kept, TrdTaskRow *row)
{
  row->body = g_variant_ref (kept->body);
  row->body_size = kept->body_size;
  row->upload = trd_upload_without_sent (kept->upload, &row->sent);
}

gboolean
trd_keeper_endow (TrdKeeper *self,
                  const TrdResumable *kept,
                  TrdTaskRow *row,
                  GError **error)
{
  g_auto (TrdIntent) found = { 0 };
  g_autoptr (GError) local_error = NULL;

  if (kept->kind == TRUNDLE_KIND_UPLOAD)
    {
      hand_over_upload (kept, row);
      return TRUE;
    }
  if (!trd_spool_stat_part (self->env->spool, kept->place, &found, &local_error)
      && !g_error_matches (local_error, TRUNDLE_ERROR, TRUNDLE_ERROR_FILE_NOT_FOUND))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  if (trd_resume_is_possible (kept->response, NULL, NULL) && found.size > 0)
    hand_over (kept, found.size, row);
  if (is_same_directory (kept->place, row->place))
    row->place->part_name = g_strdup (kept->place->part_name);

  return TRUE;
}

gboolean
trd_keeper_spend (TrdKeeper *self,
                  TrdResumable *kept,
                  const TrdTaskRow *row,
                  GError **error)
{
  gint64 *heir = g_hash_table_lookup (self->held, &kept->place->task_id);

  /* If nothing comes of the transaction this is the number of the next task, which then
   * waits a moment for nothing. */
  if (heir != NULL)
    *heir = row->id;

  /* The part bears its name already, or there is none. */
  if (kept->kind == TRUNDLE_KIND_UPLOAD || is_same_directory (kept->place, row->place))
    return trd_store_delete_resumable (self->env->store, kept->place->task_id, error);

  kept->taken_by = row->id;
  self->is_unsettled = TRUE;
  return trd_store_update_resumable (self->env->store, kept, error);
}

/* The part could not get to the task: on another file system, say. */
static gboolean
let_begin_anew (TrdKeeper *self, TrdTaskRow *row, GError **error)
{
  begin_anew (row);

  return trd_store_update_task (self->env->store, row, error);
}

/* Once a task has a part of its own there is none to be taken any more.  While nobody can
 * tell, the part stays: the next start looks again. */
static gboolean
settle_one (TrdKeeper *self, TrdResumable *kept, GError **error)
{
  const TrdEnv *env = self->env;
  g_autoptr (GError) load_error = NULL;
  g_autoptr (TrdTaskRow) row = trd_store_load_task (
      env->store, kept->taken_by, &load_error);
  g_autoptr (GError) local_error = NULL;
  g_auto (TrdIntent) found = { 0 };

  if (row == NULL
      && !g_error_matches (load_error, TRUNDLE_ERROR, TRUNDLE_ERROR_NOT_FOUND))
    {
      g_warning ("Cannot settle who has taken a part: %s", load_error->message);
      return TRUE;
    }

  if (row != NULL && row->state != TRUNDLE_TASK_FINISHED
      && kept->kind == TRUNDLE_KIND_DOWNLOAD
      && !trd_spool_rename_part (env->spool, kept->place, row->place, &local_error)
      && !trd_spool_stat_part (env->spool, row->place, &found, NULL))
    {
      g_message ("A part cannot be gone on with: %s", local_error->message);
      if (!let_begin_anew (self, row, error))
        return FALSE;
    }

  forget (self, kept);
  return TRUE;
}

void
trd_keeper_settle (TrdKeeper *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) rows = NULL;

  if (!self->is_unsettled)
    return;

  self->is_unsettled = FALSE;
  rows = trd_store_list_resumable (self->env->store, TRUE, &error);
  for (guint i = 0; rows != NULL && i < rows->len && error == NULL; i++)
    settle_one (self, g_ptr_array_index (rows, i), &error);

  if (error != NULL)
    g_warning ("Cannot settle what parts were taken: %s", error->message);
}

/* Nothing is there for the task any more, or what it kept for itself. */
static void
reclaim_nothing (TrdKeeper *self, TrdTaskRow *row)
{
  g_auto (TrdIntent) found = { 0 };

  if (!trd_place_is_spool (row->place) && row->place->part_name == NULL)
    trd_spool_name_part (self->env->spool, row->place);
  if (!trd_spool_stat_part (self->env->spool, row->place, &found, NULL))
    begin_anew (row);
}

/* It sends what it has itself; what was kept for others goes after the commit. */
static gboolean
reclaim_upload (TrdKeeper *self, TrdResumable *kept, TrdTaskRow *row, GError **error)
{
  gboolean sent;

  reclaim_nothing (self, row);
  g_clear_pointer (&row->upload, g_variant_unref);
  row->upload = trd_upload_without_sent (kept->upload, &sent);
  kept->taken_by = row->id;
  self->is_unsettled = TRUE;
  return trd_store_update_resumable (self->env->store, kept, error);
}

gboolean
trd_keeper_reclaim (TrdKeeper *self, TrdTaskRow *row, GError **error)
{
  g_autoptr (TrdResumable) kept = NULL;

  if (!trd_store_has_resumable (self->env->store, row->id))
    {
      reclaim_nothing (self, row);
      return TRUE;
    }

  kept = trd_store_load_resumable (self->env->store, row->id, error);
  if (kept == NULL)
    return FALSE;
  /* Somebody was faster; what is left is on a disk that is not there. */
  if (kept->taken_by != 0)
    {
      reclaim_nothing (self, row);
      return TRUE;
    }
  if (kept->kind == TRUNDLE_KIND_UPLOAD)
    return reclaim_upload (self, kept, row, error);

  g_free (row->place->part_name);
  row->place->part_name = g_strdup (kept->place->part_name);
  hand_over (kept, find_size (self, row), row);
  return trd_store_delete_resumable (self->env->store, row->id, error);
}

/* ---- what tasks leave ---- */

gboolean
trd_keeper_has (TrdKeeper *self, gint64 task_id)
{
  return trd_store_has_resumable (self->env->store, task_id);
}

/* A place beside a destination was forgotten by its task when the part was kept. */
void
trd_keeper_discard (TrdKeeper *self, const TrdPlace *place)
{
  if (!trd_place_is_spool (place) || !trd_keeper_has (self, place->task_id))
    trd_spool_discard (self->env->spool, place);
}

void
trd_keeper_note_held (TrdKeeper *self, gint64 task_id)
{
  g_hash_table_insert (
      self->held, g_memdup2 (&task_id, sizeof task_id), g_new0 (gint64, 1));
}

gboolean
trd_keeper_is_heir (TrdKeeper *self, gint64 task_id)
{
  GHashTableIter iter;
  gint64 *heir;

  g_hash_table_iter_init (&iter, self->held);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&heir))
    if (*heir == task_id)
      return TRUE;

  return FALSE;
}

gint64
trd_keeper_note_released (TrdKeeper *self, gint64 task_id)
{
  gint64 *heir = g_hash_table_lookup (self->held, &task_id);
  gint64 heir_id = heir != NULL ? *heir : 0;

  g_hash_table_remove (self->held, &task_id);
  return heir_id;
}

/* ---- starting ---- */

/* Cuts a part to what was synced of it; one that cannot be reached now is cut by whoever
 * goes on with it. */
static void
distrust (TrdKeeper *self, TrdResumable *kept)
{
  const TrdEnv *env = self->env;
  g_auto (TrdIntent) found = { 0 };
  int fd = -1;

  kept->untrusted = TRUE;
  if (!trd_spool_stat_part (env->spool, kept->place, &found, NULL))
    return;
  if (found.size > kept->synced)
    {
      fd = trd_spool_open_part (env->spool, kept->place, kept->synced, NULL);
      if (fd < 0)
        return;
      close (fd);
    }

  kept->untrusted = FALSE;
}

/* In a new boot its clock has begun anew, so that the date is all that is known. */
static gboolean
restore_one (TrdKeeper *self, TrdResumable *kept, GError **error)
{
  if (!self->env->rebooted && !self->env->new_boot)
    return TRUE;

  kept->kept.boot_us = 0;
  if (self->env->rebooted && kept->kind == TRUNDLE_KIND_DOWNLOAD)
    distrust (self, kept);

  return trd_store_update_resumable (self->env->store, kept, error);
}

gboolean
trd_keeper_restore (TrdKeeper *self, GError **error)
{
  g_autoptr (GPtrArray) rows = NULL;

  self->is_unsettled = TRUE;
  trd_keeper_settle (self);

  rows = trd_store_list_resumable (self->env->store, FALSE, error);
  if (rows == NULL)
    return FALSE;
  for (guint i = 0; i < rows->len; i++)
    if (!restore_one (self, g_ptr_array_index (rows, i), error))
      return FALSE;

  look (self, rows);
  if (rows->len > 0)
    arm (self);
  return TRUE;
}
