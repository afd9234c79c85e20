/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/runner.h"
#include "core/turn.h"

struct _TrdRunner
{
  GObject parent;
  TrdRegistry *registry; /* (unowned), outlives us */
  const TrdEnv *env;     /* (unowned), outlives us */
  GHashTable *runs;      /* (owned) (element-type TrdRun): freed by trd_run_end() */
  guint64 last_serial;
};

struct _TrdRun
{
  TrdRunner *runner;   /* (unowned), outlives us */
  TrdTask *task;       /* (unowned), outlives us */
  guint64 serial;      /* tells this run from a later one of the task */
  TrdPlace *place;     /* (owned) (nullable) */
  TrdIntent intent;    /* while sealing */
  guint name_number;   /* of the last name tried, for if-exists=rename */
  TrdContext context;  /* of the verdict on its end */
  guint address;       /* the one that is asked: 0 is url, n the n-th mirror */
  TrdOutcome *outcome; /* (owned) (nullable): while sealing */
  GVariant *integrity; /* (owned) (nullable): while sealing: a{sv} */
  guint64 received;
  guint64 synced; /* as stored */
  guint64 offset; /* where it was to go on */
  gint64 expected;
  GVariant *kept;      /* (owned) (nullable): answer that brought what is gone on with */
  GVariant *response;  /* (owned) (nullable) */
  char *current_url;   /* (owned) (nullable) */
  gboolean progressed; /* bytes came */
  gboolean in_transport;
  gboolean may_decode; /* a file to decode to was made */
  gboolean sealing;
  gboolean cleared; /* it ended by itself: no suspect any more */
};

/* What its end will be judged by, from the row as it began. */
void
trd_run_take_context (TrdRun *run, const TrdTaskRow *row);

/* core/conclude.c: one input for the task of @run, which is gone afterwards; a store that
 * refuses puts the task back into the queue. */
void
trd_run_apply (TrdRun *run, TrdTaskInput input, TrdChange *change);
void
trd_run_fail (TrdRun *run, const TrdOutcome *outcome, gboolean keep_part);
/* Consumes @outcome; @run is gone or sealing afterwards. */
void
trd_run_conclude (TrdRun *run, TrdOutcome *outcome);
void
trd_run_conclude_error (TrdRun *run, const GError *error);
void
trd_run_conclude_crash (TrdRun *run, gboolean alone);

/* core/seal.c: the worker says the part is complete.  Consumes @outcome. */
void
trd_run_succeed (TrdRun *run, TrdOutcome *outcome);
/* An earlier daemon died between the intent and the end of the task (law 6). */
void
trd_run_resume_seal (TrdRun *run, const TrdTaskRow *row);
