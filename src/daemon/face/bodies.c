/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What uploads send: every source is taken once, and then the bodies are put together.
 * All pipes of a call are read at the same time: who fills them may do so in any order.
 */

#include "config.h"

#include "face/bodies-private.h"

#include "common/defaults.h"
#include "common/vocabulary.h"
#include "face/query.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>

/* Sources that are taken at the same time: more than descriptors in a call. */
#define SOURCES_AT_ONCE (TRD_FDS_PER_CALL_MAX + 4)

static void
source_free (TrdBodySource *self)
{
  g_free (self->where);
  g_free (self->path);
  if (self->fd >= 0)
    g_close (self->fd, NULL);
  g_clear_pointer (&self->piece, trd_piece_free);
  g_free (self);
}

static void
plan_free (TrdBodyPlan *self)
{
  g_free (self->content_type);
  g_ptr_array_unref (self->stretches);
  g_clear_pointer (&self->body, trd_body_free);
  g_free (self);
}

void
trd_bodies_free (TrdBodies *self)
{
  for (guint i = 0; i < self->plans->len; i++)
    {
      TrdBodyPlan *plan = g_ptr_array_index (self->plans, i);

      if (plan->body != NULL)
        trd_sources_discard (self->spool, plan->body);
    }
  for (guint i = 0; i < self->sources->len; i++)
    {
      TrdBodySource *source = g_ptr_array_index (self->sources, i);
      g_autoptr (TrdBody) body = trd_body_new ();

      if (source->piece == NULL || source->is_used)
        continue;
      trd_body_take (body, g_steal_pointer (&source->piece));
      trd_sources_discard (self->spool, body);
    }
  g_ptr_array_unref (self->plans);
  g_ptr_array_unref (self->sources);
  g_hash_table_unref (self->known);
  g_object_unref (self->spool);
  g_object_unref (self->cancellable);
  g_clear_error (&self->error);
  g_free (self);
}

gboolean
trd_bodies_are_in (GVariant *value)
{
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_VARDICT))
    return TRUE;

  for (gsize i = 0; i < g_variant_n_children (value); i++)
    {
      g_autoptr (GVariant) dict = g_variant_get_child_value (value, i);

      if (trd_draft_kind_of (dict) == TRUNDLE_KIND_UPLOAD)
        return TRUE;
    }

  return FALSE;
}

/* ---- putting it together ---- */

/* (transfer full) (nullable) */
static TrdPiece *
make_piece (TrdBodies *self,
            const TrdBodyStretch *stretch,
            gboolean *out_shared,
            GError **error)
{
  TrdBodySource *source = stretch->source;
  TrdPiece *piece;

  if (stretch->bytes != NULL)
    return trd_piece_new_bytes (stretch->bytes);
  if (stretch->is_text)
    {
      source->is_used = TRUE;
      piece = trd_piece_copy (source->piece);
      piece->offset += stretch->offset;
      piece->length = stretch->length;
      return piece;
    }
  if (!source->is_used)
    {
      source->is_used = TRUE;
      return trd_piece_copy (source->piece);
    }

  piece = trd_sources_share (self->spool, source->piece, error);
  if (piece == NULL)
    g_prefix_error (error, "%s: ", source->where);
  *out_shared = TRUE;
  return piece;
}

static gboolean
is_empty (const TrdPiece *piece)
{
  return piece->bytes != NULL ? g_bytes_get_size (piece->bytes) == 0 : piece->length == 0;
}

static gboolean
build (TrdBodies *self, GError **error)
{
  gboolean has_shared = FALSE;

  for (guint i = 0; i < self->plans->len; i++)
    {
      TrdBodyPlan *plan = g_ptr_array_index (self->plans, i);

      if (!plan->is_given)
        continue;
      plan->body = trd_body_new ();
      for (guint j = 0; j < plan->stretches->len; j++)
        {
          TrdPiece *piece = make_piece (
              self, g_ptr_array_index (plan->stretches, j), &has_shared, error);

          if (piece == NULL)
            return FALSE;
          if (is_empty (piece))
            trd_piece_free (piece);
          else
            trd_body_take (plan->body, piece);
        }
    }

  return !has_shared || trd_sources_sync (self->spool, error);
}

/* ---- taking ---- */

typedef struct
{
  GTask *task; /* (owned) */
  TrdBodySource *source;
} Taking;

static void
take_more (GTask *task);

static void
finish (GTask *task)
{
  TrdBodies *self = g_task_get_task_data (task);

  if (self->error == NULL && build (self, &self->error))
    {
      g_task_return_pointer (task, self, (GDestroyNotify)trd_bodies_free);
      return;
    }

  g_task_return_error (task, g_steal_pointer (&self->error));
  trd_bodies_free (self);
}

