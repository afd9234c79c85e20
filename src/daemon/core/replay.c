/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a consumer missed is told again, from the store, while the main loop goes on. What
 * comes meanwhile is appended, and DidFinishEvents follows the last (law 7). */

#include "config.h"

#include "core/courier-private.h"

/* Events are read and sent in pages, so that ten thousand of them need no memory. */
#define REPLAY_PAGE 256
/* And so many bytes of them are on their way at once, or one more. */
#define REPLAY_SIZE (1024 * 1024)

/* What this replay has marked is new all the same.  Whether the last was marked. */
static gboolean
find_fresh (TrdDelivery *delivery, GPtrArray *page)
{
  gboolean is_marked = TRUE;

  for (guint i = 0; i < page->len; i++)
    {
      TrdEvent *event = g_ptr_array_index (page, i);

      is_marked = event->offered;
      if (!event->offered && delivery->fresh_from == 0)
        delivery->fresh_from = event->sequence;
      if (delivery->fresh_from != 0 && event->sequence >= delivery->fresh_from)
        event->offered = FALSE;
    }

  return is_marked;
}

static GPtrArray *
read_page (TrdDelivery *delivery)
{
  TrdStore *store = delivery->courier->env->store;
  gint64 session_id = delivery->session->row->id;
  g_autoptr (GPtrArray) page = NULL;
  g_autoptr (GError) error = NULL;
  TrdEvent *last;

  page = trd_store_list_events (
      store, session_id, delivery->last_sent, REPLAY_PAGE, &error);
  if (page == NULL)
    {
      g_warning ("Cannot read events: %s", error->message);
      return g_ptr_array_new ();
    }
  if (find_fresh (delivery, page))
    return g_steal_pointer (&page);

  /* Before they are sent, so that one that was sent is never told as new. */
  last = g_ptr_array_index (page, page->len - 1);
  if (!trd_store_mark_offered (store, session_id, last->sequence, &error))
    g_warning ("Cannot mark events as offered: %s", error->message);

  return g_steal_pointer (&page);
}

void
trd_courier_stop_replay (TrdDelivery *delivery)
{
  g_clear_handle_id (&delivery->replay_source, g_source_remove);
  delivery->fresh_from = 0;
  delivery->replay_serial++;
}

/* As many as may be on their way at once; FALSE when the page ends before. */
static gboolean
send_page (TrdDelivery *delivery, GPtrArray *page)
{
  gsize size = 0;

  for (guint i = 0; i < page->len; i++)
    {
      size += trd_courier_send_event (delivery, g_ptr_array_index (page, i));
      if (size >= REPLAY_SIZE)
        return TRUE;
    }

  return FALSE;
}

static gboolean
replay (gpointer user_data);

/* What a replay waits for; the delivery may be gone, or have begun another. */
typedef struct
{
  TrdCourier *courier; /* (owned) */
  gint64 session_id;
  guint64 serial;
} Flush;

static void
on_flushed (gpointer user_data)
{
  g_autofree Flush *flush = user_data;
  g_autoptr (TrdCourier) self = flush->courier;
  TrdDelivery *delivery = g_hash_table_lookup (self->deliveries, &flush->session_id);

  if (delivery != NULL && delivery->replaying && delivery->replay_source == 0
      && delivery->replay_serial == flush->serial)
    delivery->replay_source = g_idle_add (replay, delivery);
}

/* Answers to uploads may be long, and there may be many: what waits to be sent is not all
 * in memory. */
static gboolean
await_flush (TrdDelivery *delivery)
{
  TrdCourier *self = delivery->courier;
  Flush *flush;

  if (self->outlet == NULL || self->outlet->flush == NULL)
    return G_SOURCE_CONTINUE;

  flush = g_new0 (Flush, 1);
  flush->courier = g_object_ref (self);
  flush->session_id = delivery->session->row->id;
  flush->serial = ++delivery->replay_serial;
  delivery->replay_source = 0;
  self->outlet->flush (on_flushed, flush, self->outlet_data);

  return G_SOURCE_REMOVE;
}

static gboolean
replay (gpointer user_data)
{
  TrdDelivery *delivery = user_data;
  g_autoptr (GPtrArray) page = read_page (delivery);

  if (send_page (delivery, page))
    return await_flush (delivery);
  if (page->len == REPLAY_PAGE)
    return G_SOURCE_CONTINUE;

  delivery->replay_source = 0;
  delivery->replaying = FALSE;
  delivery->session->has_consumer = TRUE;
  trd_courier_send_did_finish (delivery);

  return G_SOURCE_REMOVE;
}

void
trd_courier_begin_replay (TrdCourier *self, TrdSession *session)
{
  TrdDelivery *delivery = session->delivery;

  if (delivery == NULL || delivery->consumer == NULL || delivery->replay_source != 0)
    return;

  delivery->replay_source = g_idle_add (replay, delivery);
}
