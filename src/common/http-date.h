/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* A date as HTTP writes it, in one of its three forms (RFC 9110 §5.6.7), as seconds since
 * the epoch.  FALSE for anything else. */
gboolean
trundle_http_date_parse (const char *text, gint64 *out_seconds);
