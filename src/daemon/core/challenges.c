/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What becomes of challenges.  One that is open is answered by the app, by a credential
 * that comes into the keyring, or by nobody in time; one that is locked by a keyring that
 * opens, and becomes open when that has nothing after all.  Whatever happens, happens to
 * all tasks behind it, in one transaction (law 5). */

#include "config.h"

#include "core/challenges.h"

#include "common/defaults.h"
#include "common/error.h"
#include "common/vocabulary.h"
#include "core/profile.h"
#include "core/registry-internal.h"
#include "core/turn-private.h"
#include "core/trust.h"
#include "port/store-challenges.h"

struct _TrdChallenges
{
  TrdRegistry *registry;       /* (unowned), outlives us */
  const TrdEnv *env;           /* (unowned), outlives us */
  TrdCredentials *credentials; /* (owned) */
  guint alarm;                 /* 0 when none */
  gulong changed_handler;      /* of the vault; 0 for none */
  guint look_source;           /* 0 when none */
  guint later;                 /* alarm: it is looked again; 0 when none */
};

/* When the store did not take what becomes of a challenge: it is tried again. */
#define AGAIN_US (60 * G_USEC_PER_SEC)

TrdCredentials *
trd_challenges_get_credentials (TrdChallenges *self)
{
  return self->credentials;
}

TrdRegistry *
trd_challenges_get_registry (TrdChallenges *self)
{
  return self->registry;
}

/* ---- all there are ---- */

/* (element-type TrdChallenge) (transfer container) */
static GPtrArray *
list_all (TrdChallenges *self, gboolean only_unanswered)
{
  g_autoptr (GPtrArray) sessions = trd_registry_list_sessions (self->registry);
  g_autoptr (GPtrArray) all = g_ptr_array_new ();

  for (guint i = 0; i < sessions->len; i++)
    {
      TrdSession *session = g_ptr_array_index (sessions, i);

      for (guint j = 0; session->challenges != NULL && j < session->challenges->len; j++)
        {
          TrdChallenge *challenge = g_ptr_array_index (session->challenges, j);

          if (!only_unanswered || trd_challenge_is_unanswered (challenge))
            g_ptr_array_add (all, challenge);
        }
    }

  return g_steal_pointer (&all);
}

gboolean
trd_challenges_asks (const TrdTaskRow *row, TrdSession *session)
{
  g_autofree char *word = trundle_options_get_string (
      row->options, session->row->configuration, "challenge-handling");

  return g_str_equal (word, "ask");
}

gboolean
trd_challenges_allows_insecure (const TrdTaskRow *row, TrdSession *session)
{
  return trundle_options_get_boolean (
      row->options, session->row->configuration, "allow-insecure-auth");
}

/* Nobody gets a ticket but who is trusted.  A worker that had none, or whose ticket was
 * refused, tells it last: it is waited for only when nothing else would do. */
static gboolean
is_possible (TrdSession *session, const TrdSpace *space)
{
  return !g_str_equal (space->method, "negotiate")
         || (!space->is_proxy
             && trd_negotiate_is_trusted (session->row->configuration, space->host));
}

gboolean
trd_challenges_choose (TrdSession *session,
                       GVariant *facts,
                       const char *except,
                       TrdSpace *out_space)
{
  for (guint i = 0; i < trd_challenge_count_offers (facts); i++)
    {
      g_auto (TrdSpace) space = { 0 };
      g_autofree char *key = NULL;
      TrdChallenge *challenge;

      trd_challenge_get_space (facts, i, &space);
      if (!is_possible (session, &space))
        continue;
      key = trd_space_to_key (&space);
      if (g_strcmp0 (key, except) == 0)
        continue;
      challenge = trd_session_find_challenge (session, key);
      if (challenge != NULL && challenge->row->state == TRD_CHALLENGE_REJECTED)
        continue;
      *out_space = space;
      space = (TrdSpace){ 0 };
      return TRUE;
    }

  return FALSE;
}

