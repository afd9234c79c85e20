/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "confine.h"

typedef struct _TrwWorker TrwWorker;

/* Exports the object and says Hello.  @connection: not yet processing messages; it does
 * afterwards. */
TrwWorker *
trw_worker_new (GDBusConnection *connection,
                GTlsDatabase *trust,
                const TrwConfinement *confinement,
                GError **error);
void
trw_worker_free (TrwWorker *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrwWorker, trw_worker_free)

/* Until Leave, the end of the connection, or a refused Hello; returns the exit status. */
int
trw_worker_run (TrwWorker *self);
