/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "cli/challenge.h"
#include "cli/credential.h"
#include "cli/terminal.h"

/* Answers to challenges: asked of the user, and given to the service. */

/* The words of RespondToChallenge. */
#define TRC_USE_CREDENTIAL "use-credential"
#define TRC_DEFAULT_HANDLING "perform-default-handling"
#define TRC_CANCEL "cancel"
#define TRC_REJECT "reject-protection-space"

typedef struct
{
  const char *disposition; /* (unowned): one of the above */
  TrcCredential credential;
} TrcAnswer;

void
trc_answer_clear (TrcAnswer *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TrcAnswer, trc_answer_clear)

/* Shows what is asked, and asks on for what is missing in @answer.  FALSE when the user
 * does not answer, or @cancellable says that it need not be answered any more: then with
 * G_IO_ERROR_CANCELLED. */
gboolean
trc_respond_ask (TrcTerminal *terminal,
                 const TrcChallenge *challenge,
                 TrcAnswer *answer,
                 GCancellable *cancellable,
                 GError **error);

/* On disk when it returns. */
gboolean
trc_respond_send (GDBusConnection *connection,
                  const char *task_path,
                  const TrcChallenge *challenge,
                  const TrcAnswer *answer,
                  GError **error);
