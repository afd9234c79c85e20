/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "common/enums.h"
#include "value/moment.h"
#include "value/owner.h"
#include "value/place.h"

/* Rows of the store as plain structs, all strings and variants owned.  Times are realtime
 * microseconds since the epoch, 0 for never. */

typedef struct
{
  gint64 id;
  TrdOwner *owner;
  char *identifier;          /* (nullable): NULL once retired */
  TrundleSessionState state; /* active, finishing or retired */
  GVariant *configuration;   /* a{sv}, checked */
  char *secrets_id;          /* (nullable): item of the keyring with its secrets */
  guint64 last_sequence;     /* of the last event ever appended */
  gint64 created_us;
} TrdSessionRow;

/* Whether the app is asked before a delayed task begins. */
typedef enum
{
  TRD_DELAYED_NO,
  TRD_DELAYED_TO_ASK, /* at its earliest begin */
  TRD_DELAYED_ASKED,  /* the event is stored, the answer is not there */
} TrdDelayed;

typedef struct
{
  /* What was asked; written once. */
  gint64 id;
  gint64 session_id;
  guint64 number; /* taskIdentifier: unique in the session, from 1 */
  char *uuid;
  TrundleKind kind;
  TrdPlace *place;
  char *dedup_key; /* (nullable): unique in the session */
  gint64 created_us;
  GVariant *body;    /* (nullable): aa{sv}: value/body.h; NULL for a download */
  guint64 body_size; /* bytes of it */

  /* What the app may change. */
  char *url;                /* without user info */
  GVariant *options;        /* a{sv}, checked, without secrets and handles */
  gboolean durable;         /* FALSE: secrets of it live in memory only */
  char *secrets_id;         /* (nullable): item of the keyring with its secrets */
  gint64 earliest_begin_us; /* a date; 0 for none */
  double priority;
  char *description; /* (nullable) */
  GBytes *user_data; /* (nullable) */
  char *group;       /* (nullable) */

  /* How it stands.  Never RUNNING (law 3). */
  TrundleTaskState state;
  guint32 hold; /* TrundleWaitReasons to show until not_before or a wake */
  TrdMoment not_before;
  TrdMoment deadline; /* resource timeout; set by the first Resume.  wall_us below 0:
                       * what is left of it, while suspended */
  guint failures;     /* in a row, without progress: the exponent of the back-off */
  guint streak;       /* of these, the last ones that were alike: see outcome.h */
  TrdDelayed delayed;
  guint mirror;         /* address to ask: 0 is url, n the n-th of `mirrors` */
  guint64 space_needed; /* bytes that must be free before it is tried again */
  guint attempts;
  guint suspicion; /* 0 none, 1 suspect, 2 killed its worker when alone */
  gint64 resumed_us;
  gboolean sent;       /* a request that may not be repeated has gone out (law 12) */
  gint64 challenge_id; /* it waits for, or went on by the answer to; 0 for none */

  /* What came of it. */
  TrdIntent intent;
  guint64 received;
  guint64 synced; /* of the part; what is believed of it after an unclean boot (law 4) */
  gboolean untrusted; /* there was one, and the part could not be cut to @synced yet */
  char *current_url;  /* (nullable): after redirects */
  GVariant *response; /* (nullable): a{sv} */
  char *error_name;   /* (nullable): "HttpStatus"; NULL while not failed */
  GVariant *error_details; /* (nullable): a{sv} */
  char *transient_name;    /* (nullable): of the last attempt that is tried again */
  GVariant *transient_details;
  GBytes *error_body;     /* (nullable) */
  char *proof;            /* (nullable): law 10 */
  GVariant *digest_state; /* (nullable): a{sv} of the worker: digests of a beginning */
  GVariant *integrity;    /* (nullable): a{sv}: digests that were checked */
  GVariant *metrics;      /* (nullable): a{sv}: value/metrics.h */
  guint64 body_sent;      /* of the body, by the last attempt */
  guint64 body_confirmed; /* of these, bytes the server is known to keep */
  GVariant *upload;       /* (nullable): a{sv}: where the server keeps them */
  char *final_path;       /* (nullable): where the file became visible */
  gboolean file_moved;    /* law 6: the file was moved away before we could tell */
  gint64 finished_us;
} TrdTaskRow;

/* The little that is kept in memory of each task (a task should cost under 512 bytes). */
typedef struct
{
  gint64 id;
  gint64 session_id;
  TrundleKind kind;
  TrundleTaskState state;
  gboolean durable;
  double priority;
  guint32 hold;
  TrdMoment not_before;
  TrdMoment deadline;
  guint failures;
  guint streak;
  TrdDelayed delayed;
  guint suspicion;
  gboolean has_intent;
  guint mirror;
  gint64 earliest_begin_us;
  gboolean begun; /* an attempt was made */
  gint64 challenge_id;
  const char *secrets_id; /* (unowned) (nullable): as the next */
  const char *url;        /* (unowned): valid during the call it is passed to */
} TrdTaskBrief;

/* How a challenge stands; the numbers are in the rows. */
typedef enum
{
  TRD_CHALLENGE_OPEN,     /* an answer is waited for, and the app was told */
  TRD_CHALLENGE_LOCKED,   /* the keyring may have the answer, and is locked */
  TRD_CHALLENGE_ANSWERED, /* tasks go on by it */
  TRD_CHALLENGE_REJECTED, /* this space is not to be answered: another scheme is tried */
  TRD_CHALLENGE_DEFAULT,  /* handled as if nobody could be asked */
} TrdChallengeState;

typedef struct
{
  gint64 id;
  gint64 session_id;
  char *space; /* trd_space_to_key() */
  TrdChallengeState state;
  guint failures;   /* answers that were refused, in a row */
  guint generation; /* of the credential, rising with every answer */
  gint64 opened_us;
  TrdMoment deadline; /* challenge-timeout; 0 for none */
  GVariant *facts;    /* a{sv}: value/challenge.h */
  GVariant *answer;   /* (nullable): a{sv}: what of the answer is no secret */
} TrdChallengeRow;

/* A certificate that somebody decided to take in spite of what is wrong with it. */
typedef struct
{
  gint64 session_id; /* 0: in every session of the owner */
  char *host;        /* lower case */
  guint port;
  gboolean is_proxy;
  GBytes *certificate; /* its SHA-256 */
  gint64 created_us;
} TrdTrustRow;

typedef struct
{
  gint64 session_id;
  guint64 sequence;
  gint64 task_id; /* 0 for an event of the session */
  TrundleEventKind kind;
  GVariant *details; /* a{sv} */
  gint64 created_us;
  gboolean offered; /* sent to a consumer before: `redelivered` */
} TrdEvent;

void
trd_session_row_free (TrdSessionRow *self);
void
trd_task_row_free (TrdTaskRow *self);
void
trd_challenge_row_free (TrdChallengeRow *self);
void
trd_trust_row_free (TrdTrustRow *self);
void
trd_event_free (TrdEvent *self);
/* As if it had not ended; what was received and what is needed to go on stay. */
void
trd_task_row_forget_end (TrdTaskRow *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdSessionRow, trd_session_row_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdTaskRow, trd_task_row_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdChallengeRow, trd_challenge_row_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdTrustRow, trd_trust_row_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdEvent, trd_event_free)