/* ---- for a worker ---- */

/* Accepted for those behind one challenge. */
static void
add_trusted (GVariantDict *dict, const TrdChallenge *challenge, const TrdTask *task)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  g_autoptr (GVariant) sha256 = NULL;
  g_autoptr (GVariant) others = NULL;
  g_autoptr (GBytes) bytes = NULL;

  if (!trd_challenge_is_behind (challenge, task) || challenge->row->answer == NULL
      || challenge->row->state != TRD_CHALLENGE_ANSWERED)
    return;
  sha256 = g_variant_lookup_value (
      challenge->row->answer, "sha256", G_VARIANT_TYPE_BYTESTRING);
  if (sha256 == NULL)
    return;

  bytes = g_variant_get_data_as_bytes (sha256);
  others = g_variant_dict_lookup_value (
      dict, "trusted-certificates", G_VARIANT_TYPE ("aa{sv}"));
  for (gsize i = 0; others != NULL && i < g_variant_n_children (others); i++)
    {
      g_autoptr (GVariant) other = g_variant_get_child_value (others, i);

      g_variant_builder_add_value (&builder, other);
    }
  g_variant_builder_add_value (&builder,
                               trd_trust_describe (challenge->space.host,
                                                   challenge->space.port,
                                                   challenge->space.is_proxy,
                                                   bytes));
  g_variant_dict_insert_value (
      dict, "trusted-certificates", g_variant_builder_end (&builder));
}

GVariant *
trd_challenges_compose (TrdChallenges *self,
                        TrdTask *task,
                        const TrdTaskRow *row,
                        GVariant *request)
{
  g_autoptr (GVariant) composed = trd_credentials_compose (
      self->credentials, task, row, request);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (composed);
  GPtrArray *challenges = task->session->challenges;

  for (guint i = 0; challenges != NULL && i < challenges->len; i++)
    add_trusted (&dict, g_ptr_array_index (challenges, i), task);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* ---- answers and ends ---- */

static GVariant *
new_disposition (const char *word)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&dict, "disposition", "s", word);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* @answer is taken. */
static TrdChallengeRow *
next_row (const TrdChallenge *challenge, TrdChallengeState state, GVariant *answer)
{
  TrdChallengeRow *row = trd_challenge_row_copy (challenge->row);

  row->state = state;
  g_clear_pointer (&row->answer, g_variant_unref);
  row->answer = answer;
  return row;
}

static gboolean
apply_to_waiting (TrdTurn *turn,
                  TrdChallenge *challenge,
                  TrdTaskInput input,
                  const TrdChange *change,
                  GError **error)
{
  g_autoptr (GPtrArray) waiting = trd_challenge_list_waiting (challenge);

  for (guint i = 0; i < waiting->len; i++)
    if (!trd_turn_apply (turn, g_ptr_array_index (waiting, i), input, change, error))
      return FALSE;

  return TRUE;
}

gboolean
trd_challenges_answer (TrdChallenges *self,
                       TrdChallenge *challenge,
                       guint generation,
                       GVariant *answer,
                       GError **error)
{
  g_autoptr (TrdTurn) turn = trd_turn_new (self->registry);
  TrdChallengeRow *row = next_row (
      challenge, TRD_CHALLENGE_ANSWERED, answer != NULL ? g_variant_ref (answer) : NULL);
  TrdChange change = { .challenge = challenge };

  row->generation = generation;
  return trd_turn_set_challenge (turn, challenge, row, 0, error)
         && apply_to_waiting (turn, challenge, TRD_TASK_INPUT_ANSWER, &change, error)
         && trd_turn_commit (turn, error);
}

