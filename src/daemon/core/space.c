/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Space on the disk for what is being received.  As soon as the size is known the rest of
 * it is reserved: from an earlier answer before any server is asked, else from this one
 * while its first bytes come.  What does not fit waits, and the row says how many bytes
 * must be free; that is looked at without asking a server.
 *
 * Where a file system cannot reserve, what running tasks have still to write to it counts
 * as taken.  A little is left free in any case, for the database if for nothing else.
 * What was reserved is kept through back-off and lost networks, and given back when the
 * task is suspended, waits for its disk, or ends. */

#include "config.h"

#include "core/runner-private.h"

#include <errno.h>

#include "common/error.h"
#include "core/registry-internal.h"
#include "port/space.h"

/* What must be free before more is received of something without a size. */
#define UNKNOWN_STEP_MAX (G_GUINT64_CONSTANT (64) * 1024 * 1024)

/* Less than this is not worth a thread. */
#define WORTH_RESERVING (1024 * 1024)

/* What must be free for a part to become @total bytes long. */
static guint64
needed_for (const TrdRoom *room, guint64 total)
{
  return total > room->taken ? total - room->taken + trd_room_kept_free (room) : 0;
}

/* What the runs on @device will still take of it. */
static guint64
promised (TrdRunner *self, guint64 device, const TrdRun *except)
{
  guint64 sum = 0;
  GHashTableIter iter;
  TrdRun *run;

  g_hash_table_iter_init (&iter, self->runs);
  while (g_hash_table_iter_next (&iter, (gpointer *)&run, NULL))
    {
      TrdRoom room;

      if (run == except || run->total == 0 || run->device != device || run->sealing
          || !trd_spool_measure (self->env->spool, run->place, &room, NULL))
        continue;
      if (run->total > room.taken)
        sum += run->total - room.taken;
    }

  return sum;
}

static gboolean
is_free (TrdRunner *self, const TrdRoom *room, guint64 needed, const TrdRun *except)
{
  guint64 taken = needed > 0 ? promised (self, room->device, except) : 0;

  return needed <= room->available && taken <= room->available - needed;
}

static gboolean
set_no_space (GError **error)
{
  g_set_error_literal (error,
                       TRUNDLE_ERROR,
                       TRUNDLE_ERROR_NO_SPACE,
                       "There is not enough space left on the disk");
  return FALSE;
}

gboolean
trd_run_find_room (TrdRun *run, guint64 total, guint64 space_needed, GError **error)
{
  TrdRoom room;

  run->total = total;
  run->space_needed = space_needed;
  /* A directory that is not there, say, is told of by who opens the part. */
  if (!trd_spool_measure (run->runner->env->spool, run->place, &room, NULL))
    return TRUE;

  run->device = room.device;
  /* For an earlier attempt. */
  run->has_reserved |= room.taken >= run->received + WORTH_RESERVING;
  if (total > 0)
    space_needed = needed_for (&room, total);
  return is_free (run->runner, &room, space_needed, run) || set_no_space (error);
}

guint64
trd_run_space_needed (TrdRun *run)
{
  TrdRoom room;

  if (run->place == NULL
      || !trd_spool_measure (run->runner->env->spool, run->place, &room, NULL))
    return 0;
  if (run->total > 0)
    return needed_for (&room, run->total);
  return MAX (run->space_needed,
              trd_room_kept_free (&room) + MIN (UNKNOWN_STEP_MAX, room.size / 16));
}

/* ---- reserving ---- */

typedef struct
{
  TrdRunner *runner; /* (owned) */
  gint64 task_id;
  guint64 serial;
} Reserving;

static void
conclude_full (TrdRun *run, int error_number)
{
  TrdOutcome *outcome = trd_outcome_new_failed (TRUNDLE_ERROR_NO_SPACE, NULL);

  outcome->error_number = error_number;
  outcome->received = run->received;
  trd_run_conclude (run, outcome);
}

static void
on_reserved (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Reserving *reserving = user_data;
  g_autoptr (TrdRunner) runner = reserving->runner;
  int error_number = 0;
  gboolean fits = trd_spool_reserve_finish (
      TRD_SPOOL (source), result, &error_number, NULL);
  TrdRun *run = trd_runner_find_run (runner, reserving->task_id, reserving->serial);

  if (run == NULL)
    return;

  g_clear_object (&run->reserving);
  /* It is all there, reserved or not. */
  if (run->outcome != NULL)
    trd_run_succeed (run, g_steal_pointer (&run->outcome));
  else if (!fits)
    conclude_full (run, error_number);
  else if (run->part_fd >= 0)
    trd_run_launch (run);
}

