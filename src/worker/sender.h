/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "pieces.h"

/* Writes a range of a body to a connection. */
typedef struct _TrwSender TrwSender;

/* Called from the main loop. */
typedef struct
{
  /* Bytes were taken. */
  void (*moved) (gpointer user_data);
  /* Once, unless it is freed first: the last byte was taken, or with @error (one of
   * ours), the body cannot be read to its end.  Not for a connection that takes no more:
   * whoever reads from it hears why.  The sender may be freed from here. */
  void (*ended) (const GError *error, gpointer user_data);
} TrwSenderSink;

/* Nothing is written before trw_sender_start().  @pieces outlive it. */
TrwSender *
trw_sender_new (TrwPieces *pieces,
                guint64 offset,
                guint64 length,
                const TrwSenderSink *sink,
                gpointer user_data);

/* Writes no more; of what was written nothing is taken back. */
void
trw_sender_free (TrwSender *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrwSender, trw_sender_free)

/* Writes to @connection from now on.  Not twice. */
void
trw_sender_start (TrwSender *self, GIOStream *connection);
gboolean
trw_sender_is_started (TrwSender *self);

/* Bytes of the range that the connection took. */
guint64
trw_sender_get_sent (TrwSender *self);
gboolean
trw_sender_is_complete (TrwSender *self);

/* What becomes of what a connection took. */
typedef struct
{
  guint64 acknowledged; /* bytes the other side has, since the connection stands */
  gboolean has_more;    /* some are on their way still */
  guint64 quiet_us;     /* since it last said that it has some */
} TrwFlow;

/* FALSE when nothing is known. */
gboolean
trw_sender_look (TrwSender *self, TrwFlow *out_flow);
