/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gunixfdlist.h>

typedef void (*TrdClosedFunc) (GObject *target, guint64 number);

/* Calls @func from the main loop once the descriptors of @fds are closed, which happens
 * when the last thread drops the list.  Not called when @target is gone by then. */
void
trd_watch_closed (GUnixFDList *fds, GObject *target, TrdClosedFunc func, guint64 number);
