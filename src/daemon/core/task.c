/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What anybody may ask a task.  What changes one is in core/turn.c. */

#include "config.h"

#include "core/task.h"

#include "common/names.h"
#include "core/challenge.h"
#include "value/rows.h"

char *
trd_task_object_path (gint64 task_id)
{
  return g_strdup_printf (TRUNDLE_TASK_PATH "/%" G_GINT64_FORMAT, task_id);
}

gboolean
trd_task_is_finished (const TrdTask *self)
{
  return self->state == TRUNDLE_TASK_FINISHED;
}

gboolean
trd_task_is_due (const TrdTask *self)
{
  if (self->delayed == TRD_DELAYED_ASKED)
    return TRUE;

  /* The time of the whole begins with the date. */
  return self->earliest_begin_us != 0
         && (self->deadline_us == 0 || self->delayed == TRD_DELAYED_TO_ASK);
}

TrundleWaitReasons
trd_task_wait_reasons (TrdTask *self)
{
  if (self->state == TRUNDLE_TASK_CHALLENGED && self->challenge != NULL)
    return self->challenge->row->state == TRD_CHALLENGE_LOCKED
               ? TRUNDLE_WAIT_KEYRING_LOCKED
               : TRUNDLE_WAIT_AUTHENTICATION;

  return self->state == TRUNDLE_TASK_QUEUED ? self->shown_reasons : 0;
}
