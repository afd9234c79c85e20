/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/session.h"

/* One try to get an app to Attach: find out whether it runs, start it if not, then signal
 * until it comes or the lease is over. */
typedef struct _TrdLaunch TrdLaunch;

typedef struct
{
  /* The signal HandleEventsForBackgroundSession, now. */
  void (*signal) (gpointer user_data);
  /* About to start a process: FALSE when the budget of launches says no. */
  gboolean (*may_start) (gpointer user_data);
  /* It could not be started, or did not come in time.  The launch is over. */
  void (*failed) (const char *why, gpointer user_data);
} TrdLaunchCallbacks;

TrdLaunch *
trd_launch_new (const TrdEnv *env,
                const char *activation_name,
                const TrdLaunchCallbacks *callbacks,
                gpointer user_data);
/* Also ends it: no callback comes afterwards. */
void
trd_launch_free (TrdLaunch *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdLaunch, trd_launch_free)
