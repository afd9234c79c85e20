/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Waiting times.  Of ten thousand tasks that wait for the same all along nothing is kept
 * but the moment since when; only those whose reasons have changed have a few numbers
 * more, as many as they had reasons. */

#include "config.h"

#include "core/waits.h"

/* Between two steps of one turn of the loop nobody waits. */
#define WORTH_COUNTING_US 1000

typedef struct
{
  gint64 us;
  guint8 bit; /* of TrundleWaitReasons */
} Wait;

struct _TrdWaits
{
  gint64 queued_us;
  guint n;
  Wait waits[];
};

/* The row of @bit, which may be a new one. */
static Wait *
ensure_wait (TrdTask *task, guint bit)
{
  TrdWaits *waits = task->waits;

  for (guint i = 0; i < waits->n; i++)
    {
      if (waits->waits[i].bit == bit)
        return &waits->waits[i];
    }

  waits = g_realloc (waits, sizeof *waits + (waits->n + 1) * sizeof (Wait));
  waits->waits[waits->n] = (Wait){ .bit = (guint8)bit };
  task->waits = waits;
  return &waits->waits[waits->n++];
}

static gint64
elapsed_us (const TrdTask *task, gint64 now_us)
{
  if (task->state != TRUNDLE_TASK_QUEUED || task->waiting_since_us == 0)
    return 0;

  return now_us - task->waiting_since_us;
}

void
trd_waits_count (TrdTask *task, gint64 now_us)
{
  gint64 us = elapsed_us (task, now_us);

  task->waiting_since_us = now_us;
  if (us < WORTH_COUNTING_US)
    return;

  if (task->waits == NULL)
    task->waits = g_malloc0 (sizeof *task->waits);
  task->waits->queued_us += us;
  for (guint bit = 0; bit < TRD_METRICS_N_WAITS; bit++)
    {
      if (task->shown_reasons & (1u << bit))
        ensure_wait (task, bit)->us += us;
    }
}

gboolean
trd_waits_get (const TrdTask *task, gint64 now_us, TrdMetricsWaits *out_waits)
{
  gint64 us = elapsed_us (task, now_us);

  *out_waits = (TrdMetricsWaits){ 0 };
  if (us >= WORTH_COUNTING_US)
    {
      out_waits->queued_us = us;
      for (guint bit = 0; bit < TRD_METRICS_N_WAITS; bit++)
        out_waits->waited_us[bit] = task->shown_reasons & (1u << bit) ? us : 0;
    }
  if (task->waits != NULL)
    {
      out_waits->queued_us += task->waits->queued_us;
      for (guint i = 0; i < task->waits->n; i++)
        out_waits->waited_us[task->waits->waits[i].bit] += task->waits->waits[i].us;
    }

  return out_waits->queued_us > 0;
}

void
trd_waits_forget (TrdTask *task)
{
  g_clear_pointer (&task->waits, g_free);
  task->waiting_since_us = 0;
}

void
trd_waits_set_reasons (TrdTask *task, guint32 reasons, gint64 now_us)
{
  if (task->shown_reasons == reasons && task->waiting_since_us != 0)
    return;

  trd_waits_count (task, now_us);
  task->shown_reasons = reasons;
}