gboolean
trd_challenges_end (TrdChallenges *self,
                    TrdChallenge *challenge,
                    TrdReject reject,
                    GError **error)
{
  static const char *const words[] = { "cancel", "perform-default-handling", "timeout" };
  g_autoptr (TrdTurn) turn = trd_turn_new (self->registry);
  TrdChallengeRow *row = next_row (
      challenge, TRD_CHALLENGE_DEFAULT, new_disposition (words[reject]));
  TrdChange change = { .reject = reject };

  return trd_turn_set_challenge (turn, challenge, row, 0, error)
         && apply_to_waiting (turn, challenge, TRD_TASK_INPUT_REJECT, &change, error)
         && trd_turn_commit (turn, error);
}

/* ---- another offer ---- */

/* The next one after @challenge, as a challenge of its own that the keyring is asked
 * about first.  NULL without an error when there is none. */
static TrdChallenge *
stage_next_offer (TrdTurn *turn,
                  TrdChallenge *challenge,
                  gboolean *out_failed,
                  GError **error)
{
  TrdSession *session = challenge->session;
  GVariant *facts = challenge->row->facts;
  g_auto (TrdSpace) space = { 0 };
  g_autofree char *key = NULL;
  TrdChallenge *next;
  TrdChallengeRow *row;

  if (!trd_challenges_choose (session, facts, challenge->row->space, &space))
    return NULL;

  key = trd_space_to_key (&space);
  next = trd_session_find_challenge (session, key);
  if (next != NULL && trd_challenge_is_unanswered (next))
    return next;

  row = next != NULL ? trd_challenge_row_copy (next->row) : g_new0 (TrdChallengeRow, 1);
  if (next == NULL)
    {
      row->space = g_steal_pointer (&key);
      row->facts = g_variant_ref (facts);
    }
  row->state = TRD_CHALLENGE_LOCKED;
  row->opened_us = challenge->row->opened_us;
  if (next == NULL)
    next = trd_turn_add_challenge (turn, session, row, 0, error);
  else if (!trd_turn_set_challenge (turn, next, row, 0, error))
    next = NULL;
  *out_failed = next == NULL;
  return next;
}

/* A server may call its realms as it likes: only the last ones are remembered. */
static gboolean
stage_forgetting (TrdTurn *turn, TrdSession *session, GError **error)
{
  TrdChallenge *oldest = NULL;
  guint n_rejected = 0;

  for (guint i = 0; i < session->challenges->len; i++)
    {
      TrdChallenge *challenge = g_ptr_array_index (session->challenges, i);

      if (challenge->row->state != TRD_CHALLENGE_REJECTED)
        continue;
      n_rejected++;
      if (trd_challenge_count_references (challenge) == 0
          && (oldest == NULL || challenge->row->id < oldest->row->id))
        oldest = challenge;
    }

  return n_rejected < TRD_REJECTED_MAX || oldest == NULL
         || trd_turn_remove_challenge (turn, oldest, error);
}

gboolean
trd_challenges_reject_space (TrdChallenges *self, TrdChallenge *challenge, GError **error)
{
  g_autoptr (TrdTurn) turn = trd_turn_new (self->registry);
  g_autoptr (GPtrArray) waiting = trd_challenge_list_waiting (challenge);
  TrdChallengeRow *row = next_row (challenge, TRD_CHALLENGE_REJECTED, NULL);
  TrdChange change = { .reject = TRD_REJECT_DEFAULT };
  gboolean failed = FALSE;
  TrdChallenge *next;

  if (!trd_turn_set_challenge (turn, challenge, row, 0, error)
      || !stage_forgetting (turn, challenge->session, error))
    return FALSE;
  next = stage_next_offer (turn, challenge, &failed, error);
  if (failed)
    return FALSE;

  for (guint i = 0; i < waiting->len; i++)
    {
      TrdTask *task = g_ptr_array_index (waiting, i);
      gboolean done = next != NULL ? trd_turn_refer (turn, task, next, error)
                                   : trd_turn_apply (
                                       turn, task, TRD_TASK_INPUT_REJECT, &change, error);

      if (!done)
        return FALSE;
    }
  if (!trd_turn_commit (turn, error))
    return FALSE;

  trd_challenges_look_up_soon (self);
  return TRUE;
}

/* ---- what the keyring has ---- */

