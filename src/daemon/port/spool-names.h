/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* Names of files that are ours. */

/* Added to that of a part: what it decodes to. */
#define TRD_SPOOL_DECODED_SUFFIX ".decoded"

/* ".trundle-<id>-<random>.part".  (transfer full) */
char *
trd_spool_make_part_name (gint64 task_id);
/* The id in exactly such a name; 0 for every other. */
gint64
trd_spool_parse_part_name (const char *name);
/* The id whose file of the spool this is; 0 for a name we never give. */
gint64
trd_spool_parse_name (const char *name);

/* "body-" and 32 random digits: what an upload sends.  (transfer full) */
char *
trd_spool_make_body_name (void);
