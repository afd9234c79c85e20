/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/challenges.h"

/* What apps say of challenges and credentials.  What is promised is committed when these
 * return; what the keyring is to keep is there once trd_credentials_flush_async() calls
 * back. */

/* RespondToChallenge; @answer is checked (TRUNDLE_SCOPE_CREDENTIAL).  Errors:
 * INVALID_ARGUMENT, BAD_STATE, NOT_ALLOWED. */
gboolean
trd_registry_respond_to_challenge (TrdRegistry *self,
                                   TrdTask *task,
                                   const char *challenge,
                                   const char *disposition,
                                   GVariant *answer,
                                   GError **error);
/* SetCredential; both are checked. */
gboolean
trd_registry_set_credential (TrdRegistry *self,
                             TrdSession *session,
                             GVariant *space,
                             GVariant *credential,
                             GError **error);
/* From a dictionary that was checked (TRUNDLE_SCOPE_SPACE). */
gboolean
trd_space_from_dict (GVariant *dict, TrdSpace *out_space, GError **error);
