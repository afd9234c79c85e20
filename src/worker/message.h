/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <libsoup/soup.h>

#include "dialect.h"
#include "jars.h"
#include "request.h"

/* Where an attempt is on its way. */
typedef struct
{
  GUri *uri;          /* (owned) */
  const char *method; /* (unowned), static */
  guint n_followed;
  gboolean at_first_origin;    /* never true again once it was false */
  const TrwQuestion *question; /* (unowned) (nullable): of an upload */
  gboolean has_body;           /* what is asked is asked with a body, still */
  TrwJar *jar; /* (owned) (nullable): that of the session, or one for what this attempt
                * is told; NULL until it is */
} TrwWay;

void
trw_way_clear (TrwWay *self);

/* The message for one hop.  (transfer full) */
SoupMessage *
trw_message_new (const TrwRequest *request, const TrwWay *way);

/* Keeps what an answer says by Set-Cookie: for the hops to come, or with a jar of the
 * session for all that follow. */
void
trw_way_take_cookies (TrwWay *self, const TrwRequest *request, SoupMessage *message);