/* The first who waits tells what is allowed. */
static TrdTaskRow *
load_first (TrdChallenges *self, const TrdChallenge *challenge)
{
  g_autoptr (GPtrArray) waiting = trd_challenge_list_waiting (challenge);
  const TrdTask *task;

  if (waiting->len == 0)
    return NULL;

  task = g_ptr_array_index (waiting, 0);
  return trd_store_load_task (self->env->store, task->id, NULL);
}

static void
on_later (gpointer user_data)
{
  TrdChallenges *self = user_data;

  self->later = 0;
  trd_challenges_look_up_soon (self);
}

static void
look_up_later (TrdChallenges *self)
{
  if (self->later == 0)
    self->later = trd_clock_add_alarm (self->env->clock, AGAIN_US, on_later, self);
}

/* TRUE when there is an answer in what is known now. */
static gboolean
answer_by_credential (TrdChallenges *self, TrdChallenge *challenge, const TrdTaskRow *row)
{
  const TrdCredential *credential = trd_credentials_find (
      self->credentials,
      challenge->session,
      0,
      &challenge->space,
      row != NULL && trd_challenges_allows_insecure (row, challenge->session));
  g_autoptr (GError) error = NULL;

  if (credential == NULL || credential->generation <= challenge->row->generation)
    return FALSE;

  if (!trd_challenges_answer (self, challenge, credential->generation, NULL, &error))
    {
      g_warning ("Cannot answer a challenge: %s", error->message);
      look_up_later (self);
    }
  return TRUE;
}

/* Of those behind it, those who want nobody to be asked end. */
static gboolean
stage_unasked (TrdTurn *turn, GPtrArray *waiting, TrdStore *store, GError **error)
{
  TrdChange change = { .reject = TRD_REJECT_DEFAULT };

  for (guint i = waiting->len; i > 0; i--)
    {
      TrdTask *task = g_ptr_array_index (waiting, i - 1);
      g_autoptr (TrdTaskRow) row = trd_store_load_task (store, task->id, error);

      if (row == NULL)
        return FALSE;
      if (trd_challenges_asks (row, task->session))
        continue;
      if (!trd_turn_apply (turn, task, TRD_TASK_INPUT_REJECT, &change, error))
        return FALSE;
      g_ptr_array_remove_index (waiting, i - 1);
    }

  return TRUE;
}

gint64
trd_challenges_find_deadline_us (TrdChallenges *self, guint64 timeout_ms)
{
  return timeout_ms == 0 ? 0
                         : trd_moment_after (trd_clock_now (self->env->clock),
                                             (gint64)timeout_ms * 1000);
}

/* The keyring has nothing: the app is asked. */
static gboolean
open_locked (TrdChallenges *self, TrdChallenge *challenge, GError **error)
{
  g_autoptr (TrdTurn) turn = trd_turn_new_open (self->registry, error);
  g_autoptr (GPtrArray) waiting = trd_challenge_list_waiting (challenge);
  TrdSession *session = challenge->session;
  g_autoptr (TrdTaskRow) row = NULL;
  g_autoptr (TrdEvent) event = NULL;
  TrdChallengeRow *next;
  gint64 deadline_us;

  if (turn == NULL || !stage_unasked (turn, waiting, self->env->store, error))
    return FALSE;
  if (waiting->len == 0)
    return trd_turn_commit (turn, error);

  row = trd_store_load_task (
      self->env->store, ((TrdTask *)g_ptr_array_index (waiting, 0))->id, error);
  if (row == NULL)
    return FALSE;

  next = next_row (challenge, TRD_CHALLENGE_OPEN, NULL);
  deadline_us = trd_challenges_find_deadline_us (
      self,
      trundle_options_get_uint64 (
          row->options, session->row->configuration, "challenge-timeout"));
  event = trd_turn_new_event (
      turn,
      session,
      TRUNDLE_EVENT_CHALLENGE_RECEIVED,
      trd_challenge_describe (
          self, challenge, next, deadline_us, row, row->transient_name));
  event->task_id = row->id;
  if (!trd_turn_set_challenge (turn, challenge, next, deadline_us, error)
      || !trd_turn_append_event (turn, event, error) || !trd_turn_commit (turn, error))
    return FALSE;

  for (guint i = 0; i < waiting->len; i++)
    trd_registry_emit_task_changed (
        self->registry, g_ptr_array_index (waiting, i), TRD_TASK_CHANGE_WAIT_REASONS);
  trd_registry_note_event (self->registry, session, event);
  return TRUE;
}

