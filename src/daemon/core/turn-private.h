/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/terminator.h"
#include "core/turn.h"

/* What the files of a turn share: turn.c, stages.c, finish.c, again.c, delayed.c,
 * leave.c, challenge-stages.c, turn-challenges.c. */

/* One input, staged: what is true of its task once the transaction is committed. */
typedef struct
{
  TrdTask *task; /* (unowned) */
  TrdTaskInput input;
  TrundleTaskState next;
  TrdTaskRow *row; /* (owned) (nullable): as written */
  TrdEvent *event; /* (owned) (nullable) */
  guint32 hold;
  gint64 not_before_us; /* CLOCK_BOOTTIME, as in TrdTask */
  gint64 deadline_us;
  gint64 earliest_begin_us;
  TrdDelayed delayed;
  guint suspicion;
  guint failures;
  guint streak;
  gboolean durable;
  GRefString *host;        /* (owned) (nullable): when another one is asked now */
  TrdSecrets *secrets;     /* (owned) (nullable): with takes_secrets */
  TrdChallenge *challenge; /* (unowned) (nullable): it refers to */
  gboolean takes_secrets;
  gboolean withdraws;          /* its TaskFinished, which was not true after all */
  guint changes;               /* TrdTaskChange */
  gboolean discard;            /* the part is of no use to anybody */
  TrdTermination *termination; /* (owned) (nullable): nor is what a server keeps */
} TrdStep;

struct _TrdTurn
{
  TrdRegistry *registry; /* (unowned), outlives us */
  TrdStore *store;       /* (unowned) */
  TrdMoment now;
  GPtrArray *steps;      /* (owned) (element-type TrdStep) */
  GHashTable *finishing; /* (owned) (element-type TrdSession guint): tasks that finish */
  GPtrArray *last_words; /* (owned) (element-type TrdEvent): DidBecomeInvalid */
  GPtrArray *standings;  /* (owned): of challenges: core/turn-challenges.c */
  gboolean open;         /* a transaction is begun */
};

/* core/turn.c.  Begins the transaction, unless it is. */
gboolean
trd_turn_open (TrdTurn *self, GError **error);
/* An event of @session (not yet stored); @details is taken. */
TrdEvent *
trd_turn_new_event (TrdTurn *self,
                    TrdSession *session,
                    TrundleEventKind kind,
                    GVariant *details);

/* core/stages.c.  The row of the task, in its next state; it is written as the step says.
 */
gboolean
trd_step_load_row (TrdTurn *self, TrdStep *step, GError **error);
gboolean
trd_step_write_row (TrdTurn *self, TrdStep *step, GError **error);
/* What the attempt has received is there to be continued. */
void
trd_step_keep_progress (TrdStep *step);
void
trd_step_set_response (TrdStep *step, GVariant *response); /* nullable */
/* How far it came, and where it was led. */
void
trd_step_copy_progress (TrdStep *step, const TrdChange *change);
/* Of a task that begins now. */
gint64
trd_step_first_deadline_us (TrdTurn *self, TrdStep *step);
/* One of the step's task; @details is taken. */
TrdEvent *
trd_step_new_event (TrdTurn *self,
                    TrdStep *step,
                    TrundleEventKind kind,
                    GVariant *details);
gboolean
trd_stage_resume (TrdTurn *self, TrdStep *step, const TrdChange *change, GError **error);
gboolean
trd_stage_suspend (TrdTurn *self, TrdStep *step, const TrdChange *change, GError **error);
/* An attempt is over, and neither the end nor the state of its task is meant by it. */
void
trd_step_note_attempt (TrdStep *step, const TrdChange *change);
gboolean
trd_stage_retry (TrdTurn *self, TrdStep *step, const TrdChange *change, GError **error);

/* core/finish.c. */
gboolean
trd_stage_cancel (TrdTurn *self, TrdStep *step, const TrdChange *change, GError **error);
gboolean
trd_stage_expire (TrdTurn *self, TrdStep *step, const TrdChange *change, GError **error);
/* The row of a task that ends with an error; @details is taken. */
void
trd_step_set_error (TrdStep *step, TrundleError code, GVariant *details);
/* (transfer full), not floating */
GVariant *
trd_step_ending_details (const TrdStep *step, const char *reason, const char *message);
/* What its server keeps of an upload is forgotten, and that is to be told it as the row
 * says now. */
void
trd_step_abandon_upload (TrdTurn *self, TrdStep *step);
/* Writes it, and its TaskFinished. */
gboolean
trd_step_finish (TrdTurn *self, TrdStep *step, GError **error);
gboolean
trd_stage_fail (TrdTurn *self, TrdStep *step, const TrdChange *change, GError **error);
gboolean
trd_stage_succeed (TrdTurn *self, TrdStep *step, const TrdChange *change, GError **error);

/* core/again.c. */
void
trd_step_set_request (TrdTurn *self, TrdStep *step, const TrdRequestParts *request);
gboolean
trd_stage_update (TrdTurn *self, TrdStep *step, const TrdChange *change, GError **error);
gboolean
trd_stage_try_again (TrdTurn *self,
                     TrdStep *step,
                     const TrdChange *change,
                     GError **error);
gboolean
trd_stage_network_up (TrdTurn *self,
                      TrdStep *step,
                      const TrdChange *change,
                      GError **error);

/* core/leave.c.  The answer that the part is of: with @outcome (nullable), or while it
 * runs, that of the attempt, when it went into the part.  (transfer none) (nullable) */
GVariant *
trd_step_find_answer (const TrdStep *step, const TrdOutcome *outcome);
/* What is there of the file outlives the task, when it can be gone on with, for whoever
 * bears what is told with the error, which is set already.  @response: the answer the
 * part is of.  @out_data is nullable, here and there. */
gboolean
trd_step_leave (
    TrdTurn *self, TrdStep *step, GVariant *response, GBytes **out_data, GError **error);
/* The same for a task that failed, unless the file was whole. */
gboolean
trd_step_leave_failed (TrdTurn *self,
                       TrdStep *step,
                       const TrdChange *change,
                       GVariant *response,
                       GError **error);

/* core/challenge-stages.c. */
gboolean
trd_stage_challenge (TrdTurn *self,
                     TrdStep *step,
                     const TrdChange *change,
                     GError **error);
gboolean
trd_stage_answer (TrdTurn *self, TrdStep *step, const TrdChange *change, GError **error);
gboolean
trd_stage_reject (TrdTurn *self, TrdStep *step, const TrdChange *change, GError **error);

/* core/turn-challenges.c. */
void
trd_standing_free (gpointer data);
gboolean
trd_turn_stage_vanishing (TrdTurn *self, GError **error);
/* After the commit, in this order: before the tasks, for each task, at the end. */
void
trd_turn_assign_challenges (TrdTurn *self);
void
trd_step_assign_challenge (TrdStep *step);
void
trd_turn_drop_challenges (TrdTurn *self);

/* core/delayed.c. */
gboolean
trd_stage_date (TrdTurn *self, TrdStep *step, const TrdChange *change, GError **error);
gboolean
trd_stage_due (TrdTurn *self, TrdStep *step, const TrdChange *change, GError **error);
gboolean
trd_stage_proceed (TrdTurn *self, TrdStep *step, const TrdChange *change, GError **error);
/* Who is suspended waits for no answer: the app is asked again once it is resumed. */
void
trd_step_withdraw_question (TrdStep *step);
