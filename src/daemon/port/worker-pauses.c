/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pauses between workers, doubling from one second to a minute, per owner: the bad luck
 * of one app holds up no other. */

#include "config.h"

#include "port/worker-pauses.h"

#include "common/defaults.h"

typedef struct
{
  guint failures;
  gint64 not_before_mono_us;
} Pause;

struct _TrdWorkerPauses
{
  GHashTable *rows; /* (owned): owner key to Pause (owned), of owners with failures */
};

TrdWorkerPauses *
trd_worker_pauses_new (void)
{
  TrdWorkerPauses *self = g_new0 (TrdWorkerPauses, 1);

  self->rows = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

void
trd_worker_pauses_free (TrdWorkerPauses *self)
{
  g_clear_pointer (&self->rows, g_hash_table_unref);
  g_free (self);
}

static guint
pause_after (guint failures, gboolean had_begun)
{
  guint doublings = MIN (failures, 8) - 1;

  if (had_begun && doublings == 0)
    return 0;
  if (had_begun)
    doublings--;
  return MIN (TRD_WORKER_PAUSE_FIRST_MS << doublings, TRD_WORKER_PAUSE_MAX_MS);
}

void
trd_worker_pauses_note_failure (TrdWorkerPauses *self,
                                const char *owner_key,
                                gboolean had_begun)
{
  Pause *pause = g_hash_table_lookup (self->rows, owner_key);
  guint pause_ms;

  if (pause == NULL)
    {
      pause = g_new0 (Pause, 1);
      g_hash_table_insert (self->rows, g_strdup (owner_key), pause);
    }
  pause->failures = MIN (pause->failures + 1, G_MAXUINT - 1);
  pause_ms = pause_after (pause->failures, had_begun);
  pause->not_before_mono_us = g_get_monotonic_time () + (gint64)pause_ms * 1000;
  if (pause_ms > 0)
    g_message (
        "The next worker for %s is not started before %u s", owner_key, pause_ms / 1000);
}

void
trd_worker_pauses_note_success (TrdWorkerPauses *self, const char *owner_key)
{
  g_hash_table_remove (self->rows, owner_key);
}

guint
trd_worker_pauses_get_ms (TrdWorkerPauses *self, const char *owner_key)
{
  Pause *pause = g_hash_table_lookup (self->rows, owner_key);
  gint64 left_us;

  if (pause == NULL)
    return 0;
  left_us = pause->not_before_mono_us - g_get_monotonic_time ();
  return left_us > 0 ? (guint)(left_us / 1000) + 1 : 0;
}
