/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <libsoup/soup.h>

#include "request.h"
#include "sessions.h"

typedef struct _TrwAttempt TrwAttempt;

/* What the worker hears; called from the main loop and from trw_attempt_stop(). */
typedef struct
{
  void (*responded) (TrwAttempt *attempt, GVariant *response, gpointer user_data);
  void (*redirected) (TrwAttempt *attempt,
                      const char *from,
                      const char *to,
                      guint status,
                      gpointer user_data);
  /* Received or synced have grown, or sent or confirmed have changed. */
  void (*moved) (TrwAttempt *attempt, gpointer user_data);
  /* Where an upload is gone on with: a{sv} for UploadChanged, of which
   * trw_attempt_hear_upload() says what became. */
  void (*uploaded) (TrwAttempt *attempt, GVariant *place, gpointer user_data);
  /* How far the digests of what is on disk got: a{sv}. */
  void (*digested) (TrwAttempt *attempt, GVariant *state, gpointer user_data);
  /* The last call: nothing is held any more, the part is closed.  @facts: (nullable), for
   * Done; NULL when it was stopped.  The attempt may be released from here. */
  void (*over) (TrwAttempt *attempt, GVariant *facts, gpointer user_data);
} TrwAttemptHooks;

/* Begins at once.  @request and @part_fd are consumed. */
TrwAttempt *
trw_attempt_new (guint64 id,
                 TrwRequest *request,
                 int part_fd,
                 TrwSession *session,
                 const TrwAttemptHooks *hooks,
                 gpointer user_data);

TrwAttempt *
trw_attempt_ref (TrwAttempt *self);
void
trw_attempt_unref (TrwAttempt *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrwAttempt, trw_attempt_unref)

/* `over` follows, at once or when a sync in flight has ended. */
void
trw_attempt_stop (TrwAttempt *self);

/* The part began anew, and not a byte is written to it before the daemon has heard so: it
 * may have stored what the old ones were, and would go on with the new ones as if they
 * were those (law 11). */
gboolean
trw_attempt_is_unheard (TrwAttempt *self);
void
trw_attempt_hear (TrwAttempt *self);

/* The answer to `uploaded`; an @error ends the attempt. */
void
trw_attempt_hear_upload (TrwAttempt *self, const GError *error);

guint64
trw_attempt_get_id (TrwAttempt *self);
guint64
trw_attempt_get_received (TrwAttempt *self);
guint64
trw_attempt_get_synced (TrwAttempt *self);
gint64
trw_attempt_get_expected (TrwAttempt *self); /* -1 unknown */

/* TRUE once: all of the body is on its way.  The daemon is to know before anything else
 * it hears of the attempt: from now on the server may have carried the request out (law
 * 12).
 */
gboolean
trw_attempt_take_whole (TrwAttempt *self);
/* Of the body, see Progress. */
guint64
trw_attempt_get_body_sent (TrwAttempt *self);
guint64
trw_attempt_get_body_confirmed (TrwAttempt *self);
