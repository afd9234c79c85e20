/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "port/transport.h"

/* A transport that moves nothing: it records what it was told, and the test says what
 * happens.  It holds its caller to the contract: a task that is begun while a former
 * attempt of it has not been released fails the test. */
#define FAKE_TYPE_TRANSPORT (fake_transport_get_type ())
G_DECLARE_FINAL_TYPE (FakeTransport, fake_transport, FAKE, TRANSPORT, GObject)

typedef struct
{
  gint64 task_id;
  TrdOwner *owner; /* (owned) */
  gboolean alone;
  TrdProfile profile;
  GVariant *request; /* (owned) */
  guint64 jar;
  guint64 jar_version;
  GVariant *cookies;  /* (owned) (nullable) */
  int part_fd;        /* (owned): -1 once released */
  int decode_fd;      /* (owned): -1 for none, and once released */
  GUnixFDList *files; /* (owned) (nullable): likewise */
  gboolean is_over;   /* done, crashed or stopped */
  gboolean is_stopped;
} FakeAttempt;

FakeTransport *
fake_transport_new (void);

/* The last attempt of a task, whatever became of it; NULL when it was never begun. */
const FakeAttempt *
fake_transport_find (FakeTransport *self, gint64 task_id);
/* Whether an attempt of the task is under way: begun, and neither over nor stopped. */
gboolean
fake_transport_is_running (FakeTransport *self, gint64 task_id);
/* All attempts in the order they were begun.  (element-type FakeAttempt)
 * (transfer none) */
GPtrArray *
fake_transport_get_attempts (FakeTransport *self);

/* Released comes by itself, from an idle, after an attempt is over (the default), or when
 * the test says fake_transport_release(). */
void
fake_transport_set_auto_release (FakeTransport *self, gboolean auto_release);
void
fake_transport_release (FakeTransport *self, gint64 task_id);

/* Appends to the part, as a worker does; tells nobody. */
void
fake_transport_write (FakeTransport *self,
                      gint64 task_id,
                      const void *data,
                      gsize length);

/* What happens to the running attempt of a task: calls the sink at once, so never call
 * these from within the code under test.  A floating @response is consumed. */
void
fake_transport_respond (FakeTransport *self, gint64 task_id, GVariant *response);
void
fake_transport_redirect (
    FakeTransport *self, gint64 task_id, const char *from, const char *to, guint status);
void
fake_transport_progress (FakeTransport *self,
                         gint64 task_id,
                         guint64 received,
                         guint64 synced,
                         gint64 expected);
/* The same of what is uploaded. */
void
fake_transport_send (FakeTransport *self,
                     gint64 task_id,
                     guint64 sent,
                     guint64 confirmed);
/* The text of an a{sv}; returns what the sink did. */
gboolean
fake_transport_upload (FakeTransport *self, gint64 task_id, const char *upload);
/* A floating @state is consumed. */
void
fake_transport_digest (FakeTransport *self, gint64 task_id, GVariant *state);
/* @outcome: (transfer full) */
void
fake_transport_take_done (FakeTransport *self, gint64 task_id, TrdOutcome *outcome);
/* Returns what the sink did.  A floating @changes is consumed. */
guint64
fake_transport_tell_cookies (FakeTransport *self,
                             guint64 jar,
                             guint64 version,
                             GVariant *changes);
/* The jar forgotten last, or 0. */
guint64
fake_transport_get_forgotten (FakeTransport *self);
/* Requests of refreshes that are not answered yet, the oldest first.  (element-type
 * GVariant) (transfer container) */
GPtrArray *
fake_transport_list_refreshes (FakeTransport *self);
/* How many there ever were. */
guint
fake_transport_count_refreshes (FakeTransport *self);
/* Answers the oldest with the text of an a{sv}; NULL: with CONNECTION_LOST. */
void
fake_transport_answer_refresh (FakeTransport *self, const char *answer);
/* The same of uploads that are given up. */
GPtrArray *
fake_transport_list_terminations (FakeTransport *self);
void
fake_transport_answer_termination (FakeTransport *self, const char *answer);
void
fake_transport_crash (FakeTransport *self, gint64 task_id, gboolean alone);
