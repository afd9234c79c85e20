/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Words of enumerations: each goes there and back, and strangers are refused. */

#include "config.h"

#include "common/enums.h"

/* The words are API: a change here is a break. */
static const char *const reasons[] = {
  "earliest-begin",   "delayed-request", "no-network",     "captive-portal",
  "metered",          "constrained",     "power",          "asleep",
  "slot-host",        "slot-app",        "slot-total",     "back-off",
  "retry-after",      "authentication",  "keyring-locked", "disk-space",
  "destination-gone", "paused-by-user",  "denied-by-user", "byte-budget",
};

#define DEFINE_ROUND_TRIP(name, Type, prefix, ...)                                       \
  static void test_##name (void)                                                         \
  {                                                                                      \
    static const char *const words[] = { __VA_ARGS__ };                                  \
    Type value = 0;                                                                      \
                                                                                         \
    for (guint i = 0; i < G_N_ELEMENTS (words); i++)                                     \
      {                                                                                  \
        g_assert_cmpstr (prefix##_to_word ((Type)i), ==, words[i]);                      \
        g_assert_true (prefix##_from_word (words[i], &value));                           \
        g_assert_cmpuint (value, ==, i);                                                 \
      }                                                                                  \
    g_assert_false (prefix##_from_word ("", &value));                                    \
    g_assert_false (prefix##_from_word ("nonsense", &value));                            \
    g_assert_cmpuint (value, ==, G_N_ELEMENTS (words) - 1);                              \
  }

DEFINE_ROUND_TRIP (kind, TrundleKind, trundle_kind, "download", "upload")
DEFINE_ROUND_TRIP (task_state,
                   TrundleTaskState,
                   trundle_task_state,
                   "suspended",
                   "queued",
                   "running",
                   "challenged",
                   "finished")
DEFINE_ROUND_TRIP (session_state,
                   TrundleSessionState,
                   trundle_session_state,
                   "active",
                   "finishing",
                   "retired",
                   "gone")
DEFINE_ROUND_TRIP (
    if_exists, TrundleIfExists, trundle_if_exists, "fail", "replace", "rename")
DEFINE_ROUND_TRIP (event_kind,
                   TrundleEventKind,
                   trundle_event_kind,
                   "TaskFinished",
                   "ChallengeReceived",
                   "WillBeginDelayedRequest",
                   "DidBecomeInvalid")

static void
test_wait_reason (gconstpointer data)
{
  guint bit = GPOINTER_TO_UINT (data);
  g_autofree const char **words = trundle_wait_reasons_to_words (
      (TrundleWaitReasons)(1u << bit));

  g_assert_cmpuint (g_strv_length ((char **)words), ==, 1);
  g_assert_cmpstr (words[0], ==, reasons[bit]);
}

static void
test_no_wait_reasons (void)
{
  g_autofree const char **words = trundle_wait_reasons_to_words (0);

  g_assert_nonnull (words);
  g_assert_null (words[0]);
}

static void
test_all_wait_reasons (void)
{
  g_autofree const char **words = trundle_wait_reasons_to_words (
      (TrundleWaitReasons)((1u << 20) - 1));

  g_assert_cmpuint (g_strv_length ((char **)words), ==, G_N_ELEMENTS (reasons));
  for (guint i = 0; i < G_N_ELEMENTS (reasons); i++)
    g_assert_cmpstr (words[i], ==, reasons[i]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/enums/kind", test_kind);
  g_test_add_func ("/enums/task-state", test_task_state);
  g_test_add_func ("/enums/session-state", test_session_state);
  g_test_add_func ("/enums/if-exists", test_if_exists);
  g_test_add_func ("/enums/event-kind", test_event_kind);
  for (guint i = 0; i < G_N_ELEMENTS (reasons); i++)
    {
      g_autofree char *path = g_strconcat ("/enums/wait-reason/", reasons[i], NULL);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_wait_reason);
    }
  g_test_add_func ("/enums/wait-reasons/none", test_no_wait_reasons);
  g_test_add_func ("/enums/wait-reasons/all", test_all_wait_reasons);
  return g_test_run ();
}
