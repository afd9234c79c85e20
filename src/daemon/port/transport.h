/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>
#include <gio/gunixfdlist.h>

#include "value/outcome.h"
#include "value/owner.h"

/* Running one attempt of a task, as an interface: the workers, or a script in tests. */
#define TRD_TYPE_TRANSPORT (trd_transport_get_type ())
G_DECLARE_INTERFACE (TrdTransport, trd_transport, TRD, TRANSPORT, GObject)

/* How far an attempt is. */
typedef struct
{
  guint64 received;  /* body bytes in the part */
  guint64 synced;    /* of these known to be on disk */
  gint64 expected;   /* to receive; -1 when unknown */
  guint64 sent;      /* bytes of what is uploaded that are on their way */
  guint64 confirmed; /* of these, bytes the server says it keeps */
} TrdProgress;

/* What happened to an attempt; called from the main loop, never from within begin() or
 * stop(), and never for an attempt that was stopped (law 15).  After on_done the attempt
 * is over and nothing more comes for it.  All functions are given. */
typedef struct
{
  /* Headers of the final answer: a{sv} as the property Response. */
  void (*on_response) (gint64 task_id, GVariant *response, gpointer user_data);
  void (*on_redirected) (
      gint64 task_id, const char *from, const char *to, guint status, gpointer user_data);
  /* At most every 250 ms for all attempts of a worker together. */
  void (*on_progress) (gint64 task_id, const TrdProgress *progress, gpointer user_data);
  /* The server has said where and how an upload is gone on with: a{sv}, as the key
   * `upload` of Begin; what was known of it is void.  The worker goes on once it is
   * stored.  FALSE: it could not be, and the attempt is to end. */
  gboolean (*on_upload) (gint64 task_id, GVariant *upload, gpointer user_data);
  /* Digests of a beginning of the part that is on disk: what Begin takes. */
  void (*on_digested) (gint64 task_id, GVariant *state, gpointer user_data);
  void (*on_done) (gint64 task_id, TrdOutcome *outcome, gpointer user_data);
  /* The worker died of a fault while this task ran in it, and is to blame.  @alone:
   * the task was the only one ever given to that worker.  Instead of on_done. */
  void (*on_crashed) (gint64 task_id, gboolean alone, gpointer user_data);
  /* The part of an attempt that ended or was stopped is no longer held by a worker: its
   * lock is free.  Comes once for each attempt, after on_done, on_crashed or stop(). */
  void (*on_released) (gint64 task_id, gpointer user_data);
  /* Servers have changed what is in a jar of attempts that run: @changes, checked, are of
   * TRUNDLE_COOKIES_TYPE.  @version is what the worker had before, 0 for none of ours.
   * Returns the version that it has with them, 0 when it has none of ours. */
  guint64 (*on_cookies) (guint64 jar,
                         guint64 version,
                         GVariant *changes,
                         gpointer user_data);
} TrdTransportSink;

/* What a worker may reach: the network only, or what the user has on this machine to say
 * who he is besides (ticket caches, tokens). */
typedef enum
{
  TRD_PROFILE_CONFINED,
  TRD_PROFILE_LOCAL,
} TrdProfile;

/* What an attempt needs.  Borrowed for the call. */
typedef struct
{
  gint64 task_id;
  const TrdOwner *owner; /* one worker per app and profile */
  gboolean alone;        /* a suspect: in a worker of its own */
  GVariant *request;     /* a{sv}: see Begin in the interface Worker */
  gboolean has_decode;
  int decode_fd; /* with has_decode; consumed: where to decode to, locked as the part */
  GUnixFDList *files; /* (nullable): those that `body` of @request names by index; what is
                         in it is taken */
  TrdProfile profile;
  guint64 jar;         /* number of its cookies, as in @request; 0 for none */
  guint64 jar_version; /* never 0; the same version is always of the same cookies */
  GVariant *cookies;   /* with a jar: what that is, of TRUNDLE_COOKIES_TYPE */
} TrdAttempt;

struct _TrdTransportInterface
{
  GTypeInterface parent;
  void (*set_sink) (TrdTransport *self, const TrdTransportSink *sink, gpointer user_data);
  void (*begin) (TrdTransport *self, const TrdAttempt *attempt, int part_fd);
  void (*stop) (TrdTransport *self, gint64 task_id);
  void (*forget_jar) (TrdTransport *self, guint64 jar);
  void (*refresh_async) (TrdTransport *self,
                         const TrdOwner *owner,
                         GVariant *request,
                         GAsyncReadyCallback callback,
                         gpointer user_data);
  GVariant *(*refresh_finish) (TrdTransport *self, GAsyncResult *result, GError **error);
  void (*terminate_async) (TrdTransport *self,
                           const TrdAttempt *attempt,
                           GAsyncReadyCallback callback,
                           gpointer user_data);
  GVariant *(*terminate_finish) (TrdTransport *self,
                                 GAsyncResult *result,
                                 GError **error);
  guint (*count) (TrdTransport *self);
  void (*shutdown_async) (TrdTransport *self,
                          GAsyncReadyCallback callback,
                          gpointer user_data);
  void (*shutdown_finish) (TrdTransport *self, GAsyncResult *result);
};

/* @sink: (nullable): NULL and nothing is told any more */
void
trd_transport_set_sink (TrdTransport *self,
                        const TrdTransportSink *sink,
                        gpointer user_data);

/* Begins an attempt.  @part_fd is consumed: opened for reading and writing, as long as
 * the `offset` of the request says, locked with flock on this very description, which the
 * worker inherits. */
void
trd_transport_begin (TrdTransport *self, const TrdAttempt *attempt, int part_fd);

/* Ends an attempt from our side; nothing comes for it afterwards but on_released.  A task
 * that has no attempt is fine. */
void
trd_transport_stop (TrdTransport *self, gint64 task_id);

/* No attempt will have this jar any more, and nothing is told of it from now on.  Those
 * that run go on with what they have of it. */
void
trd_transport_forget_jar (TrdTransport *self, guint64 jar);

/* Asks a token server for @owner: see Refresh in the interface Worker.  What it answered
 * is the result, good or bad; an error says that nobody is known to have been asked:
 * CONNECTION_LOST, or INVALID_ARGUMENT.  (transfer full) */
void
trd_transport_refresh_async (TrdTransport *self,
                             const TrdOwner *owner,
                             GVariant *request,
                             GAsyncReadyCallback callback,
                             gpointer user_data);
GVariant *
trd_transport_refresh_finish (TrdTransport *self, GAsyncResult *result, GError **error);

/* Gives up what a server keeps of the `upload` in the request of @attempt: see Terminate
 * in the interface Worker.  Of @attempt, borrowed for the call, the number of the task,
 * `alone` and files are of no matter.  The result is what the server answered; an error
 * says that nobody is known to have been asked: CONNECTION_LOST, or INVALID_ARGUMENT.
 * (transfer full) */
void
trd_transport_terminate_async (TrdTransport *self,
                               const TrdAttempt *attempt,
                               GAsyncReadyCallback callback,
                               gpointer user_data);
GVariant *
trd_transport_terminate_finish (TrdTransport *self, GAsyncResult *result, GError **error);

/* Attempts begun and neither done nor released. */
guint
trd_transport_count (TrdTransport *self);

/* Stops all attempts and workers; the result comes when the last worker is gone. */
void
trd_transport_shutdown_async (TrdTransport *self,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
void
trd_transport_shutdown_finish (TrdTransport *self, GAsyncResult *result);
