/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of events, and what else delivery must remember: tries and launches. */

#include "config.h"

#include "common/error.h"
#include "port/store-private.h"

#define HOUR_US (G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC)

static gboolean
insert_event (TrdDb *db, const TrdEvent *event, GError **error)
{
  g_autoptr (TrdQuery) query = trd_db_query (db, TRD_STATEMENT_APPEND_EVENT, error);

  if (query == NULL)
    return FALSE;
  trd_query_bind_int (query, 1, event->session_id);
  trd_query_bind_int (query, 2, (gint64)event->sequence);
  trd_query_bind_int (query, 3, event->task_id);
  trd_query_bind_int (query, 4, event->kind);
  trd_query_bind_int (query, 5, event->offered);
  trd_query_bind_int (query, 6, event->created_us);
  trd_query_bind_variant (query, 7, event->details);
  return trd_query_run (query, error);
}

gboolean
trd_store_append_event (TrdStore *self, TrdEvent *event, GError **error)
{
  g_auto (TrdDbScope) scope = { NULL };
  guint64 sequence_before;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);
  g_return_val_if_fail (event != NULL, FALSE);

  sequence_before = event->sequence;
  if (!trd_db_scope_enter (&scope, self->db, error)
      || !trd_store_count_up (self->db,
                              TRD_STATEMENT_NEXT_SEQUENCE,
                              TRD_STATEMENT_SET_SEQUENCE,
                              event->session_id,
                              &event->sequence,
                              error))
    return FALSE;
  if (insert_event (self->db, event, error) && trd_db_scope_leave (&scope, error))
    return TRUE;

  event->sequence = sequence_before;
  return FALSE;
}

gboolean
trd_store_withdraw_finished (TrdStore *self, gint64 task_id, GError **error)
{
  g_autoptr (TrdQuery) query = NULL;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);

  query = trd_db_query (self->db, TRD_STATEMENT_WITHDRAW_FINISHED, error);
  if (query == NULL)
    return FALSE;
  trd_query_bind_int (query, 1, task_id);
  return trd_store_run (self->db, query, error);
}

static TrdEvent *
read_event (TrdQuery *query, GError **error)
{
  g_autoptr (TrdEvent) event = g_new0 (TrdEvent, 1);

  event->session_id = trd_query_get_int (query, 0);
  event->sequence = (guint64)trd_query_get_int (query, 1);
  event->task_id = trd_query_get_int (query, 2);
  event->kind = (TrundleEventKind)trd_query_get_int (query, 3);
  event->offered = trd_query_get_int (query, 4) != 0;
  event->created_us = trd_query_get_int (query, 5);
  if (!trd_query_get_variant (query, 6, &event->details, error))
    return NULL;
  return g_steal_pointer (&event);
}

static gboolean
read_events (TrdQuery *query, GPtrArray *events, GError **error)
{
  while (TRUE)
    {
      TrdEvent *event;
      gboolean has_row;

      if (!trd_query_step (query, &has_row, error))
        return FALSE;
      if (!has_row)
        return TRUE;
      event = read_event (query, error);
      if (event == NULL)
        return FALSE;
      g_ptr_array_add (events, event);
    }
}

GPtrArray *
trd_store_list_events (
    TrdStore *self, gint64 session_id, guint64 after, guint max, GError **error)
{
  g_autoptr (TrdQuery) query = NULL;
  g_autoptr (GPtrArray) events = NULL;

  g_return_val_if_fail (TRD_IS_STORE (self), NULL);

  query = trd_db_query (self->db, TRD_STATEMENT_LIST_EVENTS, error);
  if (query == NULL)
    return NULL;
  trd_query_bind_int (query, 1, session_id);
  trd_query_bind_int (query, 2, (gint64)MIN (after, G_MAXINT64));
  trd_query_bind_int (query, 3, max > 0 ? (gint64)max : -1);
  events = g_ptr_array_new_with_free_func ((GDestroyNotify)trd_event_free);
  if (!read_events (query, events, error))
    return NULL;
  return g_steal_pointer (&events);
}

/* For counts whose caller could do nothing about an error. */
static gint64
read_number (TrdQuery *query, int column)
{
  g_autoptr (GError) local_error = NULL;
  gboolean has_row;

  if (trd_query_step (query, &has_row, &local_error))
    return has_row ? trd_query_get_int (query, column) : 0;

  g_warning ("Cannot count: %s", local_error->message);
  return 0;
}

guint
trd_store_count_events (TrdStore *self, gint64 session_id)
{
  g_autoptr (TrdQuery) query = NULL;

  g_return_val_if_fail (TRD_IS_STORE (self), 0);

  query = trd_db_query (self->db, TRD_STATEMENT_COUNT_EVENTS, NULL);
  if (query == NULL)
    return 0;
  trd_query_bind_int (query, 1, session_id);
  return (guint)read_number (query, 0);
}

gboolean
trd_store_mark_offered (TrdStore *self, gint64 session_id, guint64 up_to, GError **error)
{
  g_autoptr (TrdQuery) query = NULL;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);

  query = trd_db_query (self->db, TRD_STATEMENT_MARK_OFFERED, error);
  if (query == NULL)
    return FALSE;
  trd_query_bind_int (query, 1, session_id);
  trd_query_bind_int (query, 2, (gint64)MIN (up_to, G_MAXINT64));
  return trd_store_run (self->db, query, error);
}

