/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the user has set, and that a change is heard.  The schema is the one of the build
 * (GSETTINGS_SCHEMA_DIR), the values are in memory. */

#include "config.h"

#include "port/settings.h"

#include "common/defaults.h"

#define SCHEMA "org.freedesktop.BackgroundTransfer1"

static void
test_defaults (void)
{
  g_autoptr (TrdSettings) settings = trd_settings_new ();

  g_assert_cmpuint (trd_settings_get_keep_results_days (settings), ==, TRD_RESULTS_DAYS);
  g_assert_cmpuint (trd_settings_get_keep_history_days (settings), ==, TRD_HISTORY_DAYS);
  g_assert_cmpuint (
      trd_settings_get_keep_history_tasks (settings), ==, TRD_HISTORY_TASKS);
}

static void
on_changed (TrdSettings *settings, gpointer user_data)
{
  guint *count = user_data;

  ++*count;
}

static void
test_changed (void)
{
  g_autoptr (TrdSettings) settings = trd_settings_new ();
  g_autoptr (GSettings) user = g_settings_new (SCHEMA);
  guint count = 0;

  g_signal_connect (settings, "changed", G_CALLBACK (on_changed), &count);
  g_assert_true (g_settings_set_uint (user, "keep-results-days", 7));
  while (count == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (trd_settings_get_keep_results_days (settings), ==, 7);
  g_assert_true (g_settings_set_uint (user, "keep-history-tasks", 0));
  g_assert_cmpuint (trd_settings_get_keep_history_tasks (settings), ==, 0);
  g_settings_reset (user, "keep-results-days");
  g_assert_cmpuint (trd_settings_get_keep_results_days (settings), ==, TRD_RESULTS_DAYS);
}

/* A result that is kept for no time at all could never be collected. */
static void
test_ranges (void)
{
  static const struct
  {
    const char *key;
    guint max;
    gboolean may_be_0;
  } rows[] = {
    { "keep-results-days", 3650, FALSE },
    { "keep-history-days", 3650, TRUE },
    { "keep-history-tasks", 100000, TRUE },
  };
  GSettingsSchemaSource *source = g_settings_schema_source_get_default ();
  g_autoptr (GSettingsSchema) schema = g_settings_schema_source_lookup (
      source, SCHEMA, TRUE);

  g_assert_nonnull (schema);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GSettingsSchemaKey) key = g_settings_schema_get_key (schema,
                                                                      rows[i].key);
      g_autoptr (GVariant) nought = g_variant_ref_sink (g_variant_new_uint32 (0));
      g_autoptr (GVariant) most = g_variant_ref_sink (g_variant_new_uint32 (rows[i].max));
      g_autoptr (GVariant) more = g_variant_ref_sink (
          g_variant_new_uint32 (rows[i].max + 1));

      g_assert_cmpint (
          g_settings_schema_key_range_check (key, nought), ==, rows[i].may_be_0);
      g_assert_true (g_settings_schema_key_range_check (key, most));
      g_assert_false (g_settings_schema_key_range_check (key, more));
    }
}

/* Not installed: the service works all the same. */
static void
test_no_schema (void)
{
  if (g_test_subprocess ())
    {
      test_defaults ();
      return;
    }

  g_unsetenv ("GSETTINGS_SCHEMA_DIR");
  g_setenv ("XDG_DATA_DIRS", "/nonexistent", TRUE);
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/settings/defaults", test_defaults);
  g_test_add_func ("/settings/changed", test_changed);
  g_test_add_func ("/settings/ranges", test_ranges);
  g_test_add_func ("/settings/no-schema", test_no_schema);
  return g_test_run ();
}
