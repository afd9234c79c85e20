/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* Enumerations whose members have words on the bus, in rows and in --json. */

typedef enum
{
  TRUNDLE_KIND_DOWNLOAD,
  TRUNDLE_KIND_UPLOAD,
} TrundleKind;

typedef enum
{
  TRUNDLE_TASK_SUSPENDED,
  TRUNDLE_TASK_QUEUED,
  TRUNDLE_TASK_RUNNING,
  TRUNDLE_TASK_CHALLENGED,
  TRUNDLE_TASK_FINISHED,
} TrundleTaskState;

#define TRUNDLE_N_TASK_STATES (TRUNDLE_TASK_FINISHED + 1)

typedef enum
{
  TRUNDLE_SESSION_ACTIVE,
  TRUNDLE_SESSION_FINISHING, /* no new tasks; gone when all is done and heard */
  TRUNDLE_SESSION_RETIRED, /* invalidated: the identifier is free, the path still ours */
  TRUNDLE_SESSION_GONE,
} TrundleSessionState;

#define TRUNDLE_N_SESSION_STATES (TRUNDLE_SESSION_GONE + 1)

typedef enum
{
  TRUNDLE_IF_EXISTS_FAIL,
  TRUNDLE_IF_EXISTS_REPLACE,
  TRUNDLE_IF_EXISTS_RENAME,
} TrundleIfExists;

typedef enum
{
  TRUNDLE_EVENT_TASK_FINISHED,
  TRUNDLE_EVENT_CHALLENGE_RECEIVED,
  TRUNDLE_EVENT_WILL_BEGIN_DELAYED_REQUEST,
  TRUNDLE_EVENT_DID_BECOME_INVALID,
} TrundleEventKind;

/* Why a queued task does not run; bit n is word n of the table in enums.c. */
typedef enum /*< flags >*/
{
  TRUNDLE_WAIT_EARLIEST_BEGIN = 1 << 0,
  TRUNDLE_WAIT_DELAYED_REQUEST = 1 << 1,
  TRUNDLE_WAIT_NO_NETWORK = 1 << 2,
  TRUNDLE_WAIT_CAPTIVE_PORTAL = 1 << 3,
  TRUNDLE_WAIT_METERED = 1 << 4,
  TRUNDLE_WAIT_CONSTRAINED = 1 << 5,
  TRUNDLE_WAIT_POWER = 1 << 6,
  TRUNDLE_WAIT_ASLEEP = 1 << 7,
  TRUNDLE_WAIT_SLOT_HOST = 1 << 8,
  TRUNDLE_WAIT_SLOT_APP = 1 << 9,
  TRUNDLE_WAIT_SLOT_TOTAL = 1 << 10,
  TRUNDLE_WAIT_BACK_OFF = 1 << 11,
  TRUNDLE_WAIT_RETRY_AFTER = 1 << 12,
  TRUNDLE_WAIT_AUTHENTICATION = 1 << 13,
  TRUNDLE_WAIT_KEYRING_LOCKED = 1 << 14,
  TRUNDLE_WAIT_DISK_SPACE = 1 << 15,
  TRUNDLE_WAIT_DESTINATION_GONE = 1 << 16,
  TRUNDLE_WAIT_PAUSED_BY_USER = 1 << 17,
  TRUNDLE_WAIT_DENIED_BY_USER = 1 << 18,
  TRUNDLE_WAIT_BYTE_BUDGET = 1 << 19,
} TrundleWaitReasons;

/* Each pair: value to word, and word to value (FALSE when the word is not one of ours).
 */
const char *
trundle_kind_to_word (TrundleKind kind);
gboolean
trundle_kind_from_word (const char *word, TrundleKind *out_kind);
const char *
trundle_task_state_to_word (TrundleTaskState state);
gboolean
trundle_task_state_from_word (const char *word, TrundleTaskState *out_state);
const char *
trundle_session_state_to_word (TrundleSessionState state);
gboolean
trundle_session_state_from_word (const char *word, TrundleSessionState *out_state);
const char *
trundle_if_exists_to_word (TrundleIfExists policy);
gboolean
trundle_if_exists_from_word (const char *word, TrundleIfExists *out_policy);

/* The member name of the durable signal: "TaskFinished". */
const char *
trundle_event_kind_to_word (TrundleEventKind kind);
gboolean
trundle_event_kind_from_word (const char *word, TrundleEventKind *out_kind);

/* Words in the order of the bits; the array is (transfer container), the words static. */
const char **
trundle_wait_reasons_to_words (TrundleWaitReasons reasons);
