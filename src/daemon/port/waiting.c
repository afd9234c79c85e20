/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* One question for many callers: whoever comes while it is asked waits for its answer.
 * Whoever leaves says so; nobody is told twice. */

#include "config.h"

#include "port/waiting.h"

typedef struct
{
  TrdWaitingCallback callback;
  gpointer user_data;
} Waiter;

void
trd_waiting_add (TrdWaiting *self, TrdWaitingCallback callback, gpointer user_data)
{
  Waiter *waiter = g_new (Waiter, 1);

  *waiter = (Waiter){ callback, user_data };
  g_queue_push_tail (&self->queue, waiter);
}

gboolean
trd_waiting_forget (TrdWaiting *self, gpointer user_data)
{
  for (GList *link = self->queue.head; link != NULL; link = link->next)
    {
      Waiter *waiter = link->data;

      if (waiter->user_data != user_data)
        continue;
      g_queue_delete_link (&self->queue, link);
      g_free (waiter);
      return TRUE;
    }
  return FALSE;
}

void
trd_waiting_answer (TrdWaiting *self, const GError *error)
{
  GQueue now = self->queue;
  Waiter *waiter;

  g_queue_init (&self->queue);
  while ((waiter = g_queue_pop_head (&now)) != NULL)
    {
      waiter->callback (waiter->user_data, error);
      g_free (waiter);
    }
}

void
trd_waiting_clear (TrdWaiting *self)
{
  g_queue_clear_full (&self->queue, g_free);
}
