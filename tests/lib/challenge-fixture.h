/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core-fixture.h"

/* Challenges on the core's fixture: a server that asks who is there. */

#define BASIC "{'method': <'basic'>, 'realm': <'r'>}"
#define DIGEST "{'method': <'digest'>, 'realm': <'r'>}"

/* Facts of https://a.example, with @offers (the text of an aa{sv}) and @more ("", or
 * further keys beginning with a comma).  (transfer full) */
GVariant *
challenge_facts (const char *offers, const char *more);
/* The running attempt of @task ends with HttpStatus 401, or @code, and a challenge;
 * @facts is consumed.  Then everything settles. */
void
challenge_meet (CoreFixture *self, TrdTask *task, GVariant *facts);
void
challenge_meet_as (CoreFixture *self, TrdTask *task, TrundleError code, GVariant *facts);
/* A task of the session that has met Basic of a.example. */
TrdTask *
challenge_open (CoreFixture *self, TrdSession *session, const char *options);
/* That of @offers again, where the credential that was given was refused. */
void
challenge_refuse (CoreFixture *self, TrdTask *task, const char *offers);

/* RespondToChallenge to what @task waits for; @answer is the text of an a{sv}. */
gboolean
challenge_respond (CoreFixture *self,
                   TrdTask *task,
                   const char *disposition,
                   const char *answer,
                   GError **error);
/* The same, which must go well; then everything settles. */
void
challenge_answer (CoreFixture *self,
                  TrdTask *task,
                  const char *disposition,
                  const char *answer);
gboolean
challenge_set (CoreFixture *self,
               TrdSession *session,
               const char *space,
               const char *credential,
               GError **error);

/* Of the last attempt: the @index-th of `credentials`.  (transfer full) (nullable) */
GVariant *
challenge_given (CoreFixture *self, TrdTask *task, guint index);
/* `user` of the first of them, or "". (transfer full) */
char *
challenge_given_user (CoreFixture *self, TrdTask *task);

/* Details of the last ChallengeReceived of @session that is stored.  (transfer full) */
GVariant *
challenge_last_event (CoreFixture *self, TrdSession *session);
guint
challenge_count_events (CoreFixture *self, TrdSession *session);
guint
challenge_count_failures (CoreFixture *self, TrdSession *session);

#define challenge_assert_waits(task, reason)                                             \
  G_STMT_START                                                                           \
  {                                                                                      \
    g_assert_cmpint ((task)->state, ==, TRUNDLE_TASK_CHALLENGED);                        \
    g_assert_cmphex (trd_task_wait_reasons (task), ==, reason);                          \
  }                                                                                      \
  G_STMT_END
