/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <libsoup/soup.h>

#include "request.h"

/* What was a secret on its way to a server is none on its way back (law 9): servers that
 * repeat what they were sent would bring it into rows and to observers. */
typedef struct TrwScrub TrwScrub;

TrwScrub *
trw_scrub_new (const TrwRequest *request);
void
trw_scrub_free (TrwScrub *self);

/* What a message was sent with: secrets that came by other ways, cookies and answers. */
void
trw_scrub_learn (TrwScrub *self, SoupMessageHeaders *sent);

/* @facts (a{sv}, consumed if floating) of an answer or of an end, with every secret in
 * its headers, body and texts made unreadable, byte for byte.  (transfer full) */
GVariant *
trw_scrub_facts (const TrwScrub *self, GVariant *facts);
