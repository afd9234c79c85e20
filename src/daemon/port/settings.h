/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* What the user has set (GSettings, org.freedesktop.BackgroundTransfer1), or the defaults
 * where the schema is not installed.
 *
 * Signal "changed": some value is another one now. */
#define TRD_TYPE_SETTINGS (trd_settings_get_type ())
G_DECLARE_FINAL_TYPE (TrdSettings, trd_settings, TRD, SETTINGS, GObject)

/* (transfer full) */
TrdSettings *
trd_settings_new (void);

guint
trd_settings_get_keep_results_days (TrdSettings *self);
guint
trd_settings_get_keep_history_days (TrdSettings *self);
guint
trd_settings_get_keep_history_tasks (TrdSettings *self);
