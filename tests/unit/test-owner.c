/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Owners: all of the host are one principal, a sandbox reaches only itself. */

#include "config.h"

#include "value/owner.h"

typedef struct
{
  const char *name;
  const char *caller[2];
  const char *owner[2];
  gboolean is_equal;
  gboolean may_address;
} Case;

static const Case cases[] = {
  { "same-host", { "host", "org.a.A" }, { "host", "org.a.A" }, TRUE, TRUE },
  { "other-of-host", { "host", "host" }, { "host", "org.a.A" }, FALSE, TRUE },
  { "host-to-sandbox", { "host", "org.a.A" }, { "flatpak", "org.a.A" }, FALSE, FALSE },
  { "sandbox-to-host", { "flatpak", "org.a.A" }, { "host", "org.a.A" }, FALSE, FALSE },
  { "same-sandbox", { "flatpak", "org.a.A" }, { "flatpak", "org.a.A" }, TRUE, TRUE },
  { "other-app", { "flatpak", "org.a.A" }, { "flatpak", "org.a.B" }, FALSE, FALSE },
  { "other-sandbox", { "flatpak", "org.a.A" }, { "snap", "org.a.A" }, FALSE, FALSE },
  { "app-called-host", { "flatpak", "host" }, { "host", "host" }, FALSE, FALSE },
};

static void
test_case (gconstpointer data)
{
  const Case *c = data;
  g_autoptr (TrdOwner) caller = trd_owner_new (c->caller[0], c->caller[1]);
  g_autoptr (TrdOwner) owner = trd_owner_new (c->owner[0], c->owner[1]);

  g_assert_cmpint (trd_owner_equal (caller, owner), ==, c->is_equal);
  g_assert_cmpint (trd_owner_equal (owner, caller), ==, c->is_equal);
  g_assert_cmpint (trd_owner_may_address (caller, owner), ==, c->may_address);
  g_assert_cmpint (
      g_strcmp0 (trd_owner_key (caller), trd_owner_key (owner)) == 0, ==, c->is_equal);
}

static void
test_key (void)
{
  g_autoptr (TrdOwner) owner = trd_owner_new ("flatpak", "org.example.App");

  g_assert_cmpstr (trd_owner_key (owner), ==, "flatpak:org.example.App");
  g_assert_false (trd_owner_is_host (owner));
}

static void
test_ref (void)
{
  TrdOwner *owner = trd_owner_new ("host", "host");
  g_autoptr (TrdOwner) other = trd_owner_ref (owner);

  trd_owner_unref (owner);
  g_assert_true (trd_owner_is_host (other));
  g_assert_cmpstr (trd_owner_key (other), ==, "host:host");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/owner/reach/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_case);
    }
  g_test_add_func ("/owner/key", test_key);
  g_test_add_func ("/owner/ref", test_ref);
  return g_test_run ();
}
