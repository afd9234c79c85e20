/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The words of enumerations, one table each, indexed by value.  Words are API: they stand
 * in rows, on the bus and in --json, so that they may be added to and never changed. */

#include "config.h"

#include "common/enums.h"

#include <string.h>

#define N_WAIT_REASONS 20

static const char *const kind_words[] = {
  [TRUNDLE_KIND_DOWNLOAD] = "download",
  [TRUNDLE_KIND_UPLOAD] = "upload",
};
G_STATIC_ASSERT (G_N_ELEMENTS (kind_words) == TRUNDLE_KIND_UPLOAD + 1);

static const char *const task_state_words[] = {
  [TRUNDLE_TASK_SUSPENDED] = "suspended", [TRUNDLE_TASK_QUEUED] = "queued",
  [TRUNDLE_TASK_RUNNING] = "running",     [TRUNDLE_TASK_CHALLENGED] = "challenged",
  [TRUNDLE_TASK_FINISHED] = "finished",
};
G_STATIC_ASSERT (G_N_ELEMENTS (task_state_words) == TRUNDLE_N_TASK_STATES);

static const char *const session_state_words[] = {
  [TRUNDLE_SESSION_ACTIVE] = "active",
  [TRUNDLE_SESSION_FINISHING] = "finishing",
  [TRUNDLE_SESSION_RETIRED] = "retired",
  [TRUNDLE_SESSION_GONE] = "gone",
};
G_STATIC_ASSERT (G_N_ELEMENTS (session_state_words) == TRUNDLE_N_SESSION_STATES);

static const char *const if_exists_words[] = {
  [TRUNDLE_IF_EXISTS_FAIL] = "fail",
  [TRUNDLE_IF_EXISTS_REPLACE] = "replace",
  [TRUNDLE_IF_EXISTS_RENAME] = "rename",
};
G_STATIC_ASSERT (G_N_ELEMENTS (if_exists_words) == TRUNDLE_IF_EXISTS_RENAME + 1);

static const char *const event_kind_words[] = {
  [TRUNDLE_EVENT_TASK_FINISHED] = "TaskFinished",
  [TRUNDLE_EVENT_CHALLENGE_RECEIVED] = "ChallengeReceived",
  [TRUNDLE_EVENT_WILL_BEGIN_DELAYED_REQUEST] = "WillBeginDelayedRequest",
  [TRUNDLE_EVENT_DID_BECOME_INVALID] = "DidBecomeInvalid",
};
G_STATIC_ASSERT (G_N_ELEMENTS (event_kind_words) == TRUNDLE_EVENT_DID_BECOME_INVALID + 1);

/* Word n belongs to bit n. */
static const char *const wait_reason_words[] = {
  "earliest-begin",   "delayed-request", "no-network",     "captive-portal",
  "metered",          "constrained",     "power",          "asleep",
  "slot-host",        "slot-app",        "slot-total",     "back-off",
  "retry-after",      "authentication",  "keyring-locked", "disk-space",
  "destination-gone", "paused-by-user",  "denied-by-user", "byte-budget",
};
G_STATIC_ASSERT (G_N_ELEMENTS (wait_reason_words) == N_WAIT_REASONS);
G_STATIC_ASSERT (TRUNDLE_WAIT_BYTE_BUDGET == 1 << (N_WAIT_REASONS - 1));

static const char *
get_word (const char *const *words, gsize n_words, guint value)
{
  g_return_val_if_fail (value < n_words, NULL);

  return words[value];
}

static gboolean
find_word (const char *const *words, gsize n_words, const char *word, guint *out_value)
{
  g_return_val_if_fail (word != NULL, FALSE);

  for (guint i = 0; i < n_words; i++)
    {
      if (strcmp (words[i], word) == 0)
        {
          *out_value = i;
          return TRUE;
        }
    }
  return FALSE;
}

/* The pair of functions of one enumeration. */
#define DEFINE_WORDS(Type, prefix, words)                                                \
  const char *prefix##_to_word (Type value)                                              \
  {                                                                                      \
    return get_word (words, G_N_ELEMENTS (words), (guint)value);                         \
  }                                                                                      \
                                                                                         \
  gboolean prefix##_from_word (const char *word, Type *out_value)                        \
  {                                                                                      \
    guint value;                                                                         \
                                                                                         \
    if (!find_word (words, G_N_ELEMENTS (words), word, &value))                          \
      return FALSE;                                                                      \
    *out_value = (Type)value;                                                            \
    return TRUE;                                                                         \
  }

DEFINE_WORDS (TrundleKind, trundle_kind, kind_words)
DEFINE_WORDS (TrundleTaskState, trundle_task_state, task_state_words)
DEFINE_WORDS (TrundleSessionState, trundle_session_state, session_state_words)
DEFINE_WORDS (TrundleIfExists, trundle_if_exists, if_exists_words)
DEFINE_WORDS (TrundleEventKind, trundle_event_kind, event_kind_words)

const char **
trundle_wait_reasons_to_words (TrundleWaitReasons reasons)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new ();

  for (guint bit = 0; bit < N_WAIT_REASONS; bit++)
    {
      if ((guint)reasons & (1u << bit))
        g_ptr_array_add (words, (gpointer)wait_reason_words[bit]);
    }
  g_ptr_array_add (words, NULL);
  return (const char **)g_ptr_array_free (g_steal_pointer (&words), FALSE);
}
