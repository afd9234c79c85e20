/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* What the world is like: facts the policy decides by.  A plain GObject with settable
 * properties; trd_conditions_watch_system() keeps them true to the system.  Emits
 * "changed" after any of them has changed. */
#define TRD_TYPE_CONDITIONS (trd_conditions_get_type ())
G_DECLARE_FINAL_TYPE (TrdConditions, trd_conditions, TRD, CONDITIONS, GObject)

/* Properties, all boolean: "network" (default TRUE), "metered", "captive-portal",
 * "on-battery", "power-saver", "graphical" (a graphical session is there). */
TrdConditions *
trd_conditions_new (void);

/* GNetworkMonitor (network, metered, captive-portal), GPowerProfileMonitor (power-saver);
 * graphical: graphical-session.target of the user manager on @session_bus, or DISPLAY or
 * WAYLAND_DISPLAY in our environment.  Without the one that would tell, the default
 * stays. */
void
trd_conditions_watch_system (TrdConditions *self, GDBusConnection *session_bus);

gboolean
trd_conditions_get (TrdConditions *self, const char *property);

/* For the property Conditions of the manager: a{sv}, (transfer full), not floating. */
GVariant *
trd_conditions_to_variant (TrdConditions *self);
