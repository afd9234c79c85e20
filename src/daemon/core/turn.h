/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/challenge.h"
#include "core/registry.h"
#include "core/request.h"
#include "value/outcome.h"

/* One transaction of changes to tasks: judged, written, committed, and only then true in
 * memory and told (laws 1, 2, 5).  The one writer of a task's state. */
typedef struct _TrdTurn TrdTurn;

/* How a challenge ends its tasks. */
typedef enum
{
  TRD_REJECT_CANCELLED, /* AuthenticationCancelled */
  TRD_REJECT_DEFAULT,   /* with what the attempt brought that met it */
  TRD_REJECT_TIMED_OUT, /* AuthenticationRequired: nobody has answered in time */
} TrdReject;

/* What goes along with an input. */
typedef struct
{
  const TrdOutcome *outcome; /* (nullable): SUCCEED, FAIL, RETRY, CHALLENGE */
  guint32 hold;              /* RETRY: why it waits */
  gint64 not_before_us;      /* RETRY: until when, on CLOCK_BOOTTIME;
                              * NETWORK_UP: a back-off no longer than that */
  guint failures;            /* RETRY: these three as in TrdTaskRow */
  guint streak;
  guint mirror;
  gboolean afresh;         /* RETRY: nothing of the part is believed */
  const char *reason;      /* CANCEL: "client", "session-invalidated", … */
  const char *current_url; /* (nullable): SUCCEED, FAIL: where redirects led */
  const char *final_path;  /* (nullable): SUCCEED: where the file is */
  GVariant *integrity;     /* (nullable): SUCCEED: a{sv}: digests that were compared */
  gboolean file_moved;     /* SUCCEED: it was taken away before we could tell */
  guint64 space_needed;    /* RETRY: see TrdTaskRow */
  guint suspicion;         /* RETRY, FAIL: see TrdTaskRow */
  gboolean keep_part;      /* FAIL: the bytes are all there, for OpenFile and MoveFile */
  const TrdRequestParts *request; /* UPDATE, PROCEED (nullable): the whole of it */
  gint64 earliest_begin_us;       /* DATE: 0 for none */
  TrdChallenge *challenge; /* CHALLENGE; ANSWER (nullable): it refers to from now on */
  GVariant *telling;       /* (nullable): CHALLENGE: details of ChallengeReceived */
  TrdReject reject;        /* REJECT */
  /* (nullable): CANCEL: what can be gone on with is kept, and this is what to tell; NULL
   * when there is nothing */
  GBytes **out_resume_data;
} TrdChange;

TrdTurn *
trd_turn_new (TrdRegistry *registry);
/* The same with the transaction begun already, for what else belongs into it. */
TrdTurn *
trd_turn_new_open (TrdRegistry *registry, GError **error);
/* Undoes what was not committed. */
void
trd_turn_free (TrdTurn *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdTurn, trd_turn_free)

/* Stages one input; a task may be in a turn once.  BAD_STATE by the table: nothing was
 * staged for this task then, the rest of the turn stands.  @change may be NULL. */
gboolean
trd_turn_apply (TrdTurn *self,
                TrdTask *task,
                TrdTaskInput input,
                const TrdChange *change,
                GError **error);

/* Challenges change in the transaction too: @row is taken.  The challenge is there for
 * steps of this turn at once, for all others once it is committed. (transfer none) */
TrdChallenge *
trd_turn_add_challenge (TrdTurn *self,
                        TrdSession *session,
                        TrdChallengeRow *row,
                        gint64 deadline_us,
                        GError **error);
gboolean
trd_turn_set_challenge (TrdTurn *self,
                        TrdChallenge *challenge,
                        TrdChallengeRow *row,
                        gint64 deadline_us,
                        GError **error);
gboolean
trd_turn_remove_challenge (TrdTurn *self, TrdChallenge *challenge, GError **error);
/* A challenged task waits for @challenge from now on. */
gboolean
trd_turn_refer (TrdTurn *self, TrdTask *task, TrdChallenge *challenge, GError **error);

/* Stores @event in the transaction; telling it is the caller's, after the commit. */
gboolean
trd_turn_append_event (TrdTurn *self, TrdEvent *event, GError **error);

/* COMMIT; then memory, signals and what follows from them, in the order of apply. */
gboolean
trd_turn_commit (TrdTurn *self, GError **error);

/* A turn of one. */
gboolean
trd_turn_single (TrdRegistry *registry,
                 TrdTask *task,
                 TrdTaskInput input,
                 const TrdChange *change,
                 GError **error);