gboolean
trd_run_reserve (TrdRun *run)
{
  TrdSpool *spool = run->runner->env->spool;
  Reserving *reserving;
  TrdRoom room;

  if (run->total == 0 || run->reserving != NULL
      || !trd_spool_measure (spool, run->place, &room, NULL)
      || run->total < room.taken + WORTH_RESERVING)
    return FALSE;

  reserving = g_new0 (Reserving, 1);
  reserving->runner = g_object_ref (run->runner);
  reserving->task_id = run->task->id;
  reserving->serial = run->serial;
  run->reserving = g_cancellable_new ();
  run->has_reserved = TRUE;
  trd_spool_reserve_async (spool,
                           run->place,
                           run->part_fd,
                           run->received,
                           run->total,
                           run->reserving,
                           on_reserved,
                           reserving);
  return TRUE;
}

void
trd_run_note_size (TrdRun *run)
{
  g_autoptr (GError) error = NULL;
  guint status = 0;

  g_variant_lookup (run->response, "status", "u", &status);
  /* What explains an error does not go into the part. */
  if (status < 200 || status > 299 || run->expected <= 0
      || !trd_run_has_written (run, run->response))
    return;

  if (!trd_run_find_room (run, (guint64)run->expected, 0, &error))
    conclude_full (run, ENOSPC);
  else
    trd_run_reserve (run);
}

gboolean
trd_run_await_reservation (TrdRun *run, TrdOutcome *outcome)
{
  if (run->reserving == NULL)
    return FALSE;

  g_cancellable_cancel (run->reserving);
  run->outcome = outcome;
  return TRUE;
}

/* ---- giving back ---- */

static gboolean
keeps_room (const TrdTask *task)
{
  if (task->state == TRUNDLE_TASK_RUNNING)
    return TRUE;

  return task->state == TRUNDLE_TASK_QUEUED
         && !(task->hold & (TRUNDLE_WAIT_DISK_SPACE | TRUNDLE_WAIT_DESTINATION_GONE));
}

void
trd_run_leave_room (TrdRun *run)
{
  if (run->reserving != NULL)
    g_cancellable_cancel (run->reserving);
  g_clear_object (&run->reserving);
  if (run->has_reserved && run->place != NULL)
    g_hash_table_insert (run->runner->rooms,
                         g_memdup2 (&run->task->id, sizeof run->task->id),
                         g_steal_pointer (&run->place));
}

void
trd_runner_give_back (TrdRunner *self, gint64 task_id)
{
  TrdTask *task = trd_registry_find_task (self->registry, task_id);
  TrdPlace *place = g_hash_table_lookup (self->rooms, &task_id);

  if (place == NULL || (task != NULL && (keeps_room (task) || task->releasing)))
    return;

  trd_spool_trim_later (self->env->spool, place);
  g_hash_table_remove (self->rooms, &task_id);
}

/* ---- waiting ---- */

void
trd_run_blame_place (TrdRun *run, TrdOutcome *outcome)
{
  static const TrundleError codes[] = {
    TRUNDLE_ERROR_FILE_NOT_FOUND,
    TRUNDLE_ERROR_FILE_PERMISSION,
    TRUNDLE_ERROR_WRITE_FAILED,
  };
  g_autoptr (GError) error = NULL;
  gboolean is_of_file = FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    is_of_file |= outcome->code == codes[i];
  if (outcome->complete || !is_of_file || run->place == NULL
      || trd_spool_check_place (run->runner->env->spool, run->place, &error)
      || !g_error_matches (error, TRUNDLE_ERROR, TRUNDLE_ERROR_DESTINATION_GONE))
    return;

  outcome->code = TRUNDLE_ERROR_DESTINATION_GONE;
  g_free (outcome->message);
  outcome->message = g_strdup (error->message);
}

static gboolean
is_over_quota (const TrdTaskRow *row)
{
  int error_number = 0;

  if (row->transient_details != NULL)
    g_variant_lookup (row->transient_details, "errno", "i", &error_number);
  return error_number == EDQUOT;
}

gboolean
trd_runner_is_possible (TrdRunner *self, TrdTask *task)
{
  TrdSpool *spool = self->env->spool;
  g_autoptr (TrdTaskRow) row = trd_store_load_task (self->env->store, task->id, NULL);
  TrdRoom room;

  if (row == NULL)
    return TRUE;
  if (task->hold & TRUNDLE_WAIT_DESTINATION_GONE)
    return trd_spool_check_place (spool, row->place, NULL);
  /* With its directory gone it waits for something else: the attempt says so. */
  if (!trd_spool_measure (spool, row->place, &room, NULL))
    return TRUE;
  if (!is_free (self, &room, MAX (row->space_needed, trd_room_kept_free (&room)), NULL))
    return FALSE;

  return !is_over_quota (row)
         || trd_spool_probe (spool,
                             row->place,
                             row->space_needed
                                 - MIN (row->space_needed, trd_room_kept_free (&room)));
}
