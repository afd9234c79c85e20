/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* What the service does, in numbers. */
typedef struct
{
  guint n_active;
  guint n_waiting;
  guint64 bytes_per_second;
} TrdStatus;

/* "3 active, 12 waiting, 8.1 MB/s", "12 waiting", "Idle".  (transfer full) */
char *
trd_status_format (const TrdStatus *status);

/* The status line that systemctl shows. */
typedef struct _TrdStatusLine TrdStatusLine;

TrdStatusLine *
trd_status_line_new (void);
void
trd_status_line_free (TrdStatusLine *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdStatusLine, trd_status_line_free)

/* Sends it when it has changed, at most once a second: a change that comes sooner is sent
 * when the second is over. */
void
trd_status_line_set (TrdStatusLine *self, const TrdStatus *status);
