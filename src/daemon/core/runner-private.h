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
  GHashTable *rooms;  /* (owned) (element-type gint64 TrdPlace): where space is reserved
                       * for a task that does not run */
  GHashTable *locals; /* (owned) (element-type utf8): session and origin: whoever asks
                       * there needs the profile "local" */
  guint64 last_serial;
};

struct _TrdRun
{
  TrdRunner *runner;  /* (unowned), outlives us */
  TrdTask *task;      /* (unowned), outlives us */
  guint64 serial;     /* tells this run from a later one of the task */
  TrdPlace *place;    /* (owned) (nullable) */
  TrdIntent intent;   /* while sealing */
  guint name_number;  /* of the last name tried, for if-exists=rename */
  TrdContext context; /* of the verdict on its end */
  TrdProfile profile;
  GVariant *certificates;  /* (owned) (nullable): of the request */
  char *local_key;         /* (owned) (nullable): in locals of the runner */
  gboolean allow_insecure; /* a ticket may be shown without TLS */
  guint address;           /* the one that is asked: 0 is url, n the n-th mirror */
  guint given;             /* the newest credential when it began */
  gboolean asks;           /* the app, when no answer is known */
  guint64 challenge_timeout_ms;
  TrdOutcome
      *pending; /* (owned) (nullable): met a challenge, and an answer is looked for */
  TrdOutcome *outcome; /* (owned) (nullable): while sealing */
  GVariant *integrity; /* (owned) (nullable): while sealing: a{sv} */
  guint64 received;
  guint64 synced; /* as stored */
  guint64 offset; /* where it was to go on */
  gint64 expected;
  guint64 total;           /* that the part will have; 0 unknown */
  guint64 space_needed;    /* as an earlier attempt found */
  guint64 device;          /* where the part is */
  GCancellable *reserving; /* (owned) (nullable): only while it goes on */
  gboolean has_reserved;
  GVariant *request; /* (owned) (nullable): until it is launched, as the next two */
  int part_fd;       /* (owned): locked; -1 for none, as the next */
  int decode_fd;
  GUnixFDList *files; /* (owned) (nullable): of what is sent, until it is launched */
  GVariant *kept;     /* (owned) (nullable): answer that brought what is gone on with */
  GVariant *response; /* (owned) (nullable) */
  char *current_url;  /* (owned) (nullable) */
  GVariant *transactions; /* (owned) (nullable): as the worker told at the end */
  guint n_hops;           /* that these are of */
  guint n_redirects;
  guint64 base;        /* length of the file it goes on from, as the server has decided */
  gboolean has_begun;  /* the transport was told */
  gboolean progressed; /* bytes came */
  gboolean in_transport;
  gboolean may_decode; /* a file to decode to was made */
  gboolean sealing;    /* the file is whole: nothing may end it now */
  gboolean file_moved; /* while sealing: law 6 */
  guint tellings;      /* how often it was tried to store its success */
  guint telling;       /* alarm: the store did not take its success; 0 for none */
  gboolean cleared;    /* it ended by itself: no suspect any more */

  /* Of an upload: core/upload.c. */
  gboolean is_upload;
  gboolean repeatable; /* the request, whatever the server has seen of it */
  gboolean may_choose; /* its dialect is for us to find out */
  gboolean unsure;     /* the server may have all of it */
  TrdRepeat loss;      /* it has lost the place: what that means */
  GVariant *upload;    /* (owned) (nullable): as in the row */
  GVariant *offer;     /* (owned) (nullable): as: dialects the worker is told */
  guint64 body_size;
  guint64 sent;
  guint64 confirmed;
};

/* The run of work that was begun in a thread, if it still goes on.  (nullable) */
TrdRun *
trd_runner_find_run (TrdRunner *self, gint64 task_id, guint64 serial);

/* What its end will be judged by, from the row as it began. */
void
trd_run_take_context (TrdRun *run, const TrdTaskRow *row);

/* core/conclude.c: one input for the task of @run, which is gone afterwards; a store that
 * refuses puts the task back into the queue. */
void
trd_run_apply (TrdRun *run, TrdTaskInput input, TrdChange *change);
void
trd_run_fail (TrdRun *run, const TrdOutcome *outcome, gboolean keep_part);
/* It is asked otherwise, and was no failure. */
void
trd_run_retry_at_once (TrdRun *run, const TrdOutcome *outcome);
/* The store refused what became of @run, whose task waits until it may be better. */
void
trd_run_hold_unstored (TrdRun *run, const GError *error);
/* After trd_run_look_ahead(). */
void
trd_run_go_on (TrdRun *run);
/* core/meet.c: the keyring is asked before the server, if a credential is to be sent
 * before that asks; FALSE when there is nothing to wait for. */
