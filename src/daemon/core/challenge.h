/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/session.h"
#include "value/challenge.h"
#include "value/rows.h"

/* What somebody on the way wants to know of one session, in memory: one for each
 * protection space.  Owned by its session; written only by a turn (core/turn.h). */
struct _TrdChallenge
{
  TrdChallengeRow *row; /* (owned) */
  TrdSession *session;  /* (unowned), outlives us */
  TrdSpace space;
  gint64 deadline_us;  /* CLOCK_BOOTTIME; 0 for none */
  guint n_tasks;       /* unfinished ones that wait for it, or went on by its answer */
  guint n_waiting;     /* of these, the challenged ones */
  GHashTable *passed;  /* (owned) (nullable) (element-type gint64): tasks that went on by
                        * its answer and have met another one since */
  gboolean looking;    /* the keyring is being asked */
  gboolean look_again; /* and has changed meanwhile */
};

/* @row is taken. */
TrdChallenge *
trd_challenge_new (TrdSession *session, TrdChallengeRow *row);
void
trd_challenge_free (TrdChallenge *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdChallenge, trd_challenge_free)

TrdChallengeRow *
trd_challenge_row_copy (const TrdChallengeRow *row);

/* What answers it is for @task too. */
gboolean
trd_challenge_is_behind (const TrdChallenge *self, const TrdTask *task);
/* Tasks that it stays for. */
guint
trd_challenge_count_references (const TrdChallenge *self);
/* An answer is waited for: by the app, or the keyring's user. */
gboolean
trd_challenge_is_unanswered (const TrdChallenge *self);

/* That of @session; (nullable) */
TrdChallenge *
trd_session_find_challenge (TrdSession *session, const char *space);
TrdChallenge *
trd_session_find_challenge_by_id (TrdSession *session, gint64 id);
/* Tasks that wait for @challenge, in order of id.  (element-type TrdTask)
 * (transfer container) */
GPtrArray *
trd_challenge_list_waiting (const TrdChallenge *self);