static void
note_error (TrdBodies *self, const TrdBodySource *source, GError *error)
{
  if (self->error != NULL)
    {
      g_error_free (error);
      return;
    }

  g_prefix_error (&error, "%s: ", source->where);
  self->error = error;
  g_cancellable_cancel (self->cancellable);
}

static void
on_taken (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autofree Taking *taking = user_data;
  g_autoptr (GTask) task = taking->task;
  TrdBodies *self = g_task_get_task_data (task);
  GError *error = NULL;

  taking->source->piece = trd_sources_adopt_finish (result, &error);
  if (taking->source->piece == NULL)
    note_error (self, taking->source, error);

  self->n_pending--;
  take_more (task);
}

static void
take (GTask *task, TrdBodySource *source)
{
  TrdBodies *self = g_task_get_task_data (task);
  Taking *taking;
  TrdSource given = {
    .fd = -1,
    .path = source->path,
    .has_range = source->has_range,
    .first = source->first,
    .length = source->length,
    .snapshot = source->snapshot,
    .may_watch = self->may_watch,
  };

  if (source->handle >= 0)
    {
      int fd = trd_call_peek_fd (self->call, source->handle, source->where, NULL);

      given.fd = fcntl (fd, F_DUPFD_CLOEXEC, 3);
    }
  else if (source->fd >= 0)
    given.fd = g_steal_fd (&source->fd);
  if (given.fd < 0 && given.path == NULL)
    {
      note_error (self,
                  source,
                  g_error_new (TRUNDLE_ERROR,
                               TRUNDLE_ERROR_LIMIT_EXCEEDED,
                               "duplicating a descriptor: %s",
                               g_strerror (errno)));
      return;
    }

  taking = g_new0 (Taking, 1);
  taking->task = g_object_ref (task);
  taking->source = source;
  self->n_pending++;
  trd_sources_adopt_async (self->spool, &given, self->cancellable, on_taken, taking);
}

static void
take_more (GTask *task)
{
  TrdBodies *self = g_task_get_task_data (task);

  while (self->error == NULL && self->n_pending < SOURCES_AT_ONCE
         && self->n_begun < self->sources->len)
    take (task, g_ptr_array_index (self->sources, self->n_begun++));
  if (self->n_pending == 0)
    finish (task);
}

/* Those first that somebody may be waiting for, to write into them. */
static int
compare_sources (gconstpointer a, gconstpointer b)
{
  const TrdBodySource *first = *(const TrdBodySource *const *)a;
  const TrdBodySource *second = *(const TrdBodySource *const *)b;

  return (second->handle >= 0) - (first->handle >= 0);
}

void
trd_bodies_adopt_async (TrdCall *call,
                        GVariant *value,
                        GAsyncReadyCallback callback,
                        gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  TrdBodies *self = g_new0 (TrdBodies, 1);

  self->call = call;
  self->spool = g_object_ref (trd_gate_get_env (call->gate)->spool);
  self->may_watch = trd_owner_is_host (call->peer->owner);
  self->plans = g_ptr_array_new_with_free_func ((GDestroyNotify)plan_free);
  self->sources = g_ptr_array_new_with_free_func ((GDestroyNotify)source_free);
  self->known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->cancellable = g_cancellable_new ();
  g_task_set_task_data (task, self, NULL);
  if (!trd_bodies_plan (self, value, &self->error))
    {
      finish (task);
      return;
    }

  g_ptr_array_sort (self->sources, compare_sources);
  take_more (task);
}

TrdBodies *
trd_bodies_adopt_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ---- for the tasks ---- */

gboolean
trd_bodies_have_stream (const TrdBodies *self)
{
  return self->has_stream;
}

void
trd_bodies_give (TrdBodies *self, guint index, TrdDraft *draft)
{
  const TrdBodyPlan *plan = g_ptr_array_index (self->plans, index);
  g_autoptr (GVariant) options = NULL;

  if (plan->body == NULL)
    return;

  draft->body = trd_body_to_variant (plan->body);
  draft->body_size = trd_body_get_size (plan->body);
  if (plan->content_type == NULL)
    return;

  options = g_steal_pointer (&draft->options);
  draft->options = trundle_options_with (
      options, "content-type", g_variant_new_string (plan->content_type));
}

void
trd_bodies_settle (TrdBodies *self, GPtrArray *drafts)
{
  for (guint i = 0; i < drafts->len; i++)
    {
      const TrdDraft *draft = g_ptr_array_index (drafts, i);
      TrdBodyPlan *plan = g_ptr_array_index (self->plans, i);

      if (draft->is_made)
        g_clear_pointer (&plan->body, trd_body_free);
    }
}
