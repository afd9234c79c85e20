/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "port/settings.h"

#include "common/defaults.h"

#define SCHEMA "org.freedesktop.BackgroundTransfer1"

struct _TrdSettings
{
  GObject parent_instance;

  GSettings *settings; /* (owned) (nullable): NULL without a schema */
};

enum
{
  CHANGED,
  N_SIGNALS
};
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (TrdSettings, trd_settings, G_TYPE_OBJECT)

static void
on_changed (GSettings *settings, const char *key, TrdSettings *self)
{
  g_signal_emit (self, signals[CHANGED], 0);
}

/* g_settings_new() ends the program when the schema is not there, and one of an older
 * package may lack a key, which does the same when it is read. */
static GSettings *
open_settings (void)
{
  static const char *const keys[]
      = { "keep-results-days", "keep-history-days", "keep-history-tasks" };
  GSettingsSchemaSource *source = g_settings_schema_source_get_default ();
  g_autoptr (GSettingsSchema) schema = NULL;

  if (source != NULL)
    schema = g_settings_schema_source_lookup (source, SCHEMA, TRUE);
  for (guint i = 0; schema != NULL && i < G_N_ELEMENTS (keys); i++)
    if (!g_settings_schema_has_key (schema, keys[i]))
      g_clear_pointer (&schema, g_settings_schema_unref);
  if (schema != NULL)
    return g_settings_new_full (schema, NULL, NULL);

  g_debug ("The settings' schema is not installed: using the defaults");
  return NULL;
}

TrdSettings *
trd_settings_new (void)
{
  TrdSettings *self = g_object_new (TRD_TYPE_SETTINGS, NULL);

  self->settings = open_settings ();
  if (self->settings != NULL)
    g_signal_connect (self->settings, "changed", G_CALLBACK (on_changed), self);
  return self;
}

static guint
get_uint (TrdSettings *self, const char *key, guint fallback)
{
  return self->settings != NULL ? g_settings_get_uint (self->settings, key) : fallback;
}

guint
trd_settings_get_keep_results_days (TrdSettings *self)
{
  g_return_val_if_fail (TRD_IS_SETTINGS (self), TRD_RESULTS_DAYS);

  return get_uint (self, "keep-results-days", TRD_RESULTS_DAYS);
}

guint
trd_settings_get_keep_history_days (TrdSettings *self)
{
  g_return_val_if_fail (TRD_IS_SETTINGS (self), TRD_HISTORY_DAYS);

  return get_uint (self, "keep-history-days", TRD_HISTORY_DAYS);
}

guint
trd_settings_get_keep_history_tasks (TrdSettings *self)
{
  g_return_val_if_fail (TRD_IS_SETTINGS (self), TRD_HISTORY_TASKS);

  return get_uint (self, "keep-history-tasks", TRD_HISTORY_TASKS);
}

static void
trd_settings_dispose (GObject *object)
{
  TrdSettings *self = TRD_SETTINGS (object);

  if (self->settings != NULL)
    g_signal_handlers_disconnect_by_data (self->settings, self);
  g_clear_object (&self->settings);

  G_OBJECT_CLASS (trd_settings_parent_class)->dispose (object);
}

static void
trd_settings_init (TrdSettings *self)
{
}

static void
trd_settings_class_init (TrdSettingsClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = trd_settings_dispose;

  signals[CHANGED] = g_signal_new ("changed",
                                   TRD_TYPE_SETTINGS,
                                   G_SIGNAL_RUN_LAST,
                                   0,
                                   NULL,
                                   NULL,
                                   NULL,
                                   G_TYPE_NONE,
                                   0);
}
