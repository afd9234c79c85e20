/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names of errors: each goes there and back, and over the bus. */

#include "config.h"

#include "common/error.h"
#include "common/names.h"

static void
test_name (gconstpointer data)
{
  TrundleError code = (TrundleError)GPOINTER_TO_UINT (data);
  const char *name = trundle_error_to_name (code);
  g_autofree char *whole = g_strconcat (TRUNDLE_ERROR_PREFIX, name, NULL);
  TrundleError back = TRUNDLE_N_ERRORS;

  g_assert_true (g_dbus_is_member_name (name));
  g_assert_true (trundle_error_from_name (name, &back));
  g_assert_cmpuint (back, ==, code);
  back = TRUNDLE_N_ERRORS;
  g_assert_true (trundle_error_from_name (whole, &back));
  g_assert_cmpuint (back, ==, code);
}

static void
test_bus (gconstpointer data)
{
  int code = GPOINTER_TO_INT (data);
  g_autoptr (GError) sent = g_error_new_literal (TRUNDLE_ERROR, code, "Why");
  g_autofree char *name = g_dbus_error_encode_gerror (sent);
  g_autofree char *expected = g_strconcat (
      TRUNDLE_ERROR_PREFIX, trundle_error_to_name (code), NULL);
  g_autoptr (GError) received = g_dbus_error_new_for_dbus_error (name, "Why");

  g_assert_cmpstr (name, ==, expected);
  g_assert_error (received, TRUNDLE_ERROR, code);
}

static void
test_strangers (void)
{
  static const char *const names[] = {
    "",
    "NoSuchError",
    "httpstatus",
    "HttpStatu",
    "HttpStatus ",
    "HttpStatusX",
    TRUNDLE_ERROR_PREFIX,
    "org.freedesktop.DBus.Error.Failed",
  };
  TrundleError code = TRUNDLE_ERROR_CANCELLED;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    g_assert_false (trundle_error_from_name (names[i], &code));
  g_assert_cmpuint (code, ==, TRUNDLE_ERROR_CANCELLED);
}

/* Stored in databases and matched by apps. */
static void
test_spelling (void)
{
  g_assert_cmpstr (trundle_error_to_name (TRUNDLE_ERROR_INVALID_URL), ==, "InvalidUrl");
  g_assert_cmpstr (trundle_error_to_name (TRUNDLE_ERROR_HTTP_STATUS), ==, "HttpStatus");
  g_assert_cmpstr (trundle_error_to_name (TRUNDLE_ERROR_TLS_FAILED), ==, "TlsFailed");
  g_assert_cmpstr (trundle_error_to_name (TRUNDLE_ERROR_NO_SPACE), ==, "NoSpace");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < TRUNDLE_N_ERRORS; i++)
    {
      const char *name = trundle_error_to_name ((TrundleError)i);
      g_autofree char *name_path = g_strconcat ("/error/name/", name, NULL);
      g_autofree char *bus_path = g_strconcat ("/error/bus/", name, NULL);

      g_test_add_data_func (name_path, GUINT_TO_POINTER (i), test_name);
      g_test_add_data_func (bus_path, GUINT_TO_POINTER (i), test_bus);
    }
  g_test_add_func ("/error/strangers", test_strangers);
  g_test_add_func ("/error/spelling", test_spelling);
  return g_test_run ();
}
