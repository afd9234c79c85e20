/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "value/log.h"

#include <string.h>

static void
test_redact (void)
{
  static const struct
  {
    const char *text;
    const char *redacted;
  } rows[] = {
    { "nothing to hide: 3 / 4", "nothing to hide: 3 / 4" },
    { "GET https://user:pw@example.org/a?token=1#x failed",
      "GET https://example.org/a?… failed" },
    { "https://example.org/a?…", "https://example.org/a?…" },
    { "'http://a.example/x' -> 'http://b.example/y?z'",
      "'http://a.example/x' -> 'http://b.example/y?…'" },
    { "", "" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *redacted = trd_log_redact (rows[i].text);

      g_assert_cmpstr (redacted, ==, rows[i].redacted);
    }
}

static void
test_no_secret (void)
{
  static const char *const texts[] = {
    "see ftp://user:secret@example.org/",
    "(https://secret@example.org/?secret)",
    "https://:secret@[::1]:8080/?secret",
    "HTTPS://user:secret@EXAMPLE.ORG",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autofree char *redacted = trd_log_redact (texts[i]);

      g_assert_null (strstr (redacted, "secret"));
    }
}

static void
test_writer (void)
{
  if (g_test_subprocess ())
    {
      trd_log_set_up ();
      trd_log_task (
          G_LOG_LEVEL_MESSAGE, 1, 42, "Fetching %s", "http://u:secret@a.example/?secret");
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("*Fetching http://a.example/*");
  g_test_trap_assert_stderr_unmatched ("*secret*");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/log/redact", test_redact);
  g_test_add_func ("/log/no-secret", test_no_secret);
  g_test_add_func ("/log/writer", test_writer);

  return g_test_run ();
}
