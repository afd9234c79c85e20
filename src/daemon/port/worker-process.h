/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>
#include <gio/gunixfdlist.h>

#include "port/transport.h"
#include "value/outcome.h"

/* One worker process and the connection to it. */
#define TRD_TYPE_WORKER_PROCESS (trd_worker_process_get_type ())
G_DECLARE_FINAL_TYPE (TrdWorkerProcess, trd_worker_process, TRD, WORKER_PROCESS, GObject)

/* Why it is gone. */
typedef enum
{
  TRD_WORKER_END_STILLBORN, /* never ready: nothing ever ran in it */
  TRD_WORKER_END_MISMATCH,  /* of another version */
  TRD_WORKER_END_OURS,      /* exited, or ended by us, the user or the system: no blame */
  TRD_WORKER_END_FAULT,     /* died of a fault of its own, or broke the protocol */
} TrdWorkerEnd;

/* How long is waited for it. */
typedef struct
{
  guint answer_ms;  /* to say Hello */
  guint linger_ms;  /* to be gone when told to leave */
  guint stop_ms;    /* to answer Stop */
  guint ping_ms;    /* from one Ping to the next, while it has attempts */
  guint silence_ms; /* to answer Ping */
} TrdWorkerPatience;

/* What it tells; always from the main loop, never from within a call below.  A function
 * that returns a boolean says FALSE when it knows of no such attempt, which is a
 * violation of the protocol. */
typedef struct
{
  void (*on_ready) (TrdWorkerProcess *process, gpointer user_data);
  gboolean (*on_progress) (TrdWorkerProcess *process,
                           guint64 attempt,
                           const TrdProgress *progress,
                           gpointer user_data);
  /* @out_stored: whether it could be, or nobody listens any more. */
  gboolean (*on_upload) (TrdWorkerProcess *process,
                         guint64 attempt,
                         GVariant *upload,
                         gboolean *out_stored,
                         gpointer user_data);
  gboolean (*on_response) (TrdWorkerProcess *process,
                           guint64 attempt,
                           GVariant *response,
                           gpointer user_data);
  gboolean (*on_redirected) (TrdWorkerProcess *process,
                             guint64 attempt,
                             const char *from,
                             const char *to,
                             guint status,
                             gpointer user_data);
  gboolean (*on_digested) (TrdWorkerProcess *process,
                           guint64 attempt,
                           GVariant *state,
                           gpointer user_data);
  gboolean (*on_done) (TrdWorkerProcess *process,
                       guint64 attempt,
                       TrdOutcome *outcome,
                       gpointer user_data);
  gboolean (*on_cookies) (TrdWorkerProcess *process,
                          guint64 jar,
                          guint64 version,
                          GVariant *changes,
                          gpointer user_data);
  /* Begin was refused: the attempt never was. */
  void (*on_refused) (TrdWorkerProcess *process,
                      guint64 attempt,
                      const GError *error,
                      gpointer user_data);
  void (*on_stopped) (TrdWorkerProcess *process, guint64 attempt, gpointer user_data);
  /* The last: the process is reaped, and all it said before has been told. */
  void (*on_gone) (TrdWorkerProcess *process, TrdWorkerEnd end, gpointer user_data);
} TrdWorkerEvents;

TrdWorkerProcess *
trd_worker_process_new (const char *program,
                        TrdProfile profile,
                        const TrdWorkerPatience *patience,
                        const TrdWorkerEvents *events,
                        gpointer user_data);

/* Starts the program @delay_ms from now. */
void
trd_worker_process_start (TrdWorkerProcess *self, guint delay_ms);

/* It has said Hello, and was not told to leave. */
gboolean
trd_worker_process_is_ready (TrdWorkerProcess *self);

/* It was told to leave, or is about to be gone: it takes no more attempts. */
gboolean
trd_worker_process_is_leaving (TrdWorkerProcess *self);

/* 0 while there is no process. */
int
trd_worker_process_get_pid (TrdWorkerProcess *self);

/* Only when ready.  @files: the part first, then what @request says. */
void
trd_worker_process_begin (TrdWorkerProcess *self,
                          guint64 attempt,
                          GUnixFDList *files,
                          int part_handle,
                          GVariant *request);
void
trd_worker_process_stop (TrdWorkerProcess *self, guint64 attempt);

/* Only when ready.  @callback gets the reply to @method, one that takes a room for the
 * answer and a request, from the connection.  @files: the room. */
void
trd_worker_process_ask (TrdWorkerProcess *self,
                        const char *method,
                        GUnixFDList *files,
                        GVariant *request,
                        GAsyncReadyCallback callback,
                        gpointer user_data);

/* No later attempt has it. */
void
trd_worker_process_forget_jar (TrdWorkerProcess *self, guint64 jar);

/* Nothing goes on in it any more, until the next is begun. */
void
trd_worker_process_rest (TrdWorkerProcess *self);

/* Tells it to leave; SIGTERM and then SIGKILL for one that lingers. */
void
trd_worker_process_leave (TrdWorkerProcess *self);
void
trd_worker_process_kill (TrdWorkerProcess *self);

/* Tells nothing any more; kills the process and waits for its end, which is at once. */
void
trd_worker_process_abandon (TrdWorkerProcess *self);