gboolean
trd_run_look_ahead (TrdRun *run, const TrdTaskRow *row);
/* What is known when it begins. */
void
trd_run_note_given (TrdRun *run, const TrdTaskRow *row);
/* @outcome has a challenge.  Consumes it. */
void
trd_run_meet (TrdRun *run, TrdOutcome *outcome);
/* What @outcome means for @run, with what else is known. */
TrdVerdict
trd_run_judge (TrdRun *run, TrdOutcome *outcome);
/* Consumes @outcome; @run is gone or sealing afterwards. */
void
trd_run_conclude (TrdRun *run, TrdOutcome *outcome);
void
trd_run_conclude_error (TrdRun *run, const GError *error);
void
trd_run_conclude_crash (TrdRun *run, gboolean alone);

/* core/locals.c: in which profile @run asks what @request says. */
void
trd_run_choose_profile (TrdRun *run, GVariant *request, const TrdTaskRow *row);
/* Whether what it was told can be answered only in the other one, where it goes on. */
gboolean
trd_run_change_profile (TrdRun *run, const TrdOutcome *outcome);

/* Hands request and part to the transport. */
void
trd_run_launch (TrdRun *run);

/* core/body.c: @request with what @row sends, and its files opened; as it is for who
 * sends nothing.  (transfer full), not floating */
GVariant *
trd_run_open_body (TrdRun *run, const TrdTaskRow *row, GVariant *request, GError **error);
/* What failed may be the file that was to be sent: its name is told when the app has
 * named it. */
void
trd_run_blame_source (TrdRun *run, TrdOutcome *outcome);

/* core/upload.c: what is known of an upload as it begins. */
void
trd_run_take_upload (TrdRun *run, const TrdTaskRow *row);
void
trd_run_clear_upload (TrdRun *run);
/* At a place that its server keeps, which repeats nothing. */
gboolean
trd_run_goes_on (const TrdRun *run);
/* Bytes that are on their way, and those of them that are there. */
void
trd_run_note_sent (TrdRun *run, guint64 sent, guint64 confirmed);
/* The worker tells the place, or that it is lost; FALSE when it must not go on.  @run may
 * be gone then. */
gboolean
trd_run_note_upload (TrdRun *run, GVariant *told);
void
trd_run_note_upload_done (TrdRun *run, const TrdOutcome *outcome);
/* Law 10: no success without all of the body. */
void
trd_run_check_sent (TrdRun *run, TrdOutcome *outcome);
/* What another attempt would repeat. */
TrdRepeat
trd_run_find_repeat (const TrdRun *run);
/* Whether it failed in one dialect and is to be tried in another, once. */
gboolean
trd_run_change_dialect (TrdRun *run, const TrdOutcome *outcome);

/* core/space.c: whether a part of @total bytes fits, or with 0 whether @space_needed
 * bytes are free: else NO_SPACE. */
gboolean
trd_run_find_room (TrdRun *run, guint64 total, guint64 space_needed, GError **error);
/* Reserves what is missing of it; FALSE when there is nothing to do.  What has not been
 * launched is launched then. */
gboolean
trd_run_reserve (TrdRun *run);
/* An answer told the size.  @run may be gone afterwards. */
void
trd_run_note_size (TrdRun *run);
/* Bytes that must be free before it is tried again. */
guint64
trd_run_space_needed (TrdRun *run);
/* What a folder that is gone or read-only now makes of file work is that, and is waited
 * for. */
void
trd_run_blame_place (TrdRun *run, TrdOutcome *outcome);
/* A reservation still goes on: trd_run_succeed() is called again once it has ended.
 * Consumes @outcome then. */
gboolean
trd_run_await_reservation (TrdRun *run, TrdOutcome *outcome);
/* The run ends. */
void
trd_run_leave_room (TrdRun *run);
/* Gives back what is reserved for a task, if nobody holds its part and it does not soon
 * go on. */
void
trd_runner_give_back (TrdRunner *self, gint64 task_id);

/* core/seal.c: the worker says the part is complete.  Consumes @outcome. */
void
trd_run_succeed (TrdRun *run, TrdOutcome *outcome);
/* The row says first that this part cannot be continued: it is another file soon. */
gboolean
trd_run_forget_part (TrdRun *run, GError **error);
/* An earlier daemon died between the intent and the end of the task (law 6). */
void
trd_run_resume_seal (TrdRun *run, const TrdTaskRow *row);
