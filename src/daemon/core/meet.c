/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An attempt that met a challenge.  While its task still runs, an answer is looked for
 * that is known already: one that has come since the attempt began, or one in the
 * keyring.  Found, the task is tried again at once, which is no failure; each credential
 * is newer than all before, so that this comes to an end.  Else the task waits, with all
 * others that met the same. */

#include "config.h"

#include "core/runner-private.h"

#include "common/error.h"
#include "common/vocabulary.h"
#include "core/challenges.h"
#include "core/oauth2.h"
#include "core/registry-internal.h"
#include "core/request.h"

static TrdChallenges *
challenges_of (TrdRun *run)
{
  return trd_registry_get_challenges (run->runner->registry);
}

/* ---- what was refused ---- */

static gboolean
find_tried (const TrdOutcome *outcome,
            gboolean *out_has_generation,
            guint *out_generation)
{
  g_autoptr (GVariant) tried = g_variant_lookup_value (
      outcome->challenge, "tried", G_VARIANT_TYPE_VARDICT);

  if (tried == NULL)
    return FALSE;

  /* Numbers begin with 1. */
  *out_generation = 0;
  g_variant_lookup (tried, "generation", "u", out_generation);
  *out_has_generation = *out_generation > 0;
  return TRUE;
}

static void
note_refusal (TrdRun *run)
{
  gboolean has_generation;
  guint generation;

  if (find_tried (run->pending, &has_generation, &generation) && has_generation)
    {
      trd_credentials_refuse (trd_challenges_get_credentials (challenges_of (run)),
                              run->task->session,
                              generation);
      trd_refresh_note_refused (trd_registry_get_refresh (run->runner->registry),
                                run->task->session,
                                generation);
    }
}

/* Only of what is newest: that an older one is refused is known already. */
static gboolean
is_failure (TrdRun *run, const TrdSpace *space)
{
  TrdCredentials *credentials = trd_challenges_get_credentials (challenges_of (run));
  const TrdCredential *last = trd_credentials_find_last (
      credentials, run->task->session, space);
  gboolean has_generation;
  guint generation;

  if (find_tried (run->pending, &has_generation, &generation))
    return !has_generation || last == NULL || generation >= last->generation;

  /* It was there, and could not be used. */
  return last != NULL && !last->refused && !last->stale && last->generation <= run->given;
}

/* ---- the ways on ---- */

static void
end_as_it_is (TrdRun *run)
{
  g_autoptr (TrdOutcome) outcome = g_steal_pointer (&run->pending);

  g_clear_pointer (&outcome->challenge, g_variant_unref);
  trd_run_conclude (run, g_steal_pointer (&outcome));
}

/* As those have ended that were behind the same challenge. */
static void
end_like_others (TrdRun *run, const TrdChallenge *challenge)
{
  g_autoptr (TrdOutcome) outcome = NULL;
  const char *word = "";

  if (challenge->row->answer != NULL)
    g_variant_lookup (challenge->row->answer, "disposition", "&s", &word);
  if (g_str_equal (word, "cancel"))
    outcome = trd_outcome_new_failed (TRUNDLE_ERROR_AUTHENTICATION_CANCELLED, NULL);
  else if (g_str_equal (word, "timeout"))
    outcome = trd_outcome_new_failed (TRUNDLE_ERROR_AUTHENTICATION_REQUIRED,
                                      "Nobody answered in time");
  else
    {
      end_as_it_is (run);
      return;
    }

  trd_run_fail (run, outcome, FALSE);
}

static void
join (TrdRun *run, TrdChallenge *challenge)
{
  g_autoptr (TrdOutcome) outcome = g_steal_pointer (&run->pending);
  TrdChange change = {
    .outcome = outcome,
    .suspicion = run->cleared ? 0 : run->task->suspicion,
    .challenge = challenge,
  };

  trd_run_apply (run, TRD_TASK_INPUT_CHALLENGE, &change);
}

/* An answer that this attempt did not have when it began. */
static gboolean
is_answered (TrdRun *run, const TrdSpace *space, const TrdChallenge *challenge)
{
  TrdTask *task = run->task;
  const TrdCredential *credential = trd_credentials_find (
      trd_challenges_get_credentials (challenges_of (run)),
      task->session,
      challenge != NULL && trd_challenge_is_behind (challenge, task) ? challenge->row->id
                                                                     : 0,
      space,
      run->allow_insecure);

  if (credential != NULL && credential->generation > run->given)
    return TRUE;

  return challenge != NULL && challenge->row->state == TRD_CHALLENGE_ANSWERED
         && challenge->row->generation > run->given;
}

