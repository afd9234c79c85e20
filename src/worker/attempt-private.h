/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "attempt.h"
#include "auth.h"
#include "body.h"
#include "common/error.h"
#include "decode.h"
#include "errors.h"
#include "measure.h"
#include "message.h"
#include "negotiate.h"
#include "part.h"
#include "scrub.h"
#include "upload.h"

/* What attempt.c (from the answer to the end), attempt-hop.c (one question, until it is
 * answered), attempt-follow.c (what is asked then), attempt-tls.c (whom it is asked),
 * attempt-auth.c and attempt-negotiate.c (who asks), attempt-upload.c (what is sent) and
 * attempt-proof.c (what the file must be) share. */

/* Of a hop. */
typedef enum
{
  TRW_PHASE_CONNECTING, /* until the question can be written */
  TRW_PHASE_ASKED,      /* it was written; until the head of the answer is there */
  TRW_PHASE_TALKING,    /* anything else */
} TrwPhase;

/* A certificate of ours, on the connection of the hop in flight. */
typedef struct
{
  gboolean is_asked;
  gboolean is_early;   /* before the question was written */
  gboolean is_unheard; /* and what was written is not listened to */
  GVariant *issuers;   /* (owned) (nullable): aay, names in DER that would be accepted */
  GVariant *identity;  /* (owned) (nullable): what there is for this server */
  GError *error;       /* (owned) (nullable): it cannot be read */
} TrwAsked;

void
trw_asked_clear (TrwAsked *self);

struct _TrwAttempt
{
  guint64 id;
  TrwRequest *request;          /* (owned) */
  TrwPart *part;                /* (owned) (nullable): until settled */
  TrwSession *session;          /* (owned) */
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
  gboolean is_cut;      /* the head of the answer is not whole */
  gboolean is_definite; /* there is no such host */
  guint n_informational;
  GTlsCertificateFlags tls_flags; /* of a certificate that was refused */
  TrwAsked asked;
  gboolean is_excepted; /* it was taken in spite of what is wrong with it */
  gboolean is_unpinned; /* none of the keys of pins is in it */

  TrwAuth *auth;            /* (owned) */
  TrwScrub *scrub;          /* (owned) */
  TrwParty *socks;          /* (owned) (nullable): that a connection is made through */
  GError *tunnel_error;     /* (owned) (nullable): why there is no tunnel */
  gboolean has_tunnel_word; /* to be said to the proxy that refused a tunnel */
  TrwNegotiate *ticket;     /* (owned) (nullable): to be shown in this hop */
  gboolean is_awaiting_ticket;
  gboolean has_negotiated; /* in this hop, as the next */
  gboolean has_shown_ticket;

  TrwUpload *upload;       /* (owned) (nullable): what is sent */
  GError *ask_error;       /* (owned) (nullable): why there is no next question */
  gboolean is_asking_next; /* once what was told is stored */
  gboolean has_told_whole; /* that all of it was on its way */
  gboolean is_broken_off;  /* what is asked is to be left */
  gboolean is_unanswered;  /* the request was sent, and left before there was an answer */
  gboolean is_refused;     /* the answer is none, whatever its status */
  gboolean expects_continue;
  GSource *patience;    /* (owned) (nullable): while the body waits to be wanted */
  guint64 acknowledged; /* of the hop's connection, when that was looked at */

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
  GVariant *untold;    /* (owned) (nullable): response, until the overlap is compared */
  GVariant *response;  /* (owned) (nullable) */
  GError *error;       /* (owned) (nullable): why it is over */
  char *error_url;     /* (owned) (nullable): that the error is about */
  GVariant *challenge; /* (owned) (nullable): what somebody wants to know first */

  TrwCoding coding;   /* to be taken off */
  GVariant *declared; /* (owned) (nullable): digests, a{say}; while some are computed */
  GCancellable *decoder; /* (owned) (nullable): while a thread decodes */
  TrwDecoded decoded;    /* of the thread while there is one */
  gboolean has_decoded;
};

/* Of the hop in flight; 0 when there is none to believe. */
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

/* Whether the server may have seen the question of the hop in flight. */
gboolean
trw_attempt_is_hop_sent (TrwAttempt *self);

/* What the hops say about how the attempt ended. */
void
trw_attempt_add_hop_facts (TrwAttempt *self, GVariantDict *facts);

