/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "port/launcher.h"

/* A bus of scripted names.  A name nobody scripted is unknown: starting it fails with
 * G_DBUS_ERROR_SERVICE_UNKNOWN, nobody owns it, it is not activatable.
 * Results always arrive from the main loop. */
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

/* How often start() was called with @name, or with any for NULL. */
guint
fake_launcher_count_starts (FakeLauncher *self, const char *name);
