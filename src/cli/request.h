/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "cli/secret.h"

/* Parts of a request as the command line gives them.  What is wrong is told on standard
 * error, without its value, and NULL is returned.  (transfer full), not floating, all */

/* "Name: value" of @headers (nullable) and of the lines of @file (nullable) → lines, as
 * the option `headers-fd` wants them. */
TrcSecret *
trc_request_read_headers (char **headers, const char *file);
/* "sha256:abc…" → a{ss}. */
GVariant *
trc_request_read_digests (char **digests);
/* Whether these may be `mirrors`. */
gboolean
trc_request_check_mirrors (char **mirrors);
/* "100-199", "100-" → (tt), as the option `range` wants it. */
GVariant *
trc_request_read_range (const char *range);