gboolean
trd_store_count_session (TrdStore *self,
                         gint64 session_id,
                         TrdSessionCounts *out_counts,
                         GError **error)
{
  g_autoptr (TrdQuery) query = NULL;
  gboolean has_row;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);
  g_return_val_if_fail (out_counts != NULL, FALSE);

  query = trd_db_query (self->db, TRD_STATEMENT_COUNT_TASKS, error);
  if (query == NULL)
    return FALSE;
  trd_query_bind_int (query, 1, session_id);
  if (!trd_query_step (query, &has_row, error))
    return FALSE;

  *out_counts = (TrdSessionCounts){
    .suspended = (guint)trd_query_get_int (query, 0),
    .queued = (guint)trd_query_get_int (query, 1),
    .challenged = (guint)trd_query_get_int (query, 2),
    .finished = (guint)trd_query_get_int (query, 3),
    .events = trd_store_count_events (self, session_id),
  };
  return TRUE;
}

/* Delivery */

gboolean
trd_store_set_delivery (
    TrdStore *self, gint64 session_id, guint tries, TrdMoment next, GError **error)
{
  g_autoptr (TrdQuery) query = NULL;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);

  query = trd_db_query (self->db, TRD_STATEMENT_SET_DELIVERY, error);
  if (query == NULL)
    return FALSE;
  trd_query_bind_int (query, 1, tries);
  trd_query_bind_int (query, 2, next.wall_us);
  trd_query_bind_int (query, 3, next.boot_us);
  trd_query_bind_int (query, 4, session_id);
  return trd_store_run_on_row (self->db, query, error);
}

gboolean
trd_store_get_delivery (TrdStore *self,
                        gint64 session_id,
                        guint *out_tries,
                        TrdMoment *out_next,
                        GError **error)
{
  g_autoptr (TrdQuery) query = NULL;
  gboolean has_row;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);

  query = trd_db_query (self->db, TRD_STATEMENT_GET_DELIVERY, error);
  if (query == NULL)
    return FALSE;
  trd_query_bind_int (query, 1, session_id);
  if (!trd_query_step (query, &has_row, error))
    return FALSE;
  if (!has_row)
    {
      g_set_error_literal (
          error, TRUNDLE_ERROR, TRUNDLE_ERROR_NOT_FOUND, "No such session");
      return FALSE;
    }

  if (out_tries != NULL)
    *out_tries = (guint)trd_query_get_int (query, 0);
  if (out_next != NULL)
    *out_next = (TrdMoment){ trd_query_get_int (query, 1), trd_query_get_int (query, 2) };
  return TRUE;
}

static gboolean
prune_launches (TrdDb *db, gint64 now_us, GError **error)
{
  g_autoptr (TrdQuery) query = trd_db_query (db, TRD_STATEMENT_PRUNE_LAUNCHES, error);

  if (query == NULL)
    return FALSE;
  trd_query_bind_int (query, 1, now_us - HOUR_US);
  trd_query_bind_int (query, 2, now_us);
  return trd_query_run (query, error);
}

static gboolean
insert_launch (TrdDb *db, const char *owner_key, gint64 now_us, GError **error)
{
  g_autoptr (TrdQuery) query = trd_db_query (db, TRD_STATEMENT_NOTE_LAUNCH, error);

  if (query == NULL)
    return FALSE;
  trd_query_bind_text (query, 1, owner_key);
  trd_query_bind_int (query, 2, now_us);
  return trd_query_run (query, error);
}

gboolean
trd_store_note_launch (TrdStore *self,
                       const char *owner_key,
                       gint64 now_us,
                       GError **error)
{
  g_auto (TrdDbScope) scope = { NULL };

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);
  g_return_val_if_fail (owner_key != NULL, FALSE);

  return trd_db_scope_enter (&scope, self->db, error)
         && prune_launches (self->db, now_us, error)
         && insert_launch (self->db, owner_key, now_us, error)
         && trd_db_scope_leave (&scope, error);
}

static gint64
read_launches (TrdStore *self, const char *owner_key, gint64 since_us, int column)
{
  g_autoptr (TrdQuery) query = NULL;

  query = trd_db_query (self->db, TRD_STATEMENT_COUNT_LAUNCHES, NULL);
  if (query == NULL)
    return 0;
  trd_query_bind_text (query, 1, owner_key);
  trd_query_bind_int (query, 2, since_us);
  return read_number (query, column);
}

guint
trd_store_count_launches (TrdStore *self, const char *owner_key, gint64 since_us)
{
  g_return_val_if_fail (TRD_IS_STORE (self), 0);

  return (guint)read_launches (self, owner_key, since_us, 0);
}

gint64
trd_store_oldest_launch (TrdStore *self, const char *owner_key, gint64 since_us)
{
  g_return_val_if_fail (TRD_IS_STORE (self), 0);

  return read_launches (self, owner_key, since_us, 1);
}