typedef struct
{
  TrdChallenges *self; /* (unowned): not to be touched once it is gone */
  gint64 session_id;
  gint64 challenge_id;
} Looking;

static void
look_up (TrdChallenges *self, TrdChallenge *challenge);

static void
on_looked_up (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Looking *looking = user_data;
  g_autoptr (TrdTaskRow) row = NULL;
  g_autoptr (GError) error = NULL;
  TrdChallenges *self = looking->self;
  TrdSession *session;
  TrdChallenge *challenge = NULL;
  gboolean locked;

  if (!trd_credentials_look_up_finish (result, &locked))
    return;
  session = trd_registry_find_session (self->registry, looking->session_id);
  if (session != NULL)
    challenge = trd_session_find_challenge_by_id (session, looking->challenge_id);
  if (challenge == NULL)
    return;

  challenge->looking = FALSE;
  row = load_first (self, challenge);
  if (!trd_challenge_is_unanswered (challenge) || row == NULL
      || answer_by_credential (self, challenge, row))
    return;
  if (challenge->look_again)
    {
      look_up (self, challenge);
      return;
    }
  if (challenge->row->state == TRD_CHALLENGE_LOCKED && !locked
      && !open_locked (self, challenge, &error))
    {
      g_warning ("Cannot ask about a challenge: %s", error->message);
      look_up_later (self);
    }
}

static void
look_up (TrdChallenges *self, TrdChallenge *challenge)
{
  Looking *looking;

  challenge->look_again = challenge->looking;
  if (challenge->looking)
    return;

  challenge->looking = TRUE;
  looking = g_new0 (Looking, 1);
  looking->self = self;
  looking->session_id = challenge->session->row->id;
  looking->challenge_id = challenge->row->id;
  trd_credentials_look_up_async (
      self->credentials, challenge->session, &challenge->space, on_looked_up, looking);
}

static gboolean
look_up_all (gpointer user_data)
{
  TrdChallenges *self = user_data;
  g_autoptr (GPtrArray) unanswered = list_all (self, TRUE);

  self->look_source = 0;
  for (guint i = 0; i < unanswered->len; i++)
    look_up (self, g_ptr_array_index (unanswered, i));

  return G_SOURCE_REMOVE;
}

void
trd_challenges_look_up_soon (TrdChallenges *self)
{
  if (self->look_source == 0)
    self->look_source = g_idle_add (look_up_all, self);
}

static void
on_vault_changed (TrdVault *vault, TrdChallenges *self)
{
  trd_credentials_note_changed (self->credentials);
  trd_challenges_look_up_soon (self);
}

/* Who still tries what was answered before may find that this is the answer. */
static gboolean
end_rejection (TrdChallenges *self,
               TrdChallenge *challenge,
               const TrdCredential *credential,
               GError **error)
{
  g_autoptr (TrdTurn) turn = NULL;

  if (trd_challenge_count_references (challenge) > 0)
    return trd_challenges_answer (self, challenge, credential->generation, NULL, error);

  turn = trd_turn_new (self->registry);
  return trd_turn_remove_challenge (turn, challenge, error)
         && trd_turn_commit (turn, error);
}