/* TRUE when the run is over: what is known in memory is enough. */
static gboolean
decide (TrdRun *run, TrdSpace *out_space)
{
  TrdSession *session = run->task->session;
  g_autofree char *key = NULL;
  TrdChallenge *challenge;

  if (!trd_challenges_choose (session, run->pending->challenge, NULL, out_space))
    {
      end_as_it_is (run);
      return TRUE;
    }

  key = trd_space_to_key (out_space);
  challenge = trd_session_find_challenge (session, key);
  if (is_answered (run, out_space, challenge))
    {
      g_autoptr (TrdOutcome) outcome = g_steal_pointer (&run->pending);

      trd_run_retry_at_once (run, outcome);
    }
  else if (challenge != NULL && challenge == run->task->challenge
           && challenge->row->state == TRD_CHALLENGE_DEFAULT)
    end_like_others (run, challenge);
  else if (challenge != NULL && trd_challenge_is_unanswered (challenge)
           && (run->asks || challenge->row->state == TRD_CHALLENGE_LOCKED))
    join (run, challenge);
  else
    return FALSE;

  return TRUE;
}

/* ---- opening ---- */

/* As it is to stand; of an earlier one, failures go on. */
static TrdChallengeRow *
new_standing (TrdRun *run,
              const TrdSpace *space,
              const TrdChallenge *before,
              TrdChallengeState state)
{
  TrdChallengeRow *row = before != NULL ? trd_challenge_row_copy (before->row)
                                        : g_new0 (TrdChallengeRow, 1);

  if (row->space == NULL)
    row->space = trd_space_to_key (space);
  if (row->state == TRD_CHALLENGE_DEFAULT)
    row->failures = 0;
  row->failures += is_failure (run, space);
  row->state = state;
  row->generation = MAX (row->generation, run->given);
  row->opened_us = trd_clock_now_us (run->runner->env->clock);
  g_clear_pointer (&row->facts, g_variant_unref);
  row->facts = g_variant_ref (run->pending->challenge);
  g_clear_pointer (&row->answer, g_variant_unref);
  return row;
}

static gint64
find_deadline_us (TrdRun *run)
{
  return trd_challenges_find_deadline_us (challenges_of (run), run->challenge_timeout_ms);
}

static GVariant *
describe (TrdRun *run, const TrdChallenge *challenge, const TrdChallengeRow *standing)
{
  g_autoptr (TrdTaskRow) row = trd_store_load_task (
      run->runner->env->store, run->task->id, NULL);

  if (row == NULL)
    return NULL;

  return trd_challenge_describe (challenges_of (run),
                                 challenge,
                                 standing,
                                 find_deadline_us (run),
                                 row,
                                 trundle_error_to_name (run->pending->code));
}

static gboolean
stage_opening (TrdTurn *turn,
               TrdRun *run,
               const TrdSpace *space,
               TrdChallengeState state,
               GError **error)
{
  TrdSession *session = run->task->session;
  g_autofree char *key = trd_space_to_key (space);
  TrdChallenge *challenge = trd_session_find_challenge (session, key);
  TrdChallengeRow *row = new_standing (run, space, challenge, state);
  g_autoptr (GVariant) telling = NULL;
  /* A keyring that is locked is waited for as long as it takes. */
  gint64 deadline_us = state == TRD_CHALLENGE_OPEN ? find_deadline_us (run) : 0;
  TrdChange change = {
    .outcome = run->pending,
    .current_url = run->current_url,
    .suspicion = run->cleared ? 0 : run->task->suspicion,
  };

  if (challenge == NULL)
    challenge = trd_turn_add_challenge (turn, session, row, deadline_us, error);
  else if (!trd_turn_set_challenge (turn, challenge, row, deadline_us, error))
    challenge = NULL;
  if (challenge == NULL)
    return FALSE;

  if (state == TRD_CHALLENGE_OPEN)
    telling = describe (run, challenge, row);
  change.challenge = challenge;
  change.telling = telling;
  return trd_turn_apply (turn, run->task, TRD_TASK_INPUT_CHALLENGE, &change, error)
         && trd_turn_commit (turn, error);
}

static void
open_challenge (TrdRun *run, const TrdSpace *space, TrdChallengeState state)
{
  g_autoptr (TrdTurn) turn = trd_turn_new (run->runner->registry);
  g_autoptr (GError) error = NULL;
  gboolean done = stage_opening (turn, run, space, state, &error);

  /* What is not committed is undone first. */
  g_clear_pointer (&turn, trd_turn_free);
  if (!done)
    trd_run_hold_unstored (run, error);
}

/* ---- looking for an answer ---- */

typedef struct
{
  TrdRunner *runner; /* (owned) */
  gint64 task_id;
  guint64 serial;
} Looking;

static void
on_looked_up (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Looking *looking = user_data;
  g_autoptr (TrdRunner) runner = looking->runner;
  g_auto (TrdSpace) space = { 0 };
  gboolean locked;
  TrdRun *run;

  if (!trd_credentials_look_up_finish (result, &locked))
    return;
  run = trd_runner_find_run (runner, looking->task_id, looking->serial);
  if (run == NULL || decide (run, &space))
    return;

  if (locked)
    open_challenge (run, &space, TRD_CHALLENGE_LOCKED);
  else if (run->asks)
    open_challenge (run, &space, TRD_CHALLENGE_OPEN);
  else
    end_as_it_is (run);
}

static Looking *
looking_new (TrdRun *run)
{
  Looking *looking = g_new0 (Looking, 1);

  looking->runner = g_object_ref (run->runner);
  looking->task_id = run->task->id;
  looking->serial = run->serial;

  return looking;
}