/* Asks; the answer is taken by the function below. */
void
trw_attempt_send_hop (TrwAttempt *self);
void
trw_attempt_take_answer (TrwAttempt *self);
/* That of the request: its body is read, as what it is. */
void
trw_attempt_take_final_answer (TrwAttempt *self);

/* The TLS of the hop that is about to be sent; and what it says of the @error the hop
 * ended with: NULL for nothing. */
void
trw_attempt_watch_tls (TrwAttempt *self);
GError *
trw_attempt_explain_tls (TrwAttempt *self, const GError *error);
/* Whether a proxy may have the certificate @chain, with which *@flags is wrong. When not,
 * *@flags is what is wrong with it, and there is a challenge. */
gboolean
trw_attempt_judge_proxy (TrwAttempt *self,
                         GUri *proxy,
                         GTlsCertificate *chain,
                         GTlsCertificateFlags *flags);
/* Who asks.  A hop begins: after its message was made. */
void
trw_attempt_begin_auth (TrwAttempt *self);
/* Its message is about to be written. */
void
trw_attempt_sign (TrwAttempt *self);
/* It was answered.  TRUE when who answered refused us, and there is something else to be
 * said to him: the hop is to be asked again. */
gboolean
trw_attempt_has_other_word (TrwAttempt *self);
/* A connection is led through a proxy. */
void
trw_attempt_note_proxy (TrwAttempt *self, GIOStream *connection);
/* (nullable): when @error is the word of a proxy. */
GError *
trw_attempt_explain_proxy (TrwAttempt *self, const GError *error);
/* The same address again. */
void
trw_attempt_ask_again (TrwAttempt *self);

/* The hop was answered: TRUE when a ticket of the user's is to be shown and is being got,
 * and the rest comes later. */
gboolean
trw_attempt_await_ticket (TrwAttempt *self);
/* Its message is about to be written, and signed. */
void
trw_attempt_show_ticket (TrwAttempt *self);
/* It was answered: FALSE, and the attempt is over, when the server was to prove itself
 * and did not. */
gboolean
trw_attempt_check_ticket (TrwAttempt *self);
/* The attempt is over; or asks another address. */
void
trw_attempt_drop_ticket (TrwAttempt *self);
void
trw_attempt_forget_ticket (TrwAttempt *self);
/* @challenge (floating) with what a ticket that was no good changes of it.  (transfer
 * full) */
GVariant *
trw_attempt_add_ticket_tried (TrwAttempt *self, GVariant *challenge);

/* Nothing of the hop in flight is wanted any more. */
void
trw_attempt_drop_hop (TrwAttempt *self);
/* The hop in flight is left: for another, or the same once more. */
void
trw_attempt_leave_hop (TrwAttempt *self);

/* What is sent.  Asks the first question. */
void
trw_attempt_begin_upload (TrwAttempt *self);
/* A hop: its message was made; is about to be written; its head is out; nothing more of
 * it is wanted. */
void
trw_attempt_begin_hop_body (TrwAttempt *self);
void
trw_attempt_declare_body (TrwAttempt *self);
void
trw_attempt_begin_body (TrwAttempt *self);
void
trw_attempt_stop_body (TrwAttempt *self);
/* Whether nothing more of the body is to be written. */
gboolean
trw_attempt_is_body_out (TrwAttempt *self);
/* All of the question is out. */
void
trw_attempt_note_written (TrwAttempt *self);
/* An interim answer; FALSE: one too many. */
gboolean
trw_attempt_inform_upload (TrwAttempt *self);
/* The hop has ended.  TRUE when it was broken off, and the next question is asked; and
 * when it was lost by *@error, which is replaced by a better one when it ends the attempt
 * all the same. */
gboolean
trw_attempt_go_on_upload (TrwAttempt *self);
gboolean
trw_attempt_survive_loss (TrwAttempt *self, GError **error);
/* Whether libsoup may ask again as it is about to. */
gboolean
trw_attempt_may_restart (TrwAttempt *self);
/* A final answer.  TRUE: it is that of the request; else it is dealt with. */
gboolean
trw_attempt_take_upload_answer (TrwAttempt *self);
/* What was written and moves, or is there and thought about, is no stall. */
void
trw_attempt_look_at_network (TrwAttempt *self);

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
