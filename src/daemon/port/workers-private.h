/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "port/worker-jars.h"
#include "port/worker-pauses.h"
#include "port/worker-process.h"
#include "port/workers.h"

/* What workers.c (who works for whom, and the transport) and workers-events.c (what the
 * workers tell) share. */

/* One worker, and what is known of it here. */
typedef struct
{
  TrdWorkerProcess *process; /* (owned) */
  char *key;                 /* (owned): of the owner */
  TrdProfile profile;
  gboolean alone;      /* for one attempt only */
  guint n_given;       /* attempts ever sent to it */
  guint n_attempts;    /* attempts in it now */
  TrdWorkerJars *jars; /* (owned) */
  guint idle_source;   /* 0 while it has attempts, or leaves */
  gboolean is_leaving;
} TrdWorker;

typedef struct
{
  guint64 number;
  gint64 task_id;
  TrdWorker *worker;  /* (unowned) (nullable): NULL once it waits to be released */
  int part_fd;        /* (owned), -1 once it was sent */
  int decode_fd;      /* (owned), -1 for none, and once it was sent */
  GUnixFDList *files; /* (owned) (nullable): of what is uploaded, until it is sent */
  GVariant *request;  /* (owned) (nullable): until it is sent, as cookies */
  guint64 jar;        /* 0 for none */
  guint64 jar_version;
  GVariant *cookies; /* (owned) (nullable) */
  gboolean is_stopped;
  gboolean is_sent_part_open; /* our copy, in a message that GDBus has not dropped yet */
  gboolean is_over;           /* only that keeps it from being released */
} TrdWorkerAttempt;

struct _TrdWorkers
{
  GObject parent_instance;

  char *program; /* (owned) */
  guint idle_ms;
  TrdWorkerPatience patience;
  const TrdTransportSink *sink; /* (unowned) (nullable) */
  gpointer sink_data;           /* (unowned) */

  GPtrArray *workers;      /* (owned) (element-type Worker) */
  GHashTable *attempts;    /* (owned): number to Attempt (owned) */
  GHashTable *tasks;       /* (owned): task id to Attempt (unowned), not stopped */
  TrdWorkerPauses *pauses; /* (owned) */
  GPtrArray *errands;      /* (owned) (element-type GTask): workers-errands.c */
  GQueue released;         /* (owned): Attempts whose part is free, to be told soon */
  guint released_source;
  guint64 last_number;
  gboolean is_mismatched; /* nothing is started any more */

  gboolean is_shutting_down;
  guint shutdown_source;
  GPtrArray *shutdown_tasks; /* (owned) (element-type GTask) */
};

extern const TrdWorkerEvents trd_workers_events;

/* The worker for @key, which has one thing more to do, until
 * trd_workers_note_attempt_left(). */
TrdWorker *
trd_workers_engage (TrdWorkers *self,
                    const char *key,
                    TrdProfile profile,
                    gboolean alone);

/* Nothing can be asked of it any more. */
void
trd_workers_detach (TrdWorkers *self, TrdWorkerAttempt *attempt);

/* The attempt is over, and no worker holds its part. */
void
trd_workers_release (TrdWorkers *self, TrdWorkerAttempt *attempt);

void
trd_workers_note_attempt_left (TrdWorkers *self, TrdWorker *worker);

/* If there is one, and the last worker is gone. */
void
trd_workers_complete_shutdown (TrdWorkers *self);

void
trd_workers_send (TrdWorkers *self, TrdWorker *worker, TrdWorkerAttempt *attempt);

void
trd_worker_free (gpointer data);

/* workers-errands.c: the transport's verbs, all with the same end. */
void
trd_workers_refresh_async (TrdTransport *transport,
                           const TrdOwner *owner,
                           GVariant *request,
                           GAsyncReadyCallback callback,
                           gpointer user_data);
void
trd_workers_terminate_async (TrdTransport *transport,
                             const TrdAttempt *attempt,
                             GAsyncReadyCallback callback,
                             gpointer user_data);
GVariant *
trd_workers_finish_errand (TrdTransport *transport, GAsyncResult *result, GError **error);
/* @worker is ready; or gone, NULL for all. */
void
trd_workers_send_errands (TrdWorkers *self, TrdWorker *worker);
void
trd_workers_end_errands (TrdWorkers *self, TrdWorker *worker);

void
trd_attempt_drop_part (TrdWorkerAttempt *attempt);
