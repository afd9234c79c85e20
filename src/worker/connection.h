/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* Connections of TCP that know a head that breaks off from a whole one, for all of GIO in
 * this process. */
void
trw_connection_register (void);

/* What the other side says next on @stream (nullable), a connection or what is led over
 * one, is the head of an answer: that it ends there is an error, of G_IO_ERROR, until the
 * head is said to be read. */
void
trw_connection_await_head (GIOStream *stream);
void
trw_connection_take_head (GIOStream *stream);

/* Whether there is TLS on @stream (nullable), and its end has been read.  Only while a
 * head is awaited, and no byte is left that was deciphered and not read yet. */
gboolean
trw_connection_has_tls_ended (GIOStream *stream);

/* The socket below @stream (nullable).  (transfer none) (nullable) */
GSocket *
trw_connection_find_socket (GIOStream *stream);
