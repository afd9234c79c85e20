/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "port/launcher.h"

/* A bus of scripted names.  A name nobody scripted is unknown: starting it fails with
 * G_DBUS_ERROR_SERVICE_UNKNOWN, nobody owns it, it is not activatable. */
#define FAKE_TYPE_LAUNCHER (fake_launcher_get_type ())
G_DECLARE_FINAL_TYPE (FakeLauncher, fake_launcher, FAKE, LAUNCHER, GObject)

FakeLauncher *
fake_launcher_new (void);

/* @name can be started; a start succeeds, and then @owner (nullable: the app leaves at
 * once) owns the name. */
void
fake_launcher_script_success (FakeLauncher *self, const char *name, const char *owner);

/* @name is activatable, but a start fails with a copy of @error. */
void
fake_launcher_script_error (FakeLauncher *self, const char *name, const GError *error);

/* @owner owns @name from now on; NULL: nobody does. */
void
fake_launcher_set_owner (FakeLauncher *self, const char *name, const char *owner);

/* While held, nothing completes until fake_launcher_complete(), which answers all that is
 * under way, in order, by the script of that moment.  Results always arrive from the main
 * loop. */
void
fake_launcher_set_held (FakeLauncher *self, gboolean held);
void
fake_launcher_complete (FakeLauncher *self);
guint
fake_launcher_count_pending (FakeLauncher *self);

/* How often start() was called with @name, or with any for NULL. */
guint
fake_launcher_count_starts (FakeLauncher *self, const char *name);
/* Names in order of their starts.  (element-type utf8) (transfer none) */
GPtrArray *
fake_launcher_get_starts (FakeLauncher *self);
