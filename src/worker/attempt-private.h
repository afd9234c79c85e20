/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "attempt.h"
#include "body.h"
#include "common/error.h"
#include "decode.h"
#include "measure.h"
#include "message.h"
#include "part.h"

/* What attempt.c (from the answer to the end), attempt-hop.c (one question, until it is
 * answered) and attempt-proof.c (what the file must be) share. */

/* Of a hop. */
typedef enum
{
  TRW_PHASE_CONNECTING, /* until the question can be written */
  TRW_PHASE_ASKED,      /* it was written; until the head of the answer is there */
  TRW_PHASE_TALKING,    /* anything else */
} TrwPhase;

struct _TrwAttempt
{
  guint64 id;
  TrwRequest *request;          /* (owned) */
  TrwPart *part;                /* (owned) (nullable): until settled */
  SoupSession *session;         /* (owned) */
  const TrwAttemptHooks *hooks; /* (unowned), static */
  gpointer user_data;           /* (unowned), outlives us */
  GCancellable *cancellable;    /* (owned) */

  TrwWay way;
  SoupMessage *message;   /* (owned) (nullable): the hop in flight */
  GInputStream *stream;   /* (owned) (nullable): its body */
  TrwBody *body;          /* (owned) (nullable): being read */
  GByteArray *error_body; /* (owned) (nullable): of an answer not accepted */
  TrwFraming framing;
  gint64 expected;
  gboolean is_unheard;  /* what was there is cut away, and the daemon does not know yet */
  gint64 offset;        /* where the answer goes; -1 when no range was asked for */
  guint64 total;        /* of the file, when the answer is a range of it; else 0 */
  guint64 overlap;      /* bytes to come that must be what is there already */
  gboolean is_unfit;    /* not the range that was asked for */
  gboolean has_no_rest; /* the part was complete already */
  gboolean is_connected;
  gboolean has_written; /* the head of the question, on some connection */
  gboolean is_definite; /* there is no such host */
  guint n_informational;
  GTlsCertificateFlags tls_flags;

  GSource *watchdog; /* (owned) (nullable) */
  gint64 active_mono_us;
  TrwPhase phase;
  gint64 phase_mono_us; /* when it began */
  int last_event;       /* GSocketClientEvent of the connection in the making, or -1 */

  TrwMarks marks; /* of the hop in flight */
  GPtrArray
      *transactions; /* (owned) (element-type GVariant): of the hops that are over */
  guint n_hops;
  gint64 wall_offset_us; /* from monotonic to real time, when it began */

  gboolean is_sending; /* send_async is in flight */
  gboolean is_over;
  gboolean is_stopped;
  gboolean is_complete;
  GVariant *untold;   /* (owned) (nullable): response, until the overlap is compared */
  GVariant *response; /* (owned) (nullable) */
  GError *error;      /* (owned) (nullable): why it is over */
  char *error_url;    /* (owned) (nullable): that the error is about */

  TrwCoding coding;   /* to be taken off */
  GVariant *declared; /* (owned) (nullable): digests, a{say}; while some are computed */
  GCancellable *decoder; /* (owned) (nullable): while a thread decodes */
  TrwDecoded decoded;    /* of the thread while there is one */
  gboolean has_decoded;
};

/* Of the hop in flight; 0 when there is none. */
guint
trw_attempt_get_status (TrwAttempt *self);

/* Something happened that is not our own doing. */
void
trw_attempt_feed_watchdog (TrwAttempt *self);
void
trw_attempt_clear_watchdog (TrwAttempt *self);
void
trw_attempt_enter_phase (TrwAttempt *self, TrwPhase phase);
/* Something happened to a connection in the making. */
void
trw_attempt_note_event (TrwAttempt *self, GSocketClientEvent event);

void
trw_attempt_drop_stream (TrwAttempt *self);

/* Reports an attempt that is over, once nothing of it is in flight. */
void
trw_attempt_settle (TrwAttempt *self);

/* The attempt is over.  @error is consumed, and one of ours. */
void
trw_attempt_take_failure (TrwAttempt *self, GError *error);
void
trw_attempt_fail (TrwAttempt *self, TrundleError code, const char *message);
void
trw_attempt_take_success (TrwAttempt *self);
void
trw_attempt_time_out (TrwAttempt *self, const char *message);

/* The hop in flight is over: keeps what was measured of it. */
void
trw_attempt_measure_hop (TrwAttempt *self);

/* What the hop in flight says about how the attempt ended. */
void
trw_attempt_add_hop_facts (TrwAttempt *self, GVariantDict *facts);

/* Asks; the answer is taken by the function below. */
void
trw_attempt_send_hop (TrwAttempt *self);
void
trw_attempt_take_answer (TrwAttempt *self);

/* What the file must be.  An answer that is accepted begins: its size, as far as it is
 * declared, its encoding, its digests. */
gboolean
trw_attempt_begin_proof (TrwAttempt *self, guint64 length, GError **error);
/* Its digests only. */
void
trw_attempt_hash (TrwAttempt *self);
/* Whether a file of @size may go on, or with @is_all, end.  Errors: TOO_LARGE,
 * INTEGRITY_FAILED. */
gboolean
trw_attempt_check_size (TrwAttempt *self, guint64 size, gboolean is_all, GError **error);
/* After a sync: how far the digests of what is on disk got. */
void
trw_attempt_tell_digests (TrwAttempt *self);
/* All is received, hashed and synced.  Ends the attempt, now or later. */
void
trw_attempt_finish_proof (TrwAttempt *self);
void
trw_attempt_stop_proof (TrwAttempt *self);
void
trw_attempt_add_proof_facts (TrwAttempt *self, GVariantDict *facts);
