/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "upload.h"

/* How an upload is talked about with a server: which questions are asked one after the
 * other, which bytes of the body go with each, and what the answers mean.  The attempt
 * asks: redirects, credentials, proxies, limits and the sending are its own, and it asks
 * a question as often as these need it, with the whole body of that question each time.
 *
 * A dialect is pure as far as the network goes: it is told, and says what is next.  What
 * it does on the way it does by the functions of upload.h. */

/* One question. */
struct _TrwQuestion
{
  GUri *uri;          /* (owned): where */
  const char *method; /* (unowned), static, or of the request */

  /* The request of the task itself, as it would be without any dialect: all headers of
   * the app go with it, and it may be led to another method (303), without its body.
   * With any other, headers about a body (Content-…) do not go, and an answer that would
   * change the method is final. */
  gboolean is_request;

  /* Beside those; they replace what the app says.  What only one server may hear, or is
   * about the body, is put here. */
  SoupMessageHeaders *headers; /* (owned): empty at first */
  const char *const *without;  /* (unowned) (nullable), static: names the app may have
                                * said, but not now */

  /* With these bytes of the body; Content-Length is told even when they are none.
   * Without a body there is no Content-Length but where HTTP wants it. */
  gboolean has_body;
  guint64 offset;
  guint64 length;

  /* When the connection breaks after some of the body was written, libsoup may ask again
   * by itself on a new one; it does so only with idempotent methods, on a connection that
   * stood before, that said nothing of this question.  Where FALSE, the attempt ends. */
  gboolean may_repeat;
};

/* One answer, final or interim. */
typedef struct
{
  guint status;
  SoupMessageHeaders *headers; /* (unowned): of the answer */
  guint64 n_sent; /* bytes of the question's body that are out; all of them, or the rest
                   * will not be sent any more when it is final */
  guint hop;      /* of the attempt, from 1: a question may be asked in several */
} TrwReply;

struct _TrwDialect
{
  const char *word; /* in `resumable`, and in `dialect` of a place */

  /* A place is not asked for behind its `expires`: nothing is kept there any more. */
  gboolean heeds_expiry;

  /* State of one attempt.  @place: (nullable): that of an earlier one, to be gone on
   * with; NULL to begin, also after AFRESH.  (transfer full) (nullable) */
  gpointer (*begin) (TrwUpload *upload, GVariant *place);
  /* Frees it; never called with NULL. */
  void (*end) (gpointer state);

  /* Fills @out, in which all is zero but for `headers`.  Errors end the attempt. */
  gboolean (*ask) (TrwUpload *upload, TrwQuestion *out, GError **error);

  /* (nullable): an interim answer, but for 100. */
  TrwInterim (*informed) (TrwUpload *upload, const TrwReply *reply);

  /* The final one, not followed and not to be signed otherwise.  @error with FAIL only,
   * one of ours. */
  TrwVerdict (*answered) (TrwUpload *upload, const TrwReply *reply, GError **error);

  /* (nullable): the connection was lost before the final one; @reply has neither status
   * nor headers.  TRUE: ask again; else the attempt ends, with @error when it is set. */
  gboolean (*lost) (TrwUpload *upload, const TrwReply *reply, GError **error);
};

/* That for the words of `resumable` and a place: the place's own, else the first word
 * that is known, else the plain one. */
const TrwDialect *
trw_dialect_choose (const char *const *words, GVariant *place);

/* Each in a file of its own, in the table of dialect.c. */
extern const TrwDialect trw_dialect_plain;
extern const TrwDialect trw_dialect_ietf_8;
extern const TrwDialect trw_dialect_ietf_6;
extern const TrwDialect trw_dialect_tus;
