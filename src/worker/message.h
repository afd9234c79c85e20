/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <libsoup/soup.h>

#include "request.h"

/* Where an attempt is on its way. */
typedef struct
{
  GUri *uri;          /* (owned) */
  const char *method; /* (unowned), static */
  guint n_followed;
  gboolean at_first_origin; /* never true again once it was false */
  SoupCookieJar *cookies;   /* (owned) (nullable): of the redirects so far */
  guint n_cookies;          /* ever put there */
} TrwWay;

void
trw_way_clear (TrwWay *self);

/* The message for one hop.  (transfer full) */
SoupMessage *
trw_message_new (const TrwRequest *request, const TrwWay *way);

/* Keeps what a redirect's Set-Cookie says for the hops to come, up to a bound. */
void
trw_way_take_cookies (TrwWay *self, SoupMessage *message);
