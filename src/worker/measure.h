/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <libsoup/soup.h>

/* What is noted of a hop beside libsoup's own metrics; monotonic, 0 for not yet. */
typedef struct
{
  gint64 written_us;     /* the question is out */
  gint64 ended_us;       /* the answer was read to its end, or to that of our interest */
  gboolean is_connected; /* a connection was made for it */
  guint64 interim_size;  /* bytes of what came before the head of the answer */
  guint64 sent_size;     /* bytes of the body that were sent */
  guint64 body_size;     /* bytes of the answer that came, without their framing */
} TrwMarks;

/* One of the `transactions` of Done.  @wall_offset_us: from the monotonic to the real
 * time.  (transfer full), not floating */
GVariant *
trw_measure_describe (SoupMessage *message, const TrwMarks *marks, gint64 wall_offset_us);

/* Adds @transaction (consumed) to @transactions, of which the first and the last are
 * kept.
 */
void
trw_measure_add (GPtrArray *transactions, GVariant *transaction);
