/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/registry.h"

/* In which dialects a server is asked whether an upload can be gone on with, and what a
 * session remembers of that. */

/* What Begin takes as `resumable`: @wanted is the option, @known (nullable) what is known
 * of the server: a dialect, or "none".  The best first.  Pure.  Floating */
GVariant *
trd_dialects_offer (const char *wanted, const char *known);

/* Whether it is for us to find out what the server of @row speaks. */
gboolean
trd_dialects_may_choose (TrdSession *session, const TrdTaskRow *row);
/* What is offered for @row, an upload of @session.  (transfer full), not floating */
GVariant *
trd_dialects_find (TrdRegistry *registry, TrdSession *session, const TrdTaskRow *row);

/* Adds `resumable` and `upload` to its request. */
void
trd_dialects_add_to_request (TrdRegistry *registry,
                             TrdSession *session,
                             const TrdTaskRow *row,
                             GVariantDict *request);

/* @url's server speaks @word.  Best effort: what is not known is found out again. */
void
trd_dialects_learn (TrdRegistry *registry,
                    TrdSession *session,
                    const char *url,
                    const char *word);
