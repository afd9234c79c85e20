/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "fake-resolver.h"

#include <gio/gio.h>

#define FAKE_TYPE_RESOLVER (fake_resolver_get_type ())
G_DECLARE_FINAL_TYPE (FakeResolver, fake_resolver, FAKE, RESOLVER, GObject)

struct _FakeResolver
{
  GObject parent_instance;
};

static gboolean is_lookup_broken;

static void
fake_resolver_iface_init (GProxyResolverInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (FakeResolver,
                               fake_resolver,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_PROXY_RESOLVER,
                                                      fake_resolver_iface_init))

static gboolean
is_supported (GProxyResolver *resolver)
{
  return TRUE;
}

static void
lookup_async (GProxyResolver *resolver,
              const char *uri,
              GCancellable *cancellable,
              GAsyncReadyCallback callback,
              gpointer user_data)
{
  static const char *const direct[] = { "direct://", NULL };
  g_autoptr (GTask) task = g_task_new (resolver, cancellable, callback, user_data);

  if (is_lookup_broken)
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_FAILED, "The script is broken");
  else
    g_task_return_pointer (task, g_strdupv ((char **)direct), (GDestroyNotify)g_strfreev);
}

static char **
lookup_finish (GProxyResolver *resolver, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
fake_resolver_iface_init (GProxyResolverInterface *iface)
{
  iface->is_supported = is_supported;
  iface->lookup_async = lookup_async;
  iface->lookup_finish = lookup_finish;
}

static void
fake_resolver_class_init (FakeResolverClass *klass)
{
}

static void
fake_resolver_init (FakeResolver *self)
{
}

void
fake_resolver_register (void)
{
  g_setenv ("GIO_USE_PROXY_RESOLVER", "fake", TRUE);
  g_io_extension_point_register (G_PROXY_RESOLVER_EXTENSION_POINT_NAME);
  g_io_extension_point_implement (
      G_PROXY_RESOLVER_EXTENSION_POINT_NAME, FAKE_TYPE_RESOLVER, "fake", 0);
  g_assert_true (
      G_TYPE_CHECK_INSTANCE_TYPE (g_proxy_resolver_get_default (), FAKE_TYPE_RESOLVER));
}

void
fake_resolver_set_broken (gboolean is_broken)
{
  is_lookup_broken = is_broken;
}
