/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <libsoup/soup.h>

#include "pieces.h"
#include "request.h"
#include "sender.h"

/* What an attempt sends, and what is known of how far the server has it: what a dialect
 * (dialect.h) works on. */
typedef struct _TrwUpload TrwUpload;
typedef struct _TrwDialect TrwDialect;
typedef struct _TrwQuestion TrwQuestion;

/* What an answer means. */
typedef enum
{
  TRW_VERDICT_FINAL,   /* the answer of the request: its status is judged, its body is the
                        * answer's */
  TRW_VERDICT_REFUSED, /* the request is not answered, and will not be by asking on: the
                        * attempt ends with the status, whatever the app accepts */
  TRW_VERDICT_NEXT,    /* ask again; once all that was told is stored */
  TRW_VERDICT_AFRESH,  /* the server has nothing any more: begin anew; fails the second
                        * time */
  TRW_VERDICT_FAIL,    /* the attempt ends with the error */
} TrwVerdict;

/* What an interim answer means. */
typedef enum
{
  TRW_INTERIM_GO_ON,
  TRW_INTERIM_STOP, /* the question is not what is to be asked: it is broken off, and the
                     * next one is asked */
} TrwInterim;

/* For dialects */

const TrwRequest *
trw_upload_get_request (TrwUpload *self);
/* Of the dialect. */
const char *
trw_upload_get_word (TrwUpload *self);
/* What `begin` returned. */
gpointer
trw_upload_get_state (TrwUpload *self);
/* Of the whole body. */
guint64
trw_upload_get_size (TrwUpload *self);
/* For reading, to compute what is said of some of it beforehand. */
TrwPieces *
trw_upload_get_pieces (TrwUpload *self);

/* What @location (nullable), a header of the answer that is being told, means: an address
 * relative to the one that answered.  Errors: TRUNDLE_ERROR_PROTOCOL_ERROR when it means
 * none; TRUNDLE_ERROR_INSECURE_TRANSPORT when it leads from https to http and that is not
 * allowed; TRUNDLE_ERROR_BAD_REDIRECT when the app wants to be led nowhere else.  From
 * now on this is where the upload is: whether it may hear the secrets of the first origin
 * is remembered with it.  (transfer full) */
GUri *
trw_upload_resolve (TrwUpload *self, const char *location, GError **error);

/* Where the question that is being answered was led to, when the next may begin there:
 * not when a stranger led it to the first origin, whose secrets are not for where he
 * says. (transfer none) (nullable) */
GUri *
trw_upload_get_here (TrwUpload *self);

/* The server keeps the upload, and it is gone on with by @place (a{sv}, consumed when
 * floating): `url` and what the dialect needs; `dialect` is added.  The daemon is told,
 * and no question is asked before it has stored it.  NULL: nothing is kept any more. */
void
trw_upload_tell (TrwUpload *self, GVariant *place);

/* Nothing is kept any more that could be gone on with, which the daemon hears only with
 * the end of the attempt: there was an answer. */
void
trw_upload_forget (TrwUpload *self);

/* The server says that it keeps the body up to @offset; no more than that is behind us.
 */
void
trw_upload_confirm (TrwUpload *self, guint64 offset);
guint64
trw_upload_get_confirmed (TrwUpload *self);

/* Whether the server can keep the body up to @offset: all of it when an earlier attempt
 * began the upload, else no more than was sent in this one. */
gboolean
trw_upload_can_have (TrwUpload *self, guint64 offset);

/* The server has all of it, whatever was sent in this attempt. */
void
trw_upload_set_complete (TrwUpload *self);

/* What this server has shown to speak: @word (static) of a dialect, or "none". */
void
trw_upload_learn (TrwUpload *self, const char *word);

/* For the attempt */

typedef struct
{
  /* (transfer none): an a{sv} for UploadChanged; trw_upload_hear() when it is answered.
   */
  void (*told) (GVariant *place, gpointer user_data);
  /* Sent or confirmed have changed. */
  void (*moved) (gpointer user_data);
  /* The body of the question is out; or, with @error, cannot be read. */
  void (*ended) (const GError *error, gpointer user_data);
} TrwUploadHooks;

/* @request outlives it. */
TrwUpload *
trw_upload_new (const TrwRequest *request,
                const TrwUploadHooks *hooks,
                gpointer user_data);
void
trw_upload_free (TrwUpload *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrwUpload, trw_upload_free)

/* The next question; it stands until the next is asked.  Errors: of the dialect. */
const TrwQuestion *
trw_upload_ask (TrwUpload *self, GError **error);
/* Whether the question may hear the secrets of the first origin. */
gboolean
trw_upload_is_at_first_origin (TrwUpload *self);

/* A hop of the question begins, at @uri; @has_body: what is asked has a body, still.
 * Nothing of one before is sent any more. */
void
trw_upload_begin_hop (TrwUpload *self,
                      GUri *uri,
                      gboolean is_at_first_origin,
                      gboolean has_body);
/* Its head is out; @connection: (nullable): nothing can be sent. */
void
trw_upload_start (TrwUpload *self, GIOStream *connection);
/* The other side wants no more, or the hop is over. */
void
trw_upload_stop (TrwUpload *self);

gboolean
trw_upload_is_started (TrwUpload *self);
/* Of the hop: nothing more is to be sent. */
gboolean
trw_upload_is_out (TrwUpload *self);
/* Bytes of the body in the hop. */
guint64
trw_upload_get_hop_sent (TrwUpload *self);
/* See trw_sender_look(). */
gboolean
trw_upload_look (TrwUpload *self, TrwFlow *out_flow);

/* What the dialect makes of it.  trw_upload_inform() is FALSE when it was one too many
 * since the server last had more of the body, or was sent more. */
gboolean
trw_upload_inform (TrwUpload *self,
                   guint status,
                   SoupMessageHeaders *headers,
                   TrwInterim *out_interim);
TrwVerdict
trw_upload_judge (TrwUpload *self,
                  guint status,
                  SoupMessageHeaders *headers,
                  GError **error);

/* There is no answer, the connection is lost.  Whether the next question is asked all the
 * same; else @error is set when there is another than that. */
gboolean
trw_upload_lose (TrwUpload *self, GError **error);

/* Whether the server has said something of the hop in flight, but that it listens. */
gboolean
trw_upload_has_heard (TrwUpload *self);

/* Whether nothing that was told is unanswered. */
gboolean
trw_upload_is_heard (TrwUpload *self);
void
trw_upload_hear (TrwUpload *self);

/* How far it is: bytes of the whole body. */
guint64
trw_upload_get_sent (TrwUpload *self);
/* Whether the server can have all of it: law 10. */
gboolean
trw_upload_is_whole (TrwUpload *self);

/* `upload` and `dialect` of Done. */
void
trw_upload_add_facts (TrwUpload *self, GVariantDict *facts, gboolean is_complete);
