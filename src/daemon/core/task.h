/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/env.h"
#include "core/secrets.h"
#include "core/task-state.h"

typedef struct _TrdTask TrdTask;
typedef struct _TrdSession TrdSession;
typedef struct _TrdWaits TrdWaits;
typedef struct _TrdChallenge TrdChallenge;

/* Live, of a body that is sent: in bytes. */
typedef struct
{
  guint64 sent;      /* on their way */
  guint64 confirmed; /* of these, that the server is known to keep */
  guint64 size;      /* of all */
} TrdSending;

/* A task, as little of it as must be in memory: everything else is its row.  Owned by its
 * session; written only by a turn (core/turn.h). */
struct _TrdTask
{
  gint64 id;
  TrdSession *session;      /* (unowned), outlives us */
  gint64 not_before_us;     /* CLOCK_BOOTTIME; 0: none */
  gint64 deadline_us;       /* CLOCK_BOOTTIME; 0: none yet; below 0: what is left of it */
  gint64 earliest_begin_us; /* a date; 0 for none, and once it has begun */
  GSequenceIter *lane_place;     /* (unowned) (nullable): where the scheduler keeps it */
  GSequenceIter *alarm_place;    /* (unowned) (nullable): likewise, by not_before_us */
  GSequenceIter *deadline_place; /* (unowned) (nullable): likewise, by deadline_us */
  gpointer lane;                 /* (unowned) (nullable): the scheduler's */
  GRefString *host;              /* (owned): what slots per host count */
  gpointer run;                  /* (unowned) (nullable): the runner's, while running */
  TrdChallenge *challenge;       /* (unowned) (nullable): it waits for, or went on by */
  TrdSecrets *secrets;           /* (owned) (nullable): its own, not its session's */
  TrdWaits *waits;               /* (owned) (nullable): core/waits.c, as the next */
  gint64 waiting_since_us; /* CLOCK_BOOTTIME; 0: not queued, or nothing counted yet */
  float priority;
  guint32 hold;          /* TrundleWaitReasons that came with not_before_us */
  guint32 shown_reasons; /* last ones told to anybody */
  guint8 state;          /* TrundleTaskState */
  guint8 kind;           /* TrundleKind */
  guint8 suspicion;
  guint16 failures;  /* in a row, without progress: the exponent of the back-off */
  guint16 streak;    /* of attempts that ended alike */
  guint8 rechecks;   /* in a row, of what it waits for on its disk */
  guint durable : 1; /* its own secrets are kept; or there are none */
  guint has_intent : 1;
  guint delayed : 2;   /* TrdDelayed */
  guint begun : 1;     /* an attempt was made */
  guint refreshed : 1; /* it went on with a fresh token that is not accepted yet */
  guint local : 1;     /* its attempts need the profile "local" */
  guint releasing : 1; /* a worker still holds the part of an attempt that ended */
};

/* The date has come, or the app has had its time to answer, and this is to be written
 * down before the task may run: TRD_TASK_INPUT_DUE or TRD_TASK_INPUT_PROCEED. */
gboolean
trd_task_is_due (const TrdTask *self);

char *
trd_task_object_path (gint64 task_id);
gboolean
trd_task_is_finished (const TrdTask *self);

/* Why it is not running: computed now.  0 unless queued or challenged. */
TrundleWaitReasons
trd_task_wait_reasons (TrdTask *self);
