/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "cli/challenge.h"
#include "cli/progress.h"

/* A task that is followed, as it was last heard of. */
typedef struct
{
  char *path;         /* (owned) */
  char *session_path; /* (owned) */
  char *url;          /* (owned): without user info */
  char *destination;  /* (owned): "" for the spool */
  char *name;         /* (owned) (nullable): of the file, when the task does not tell */
  char *label;        /* (owned): what a person knows it by */
  char *state;        /* (owned): word of the service */
  char *wait;         /* (owned) (nullable): why it waits, for people */
  /* (owned) (nullable): what is asked; NULL while nothing is, or it is not known */
  TrcChallenge *challenge;
  gboolean keyring_locked; /* it may have the answer */
  gboolean is_upload;
  guint64 received; /* of an upload: of the server's answer */
  gint64 expected;
  guint64 sent;
  gint64 expected_to_send;
  guint64 confirmed; /* of those sent: what the server says it has */
  TrcRate rate;
  gboolean finished; /* it has been told, too */
  gboolean unknown;  /* what became of it cannot be known any more */
  char *error;       /* (owned): "" for success, else the name of the error */
  char *message;     /* (owned): a sentence about it */
  char *refusal;     /* (owned): first line of what the server said to it, or "" */
} TrcJob;

/* @name (nullable): of the file, when the task does not tell. */
TrcJob *
trc_job_new (const char *session_path, const char *path, const char *name);
void
trc_job_free (TrcJob *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrcJob, trc_job_free)

/* Takes what @properties (a{sv}, named as on the bus) tell. */
void
trc_job_update (TrcJob *self, GVariant *properties);
/* Takes the details of TaskFinished. */
void
trc_job_finish (TrcJob *self, GVariant *details);
/* The service has forgotten it, unheard.  @past (nullable, a{sv} of ListHistory) tells
 * how it ended; without it the file tells whether it was a success. */
void
trc_job_lose (TrcJob *self, GVariant *past);

/* How many bytes of the file that is moved are there by now, and of how many; -1 when
 * that is not known. */
guint64
trc_job_get_moved (const TrcJob *self);
gint64
trc_job_get_all (const TrcJob *self);
/* All is sent, and the server has not answered yet. */
gboolean
trc_job_awaits_answer (const TrcJob *self);

/* "waiting: no network" (transfer full) */
char *
trc_job_describe (const TrcJob *self);
/* A line for people about how it ended.  (transfer full) */
char *
trc_job_describe_end (const TrcJob *self);
/* a{sv} for --json.  (transfer full), floating */
GVariant *
trc_job_to_json (const TrcJob *self, const char *event);