gboolean
trd_challenges_note_credential (TrdChallenges *self,
                                TrdSession *session,
                                const TrdCredential *credential,
                                GError **error)
{
  g_autoptr (GPtrArray) all = list_all (self, FALSE);

  for (guint i = 0; i < all->len; i++)
    {
      TrdChallenge *challenge = g_ptr_array_index (all, i);

      if (!trd_owner_equal (challenge->session->row->owner, session->row->owner)
          || (credential->session_id != 0 && challenge->session != session)
          || !trd_space_covers (&credential->space, &challenge->space))
        continue;
      if (challenge->row->state == TRD_CHALLENGE_REJECTED)
        {
          if (!end_rejection (self, challenge, credential, error))
            return FALSE;
        }
      else if (trd_challenge_is_unanswered (challenge))
        {
          g_autoptr (TrdTaskRow) row = load_first (self, challenge);

          answer_by_credential (self, challenge, row);
        }
    }

  return TRUE;
}

/* ---- time ---- */

gint64
trd_challenges_next_us (TrdChallenges *self)
{
  g_autoptr (GPtrArray) unanswered = list_all (self, TRUE);
  gint64 next_us = 0;

  for (guint i = 0; i < unanswered->len; i++)
    {
      const TrdChallenge *challenge = g_ptr_array_index (unanswered, i);

      if (challenge->deadline_us != G_MAXINT64)
        next_us = trd_sooner_us (next_us, challenge->deadline_us);
    }

  return next_us;
}

static void
on_alarm (gpointer user_data)
{
  TrdChallenges *self = user_data;
  g_autoptr (GPtrArray) unanswered = list_all (self, TRUE);
  gint64 now_us = trd_clock_boottime_us (self->env->clock);

  self->alarm = 0;
  for (guint i = 0; i < unanswered->len; i++)
    {
      TrdChallenge *challenge = g_ptr_array_index (unanswered, i);
      g_autoptr (GError) error = NULL;

      if (challenge->deadline_us == 0 || challenge->deadline_us > now_us)
        continue;
      if (!trd_challenges_end (self, challenge, TRD_REJECT_TIMED_OUT, &error))
        {
          g_warning ("Cannot end a challenge whose time is over: %s", error->message);
          challenge->deadline_us = now_us + AGAIN_US;
        }
    }
  trd_challenges_arm (self);
}

void
trd_challenges_arm (TrdChallenges *self)
{
  gint64 next_us = trd_challenges_next_us (self);

  if (self->alarm != 0)
    trd_clock_remove_alarm (self->env->clock, self->alarm);
  self->alarm = 0;
  if (next_us != 0)
    self->alarm = trd_clock_add_alarm (
        self->env->clock,
        MAX (next_us - trd_clock_boottime_us (self->env->clock), 0),
        on_alarm,
        self);
}

gboolean
trd_challenges_watch_keyring (TrdChallenges *self)
{
  g_autoptr (GPtrArray) unanswered = list_all (self, TRUE);

  if (unanswered->len == 0)
    return FALSE;

  return self->look_source != 0 || self->later != 0
         || trd_credentials_knows_keyring (self->credentials);
}

/* ---- the object ---- */

TrdChallenges *
trd_challenges_new (TrdRegistry *registry)
{
  TrdChallenges *self = g_new0 (TrdChallenges, 1);

  self->registry = registry;
  self->env = trd_registry_get_env (registry);
  self->credentials = trd_credentials_new (registry);
  if (self->env->vault != NULL)
    self->changed_handler = g_signal_connect (
        self->env->vault, "changed", G_CALLBACK (on_vault_changed), self);

  return self;
}

void
trd_challenges_free (TrdChallenges *self)
{
  if (self == NULL)
    return;

  if (self->changed_handler != 0)
    g_signal_handler_disconnect (self->env->vault, self->changed_handler);
  if (self->alarm != 0)
    trd_clock_remove_alarm (self->env->clock, self->alarm);
  if (self->later != 0)
    trd_clock_remove_alarm (self->env->clock, self->later);
  g_clear_handle_id (&self->look_source, g_source_remove);
  g_clear_pointer (&self->credentials, trd_credentials_free);
  g_free (self);
}