static void
look_up (TrdRun *run, const TrdSpace *space, GAsyncReadyCallback callback)
{
  trd_credentials_look_up_async (trd_challenges_get_credentials (challenges_of (run)),
                                 run->task->session,
                                 space,
                                 callback,
                                 looking_new (run));
}

/* ---- a fresh token ---- */

/* Bearer, of the server that the task itself asks. */
static gboolean
is_asked_for_token (GVariant *challenge, const TrdSpace *origin)
{
  guint n_offers = trd_challenge_count_offers (challenge);

  for (guint i = 0; i < n_offers; i++)
    {
      g_auto (TrdSpace) space = { 0 };

      if (trd_challenge_get_space (challenge, i, &space) && !space.is_proxy
          && g_str_equal (space.method, "bearer")
          && g_str_equal (space.protocol, origin->protocol) && space.port == origin->port
          && g_ascii_strcasecmp (space.host, origin->host) == 0)
        return TRUE;
    }

  return FALSE;
}

static void
on_refreshed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Looking *looking = user_data;
  g_autoptr (TrdRunner) runner = looking->runner;
  g_autoptr (TrdOutcome) outcome = NULL;
  g_auto (TrdSpace) space = { 0 };
  TrdRefreshResult verdict = trd_refresh_get_finish (result, &outcome);
  TrdRun *run = NULL;

  if (verdict != TRD_REFRESH_GONE)
    run = trd_runner_find_run (runner, looking->task_id, looking->serial);
  if (run == NULL)
    return;

  if (verdict == TRD_REFRESH_FRESH)
    {
      run->task->refreshed = TRUE;
      outcome = g_steal_pointer (&run->pending);
      trd_run_retry_at_once (run, outcome);
    }
  else if (verdict == TRD_REFRESH_FAILED)
    {
      g_clear_pointer (&run->pending, trd_outcome_free);
      trd_run_conclude (run, g_steal_pointer (&outcome));
    }
  else if (!decide (run, &space))
    look_up (run, &space, on_looked_up);
}

/* FALSE when there is nothing to get one with, or one was of no use. */
static gboolean
refresh (TrdRun *run)
{
  TrdTask *task = run->task;
  TrdRegistry *registry = run->runner->registry;
  g_autoptr (GVariant) oauth2 = trd_task_find_oauth2 (task);
  g_autoptr (TrdTaskRow) row = NULL;
  g_autoptr (GVariant) request = NULL;
  g_auto (TrdSpace) origin = { 0 };

  if (oauth2 == NULL || task->refreshed)
    return FALSE;

  row = trd_store_load_task (run->runner->env->store, task->id, NULL);
  if (row == NULL || !trd_oauth2_may_ask (oauth2, run->allow_insecure)
      || !trd_refresh_find_origin (task, row, &origin)
      || !is_asked_for_token (run->pending->challenge, &origin))
    return FALSE;
  request = trd_registry_compose_request (registry, task, row, NULL);
  if (request == NULL)
    return FALSE;

  trd_refresh_get_async (trd_registry_get_refresh (registry),
                         task->session,
                         oauth2,
                         &origin,
                         run->given,
                         request,
                         on_refreshed,
                         looking_new (run));
  return TRUE;
}

/* ---- before the first question ---- */

static void
on_looked_ahead (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Looking *looking = user_data;
  g_autoptr (TrdRunner) runner = looking->runner;
  gboolean locked;
  TrdRun *run;

  if (!trd_credentials_look_up_finish (result, &locked))
    return;
  run = trd_runner_find_run (runner, looking->task_id, looking->serial);
  if (run != NULL)
    trd_run_go_on (run);
}

gboolean
trd_run_look_ahead (TrdRun *run, const TrdTaskRow *row)
{
  TrdCredentials *credentials = trd_challenges_get_credentials (challenges_of (run));
  TrdSession *session = run->task->session;
  g_autofree char *url = NULL;
  g_auto (TrdSpace) origin = { 0 };

  if (!trundle_options_get_boolean (
          row->options, session->row->configuration, "preemptive-auth"))
    return FALSE;

  url = trd_request_find_url (row);
  if (!trd_space_init_origin (&origin, url)
      || trd_credentials_has_looked (credentials, session, &origin))
    return FALSE;

  look_up (run, &origin, on_looked_ahead);
  return TRUE;
}

/* ---- meeting one ---- */

void
trd_run_note_given (TrdRun *run, const TrdTaskRow *row)
{
  TrdSession *session = run->task->session;

  run->given = trd_credentials_get_newest (
      trd_challenges_get_credentials (challenges_of (run)));
  run->asks = trd_challenges_asks (row, session);
  run->allow_insecure = trd_challenges_allows_insecure (row, session);
  run->challenge_timeout_ms = trundle_options_get_uint64 (
      row->options, session->row->configuration, "challenge-timeout");
}

void
trd_run_meet (TrdRun *run, TrdOutcome *outcome)
{
  g_auto (TrdSpace) space = { 0 };

  run->pending = outcome;
  note_refusal (run);
  if (decide (run, &space))
    return;
  if (!refresh (run))
    look_up (run, &space, on_looked_up);
}
