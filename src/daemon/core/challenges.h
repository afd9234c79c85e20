/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/challenge.h"
#include "core/credentials.h"
#include "core/turn.h"

/* The life of challenges: what answers them, what ends them, and when. */
typedef struct _TrdChallenges TrdChallenges;

TrdChallenges *
trd_challenges_new (TrdRegistry *registry);
void
trd_challenges_free (TrdChallenges *self);

/* Those of @registry.  (transfer none), all */
TrdChallenges *
trd_registry_get_challenges (TrdRegistry *registry);
TrdRegistry *
trd_challenges_get_registry (TrdChallenges *self);
TrdCredentials *
trd_challenges_get_credentials (TrdChallenges *self);

/* From the store: before the tasks, which refer to them, and once these are there. */
gboolean
trd_challenges_restore (TrdChallenges *self, GError **error);
gboolean
trd_challenges_settle (TrdChallenges *self, GError **error);
/* What a new boot means for their ends: core/restart.c. */
gboolean
trd_challenges_restore_moments (TrdSession *session,
                                TrdStore *store,
                                const TrdRestart *restart,
                                GError **error);
gboolean
trd_challenges_keep_moments (TrdSession *session,
                             TrdStore *store,
                             const TrdRestart *restart,
                             GError **error);

/* When the next one ends unanswered (CLOCK_BOOTTIME, µs); 0 for none. */
gint64
trd_challenges_next_us (TrdChallenges *self);
/* An answer may come out of the keyring: the daemon must stay to hear of it. */
gboolean
trd_challenges_watch_keyring (TrdChallenges *self);
/* The keyring is asked about all who wait, from the main loop. */
void
trd_challenges_look_up_soon (TrdChallenges *self);
/* Some have changed: alarms follow. */
void
trd_challenges_arm (TrdChallenges *self);

/* The strongest offer of @facts that @session can answer and has not rejected, but not
 * @except (nullable), a key. */
gboolean
trd_challenges_choose (TrdSession *session,
                       GVariant *facts,
                       const char *except,
                       TrdSpace *out_space);
/* By the options of a task, or of its session. */
gboolean
trd_challenges_asks (const TrdTaskRow *row, TrdSession *session);
gboolean
trd_challenges_allows_insecure (const TrdTaskRow *row, TrdSession *session);

/* All who wait for @challenge go on: there is a credential with this number.  @answer
 * (nullable): what of it is no secret. */
gboolean
trd_challenges_answer (TrdChallenges *self,
                       TrdChallenge *challenge,
                       guint generation,
                       GVariant *answer,
                       GError **error);
/* All who wait for it end. */
gboolean
trd_challenges_end (TrdChallenges *self,
                    TrdChallenge *challenge,
                    TrdReject reject,
                    GError **error);
/* All who wait for it are asked by the next offer instead. */
gboolean
trd_challenges_reject_space (TrdChallenges *self,
                             TrdChallenge *challenge,
                             GError **error);
/* A credential of @session has come: whoever waits for it goes on, and what was rejected
 * there may be asked again. */
gboolean
trd_challenges_note_credential (TrdChallenges *self,
                                TrdSession *session,
                                const TrdCredential *credential,
                                GError **error);

/* What Begin is told of who we are and whom to trust, over @request.
 * (transfer full), not floating */
GVariant *
trd_challenges_compose (TrdChallenges *self,
                        TrdTask *task,
                        const TrdTaskRow *row,
                        GVariant *request);

/* Until when an answer is waited for from now on, on CLOCK_BOOTTIME; 0 for ever. */
gint64
trd_challenges_find_deadline_us (TrdChallenges *self, guint64 timeout_ms);

/* core/challenge-tell.c.  The details of ChallengeReceived, and of the property
 * Challenge: of @task, which need not wait for it yet.  @name (nullable) is that of the
 * error it met. Not floating. */
GVariant *
trd_challenge_describe (TrdChallenges *self,
                        const TrdChallenge *challenge,
                        const TrdChallengeRow *standing,
                        gint64 deadline_us,
                        const TrdTaskRow *row,
                        const char *name);
