/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "common/error.h"
#include "face/gate.h"
#include "face/peer.h"

/* One call on its way through the house.  Every handler owns the call it is given and
 * ends it by exactly one of the functions named "return", which free it. */
typedef struct
{
  TrdGate *gate;                     /* (owned) */
  GDBusMethodInvocation *invocation; /* (owned) */
  GVariant *parameters;              /* (owned) */
  TrdPeer *peer;                     /* (owned) (nullable): NULL before identification */
  GPtrArray *secrets;        /* (owned) (nullable): kept for it, until it has ended */
  struct _TrdBodies *bodies; /* (owned) (nullable): what its uploads send */
  GDestroyNotify on_ended;   /* told the gate, once */
} TrdCall;

TrdCall *
trd_call_new (TrdGate *gate, GDBusMethodInvocation *invocation, GDestroyNotify on_ended);

/* Unique name of the caller. */
const char *
trd_call_get_sender (TrdCall *self);

/* The fd behind the handle of a value of type `h`; borrowed from the message.  Errors:
 * INVALID_ARGUMENT naming @key, LIMIT_EXCEEDED when the message carries too many. */
int
trd_call_peek_fd (TrdCall *self, int handle, const char *key, GError **error);

/* @value: a tuple, consumed if floating; NULL for no values.  One that is too large for
 * the bus becomes LIMIT_EXCEEDED: sending it would cost us the connection. */
void
trd_call_return (TrdCall *self, GVariant *value);
/* Bytes of the longest answer; who puts one together of many stops there. */
extern const gsize trd_call_reply_max;
void
trd_call_return_too_large (TrdCall *self);
/* Answers `(h)`.  @fd is consumed. */
void
trd_call_return_fd (TrdCall *self, int fd);
/* @error: (transfer full).  What is not ours becomes Failed, and its text a warning in
 * the log: foreign words do not cross the bus. */
void
trd_call_return_error (TrdCall *self, GError *error);
/* One or the other, for a method without results.  @error as for
 * trd_call_return_error(). */
void
trd_call_return_done (TrdCall *call, gboolean done, GError *error);
void
trd_call_return_literal (TrdCall *self, TrundleError code, const char *message);
/* The one answer for what does not exist and for what belongs to somebody else (law 8).
 */
void
trd_call_return_not_found (TrdCall *self);
