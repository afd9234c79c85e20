/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "fake-keyring.h"

#include <string.h>

#include "private-bus.h"

#define NAME "org.freedesktop.secrets"
#define PATH "/org/freedesktop/secrets"
#define COLLECTION_PATH PATH "/collection/c"
#define SESSION_PATH PATH "/session/s"
#define PROMPT_PATH PATH "/prompt/p"

static const char xml[]
    = "<node>"
      "<interface name='org.freedesktop.Secret.Service'>"
      "<method name='OpenSession'><arg type='s' direction='in'/>"
      "<arg type='v' direction='in'/><arg type='v' direction='out'/>"
      "<arg type='o' direction='out'/></method>"
      "<method name='ReadAlias'><arg type='s' direction='in'/>"
      "<arg type='o' direction='out'/></method>"
      "<method name='SearchItems'><arg type='a{ss}' direction='in'/>"
      "<arg type='ao' direction='out'/><arg type='ao' direction='out'/></method>"
      "<method name='GetSecrets'><arg type='ao' direction='in'/>"
      "<arg type='o' direction='in'/><arg type='a{o(oayays)}' direction='out'/></method>"
      "<method name='Unlock'><arg type='ao' direction='in'/>"
      "<arg type='ao' direction='out'/><arg type='o' direction='out'/></method>"
      "<method name='CreateCollection'><arg type='a{sv}' direction='in'/>"
      "<arg type='s' direction='in'/><arg type='o' direction='out'/>"
      "<arg type='o' direction='out'/></method>"
      "</interface>"
      "<interface name='org.freedesktop.Secret.Collection'>"
      "<method name='CreateItem'><arg type='a{sv}' direction='in'/>"
      "<arg type='(oayays)' direction='in'/><arg type='b' direction='in'/>"
      "<arg type='o' direction='out'/><arg type='o' direction='out'/></method>"
      "<property name='Locked' type='b' access='read'/>"
      "</interface>"
      "<interface name='org.freedesktop.Secret.Item'>"
      "<method name='SetSecret'><arg type='(oayays)' direction='in'/></method>"
      "<method name='Delete'><arg type='o' direction='out'/></method>"
      "<property name='Attributes' type='a{ss}' access='read'/>"
      "</interface>"
      "<interface name='org.freedesktop.Secret.Prompt'>"
      "<method name='Prompt'><arg type='s' direction='in'/></method>"
      "<method name='Dismiss'/>"
      "</interface>"
      "</node>";

typedef struct
{
  FakeKeyring *keyring; /* (unowned) */
  char *path;           /* (owned) */
  GVariant *attributes; /* (owned) */
  GBytes *secret;       /* (owned) */
  guint registration;
} Item;

struct FakeKeyring
{
  GDBusConnection *bus; /* (owned) */
  GDBusNodeInfo *node;  /* (owned) */
  GPtrArray *items;     /* (owned) (element-type Item) */
  GPtrArray *calls;     /* (owned) (element-type utf8) */
  GQueue hanging;       /* (element-type GDBusMethodInvocation) (owned) */
  const char *method;   /* (unowned): literal */
  FakeKeyringMood mood;
  gboolean locked;
  gboolean has_collection;
  guint n_made;
  guint registrations[3];
};

static void
item_free (gpointer data)
{
  Item *item = data;

  g_dbus_connection_unregister_object (item->keyring->bus, item->registration);
  g_free (item->path);
  g_variant_unref (item->attributes);
  g_bytes_unref (item->secret);
  g_free (item);
}

static void
emit (FakeKeyring *self,
      const char *path,
      const char *interface,
      const char *name,
      GVariant *parameters)
{
  g_dbus_connection_emit_signal (
      self->bus, NULL, path, interface, name, parameters, NULL);
}

/* ---- what it knows ---- */

static GVariant *
wrap (GBytes *secret)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (secret, &size);

  return g_variant_new ("(o@ay@ays)",
                        SESSION_PATH,
                        g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, NULL, 0, 1),
                        g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, data, size, 1),
                        "text/plain");
}

static GBytes *
unwrap (GVariant *secret)
{
  g_autoptr (GVariant) value = g_variant_get_child_value (secret, 2);
  gsize size;
  gconstpointer data = g_variant_get_fixed_array (value, &size, 1);

  return g_bytes_new (data, size);
}

static gboolean
matches (const Item *item, GVariant *wanted)
{
  GVariantIter iter;
  const char *name;
  const char *value;
  const char *own;

  g_variant_iter_init (&iter, wanted);
  while (g_variant_iter_next (&iter, "{&s&s}", &name, &value))
    if (!g_variant_lookup (item->attributes, name, "&s", &own)
        || !g_str_equal (own, value))
      return FALSE;
  return TRUE;
}

static GVariant *
search (FakeKeyring *self, GVariant *parameters)
{
  g_autoptr (GVariant) wanted = g_variant_get_child_value (parameters, 0);
  GVariantBuilder found;
  GVariantBuilder none;

  g_variant_builder_init (&found, G_VARIANT_TYPE ("ao"));
  g_variant_builder_init (&none, G_VARIANT_TYPE ("ao"));
  for (guint i = 0; i < self->items->len; i++)
    {
      const Item *item = g_ptr_array_index (self->items, i);

      if (matches (item, wanted))
        g_variant_builder_add (&found, "o", item->path);
    }
  return self->locked ? g_variant_new ("(aoao)", &none, &found)
                      : g_variant_new ("(aoao)", &found, &none);
}

static GVariant *
get_secrets (FakeKeyring *self)
{
  GVariantBuilder secrets;

  g_variant_builder_init (&secrets, G_VARIANT_TYPE ("a{o(oayays)}"));
  for (guint i = 0; !self->locked && i < self->items->len; i++)
    {
      const Item *item = g_ptr_array_index (self->items, i);

      g_variant_builder_add (&secrets, "{o@(oayays)}", item->path, wrap (item->secret));
    }
  return g_variant_new ("(a{o(oayays)})", &secrets);
}

/* ---- calls ---- */

static const Item *
add (FakeKeyring *self, GVariant *attributes, GBytes *secret);

static GVariant *
create (FakeKeyring *self, GVariant *parameters)
{
  g_autoptr (GVariant) properties = g_variant_get_child_value (parameters, 0);
  g_autoptr (GVariant) wrapped = g_variant_get_child_value (parameters, 1);
  g_autoptr (GBytes) secret = unwrap (wrapped);
  g_autoptr (GVariant) attributes = g_variant_lookup_value (
      properties, "org.freedesktop.Secret.Item.Attributes", G_VARIANT_TYPE ("a{ss}"));
  const Item *item = add (self, attributes, secret);

  return g_variant_new ("(oo)", item->path, "/");
}

static GVariant *
change (Item *item, const char *method, GVariant *parameters)
{
  g_autoptr (GVariant) wrapped = NULL;

  if (g_str_equal (method, "Delete"))
    {
      g_ptr_array_remove (item->keyring->items, item);
      return g_variant_new ("(o)", "/");
    }
  wrapped = g_variant_get_child_value (parameters, 0);
  g_bytes_unref (item->secret);
  item->secret = unwrap (wrapped);
  return NULL;
}

static void
answer (FakeKeyring *self, GDBusMethodInvocation *invocation, Item *item)
{
  const char *method = g_dbus_method_invocation_get_method_name (invocation);
  GVariant *parameters = g_dbus_method_invocation_get_parameters (invocation);
  const char *word = NULL;
  GVariant *reply = NULL;

  if (g_str_equal (method, "OpenSession"))
    {
      g_variant_get_child (parameters, 0, "&s", &word);
      if (!g_str_equal (word, "plain"))
        {
          g_dbus_method_invocation_return_error (
              invocation, G_DBUS_ERROR, G_DBUS_ERROR_NOT_SUPPORTED, "Only plain");
          return;
        }
      reply = g_variant_new ("(vo)", g_variant_new_string (""), SESSION_PATH);
    }
  else if (g_str_equal (method, "ReadAlias"))
    reply = g_variant_new ("(o)", self->has_collection ? COLLECTION_PATH : "/");
  else if (g_str_equal (method, "SearchItems"))
    reply = search (self, parameters);
  else if (g_str_equal (method, "GetSecrets"))
    reply = get_secrets (self);
  else if (g_str_equal (method, "CreateItem"))
    reply = create (self, parameters);
  else if (item != NULL)
    reply = change (item, method, parameters);
  g_dbus_method_invocation_return_value (invocation, reply);
}

static void
offer_prompt (GDBusMethodInvocation *invocation)
{
  const char *method = g_dbus_method_invocation_get_method_name (invocation);

  g_dbus_method_invocation_return_value (invocation,
                                         g_str_equal (method, "Delete")
                                             ? g_variant_new ("(o)", PROMPT_PATH)
                                             : g_variant_new ("(oo)", "/", PROMPT_PATH));
}

static void
on_call (GDBusConnection *bus,
         const char *sender,
         const char *path,
         const char *interface,
         const char *method,
         GVariant *parameters,
         GDBusMethodInvocation *invocation,
         gpointer user_data)
{
  FakeKeyring *self = user_data;
  Item *item = NULL;

  g_ptr_array_add (self->calls, g_strdup (method));
  for (guint i = 0; i < self->items->len && item == NULL; i++)
    if (g_str_equal (((Item *)g_ptr_array_index (self->items, i))->path, path))
      item = g_ptr_array_index (self->items, i);

  switch (g_strcmp0 (method, self->method) == 0 ? self->mood : FAKE_KEYRING_ANSWERS)
    {
    case FAKE_KEYRING_ANSWERS:
      answer (self, invocation, item);
      break;
    case FAKE_KEYRING_HANGS:
      g_queue_push_tail (&self->hanging, invocation);
      break;
    case FAKE_KEYRING_FAILS:
      g_dbus_method_invocation_return_dbus_error (
          invocation, "org.example.Broken", "It is broken");
      break;
    case FAKE_KEYRING_PROMPTS:
      offer_prompt (invocation);
      break;
    case FAKE_KEYRING_DIES:
      g_queue_push_tail (&self->hanging, invocation);
      g_dbus_connection_close_sync (self->bus, NULL, NULL);
      break;
    }
}

static GVariant *
on_get (GDBusConnection *bus,
        const char *sender,
        const char *path,
        const char *interface,
        const char *property,
        GError **error,
        gpointer user_data)
{
  FakeKeyring *self = user_data;

  g_ptr_array_add (self->calls, g_strdup (property));
  if (g_str_equal (property, "Locked"))
    return g_variant_new_boolean (self->locked);
  if (g_strcmp0 (property, self->method) == 0 && self->mood == FAKE_KEYRING_DIES)
    g_dbus_connection_close_sync (self->bus, NULL, NULL);
  for (guint i = 0; i < self->items->len; i++)
    {
      const Item *item = g_ptr_array_index (self->items, i);

      if (g_str_equal (item->path, path))
        return g_variant_ref (item->attributes);
    }
  g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT, "No such item");
  return NULL;
}

static guint
stand_at (FakeKeyring *self, const char *path, const char *interface)
{
  static const GDBusInterfaceVTable vtable = { on_call, on_get, NULL, { NULL } };

  return g_dbus_connection_register_object (
      self->bus,
      path,
      g_dbus_node_info_lookup_interface (self->node, interface),
      &vtable,
      self,
      NULL,
      NULL);
}

static const Item *
add (FakeKeyring *self, GVariant *attributes, GBytes *secret)
{
  Item *item = g_new0 (Item, 1);

  item->keyring = self;
  item->path = g_strdup_printf (COLLECTION_PATH "/%u", ++self->n_made);
  item->attributes = g_variant_ref_sink (attributes);
  item->secret = g_bytes_ref (secret);
  item->registration = stand_at (self, item->path, "org.freedesktop.Secret.Item");
  g_ptr_array_add (self->items, item);
  emit (self,
        COLLECTION_PATH,
        "org.freedesktop.Secret.Collection",
        "ItemCreated",
        g_variant_new ("(o)", item->path));
  return item;
}

/* ---- for tests ---- */

FakeKeyring *
fake_keyring_new (void)
{
  FakeKeyring *self = g_new0 (FakeKeyring, 1);

  self->node = g_dbus_node_info_new_for_xml (xml, NULL);
  self->items = g_ptr_array_new_with_free_func (item_free);
  self->calls = g_ptr_array_new_with_free_func (g_free);
  self->has_collection = TRUE;
  self->bus = g_dbus_connection_new_for_address_sync (
      g_getenv ("DBUS_SESSION_BUS_ADDRESS"),
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
          | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
      NULL,
      NULL,
      NULL);
  self->registrations[0] = stand_at (self, PATH, "org.freedesktop.Secret.Service");
  self->registrations[1] = stand_at (
      self, COLLECTION_PATH, "org.freedesktop.Secret.Collection");
  self->registrations[2] = stand_at (self, PROMPT_PATH, "org.freedesktop.Secret.Prompt");
  g_assert_true (test_bus_request_name (self->bus, NAME));
  return self;
}

void
fake_keyring_free (FakeKeyring *self)
{
  /* Calls that have arrived are dispatched no longer. */
  for (guint i = 0; i < G_N_ELEMENTS (self->registrations); i++)
    g_dbus_connection_unregister_object (self->bus, self->registrations[i]);
  if (!g_dbus_connection_is_closed (self->bus))
    g_dbus_connection_close_sync (self->bus, NULL, NULL);
  g_ptr_array_unref (self->items);
  g_ptr_array_unref (self->calls);
  g_queue_clear_full (&self->hanging, g_object_unref);
  g_object_unref (self->bus);
  g_dbus_node_info_unref (self->node);
  g_free (self);
}

void
fake_keyring_set_mood (FakeKeyring *self, const char *method, FakeKeyringMood mood)
{
  self->method = method;
  self->mood = mood;
}

void
fake_keyring_wake (FakeKeyring *self)
{
  GDBusMethodInvocation *invocation;

  self->mood = FAKE_KEYRING_ANSWERS;
  while ((invocation = g_queue_pop_head (&self->hanging)) != NULL)
    answer (self, invocation, NULL);
}

void
fake_keyring_set_locked (FakeKeyring *self, gboolean locked)
{
  GVariantBuilder changed;

  self->locked = locked;
  g_variant_builder_init (&changed, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&changed, "{sv}", "Locked", g_variant_new_boolean (locked));
  emit (
      self,
      COLLECTION_PATH,
      "org.freedesktop.DBus.Properties",
      "PropertiesChanged",
      g_variant_new ("(sa{sv}as)", "org.freedesktop.Secret.Collection", &changed, NULL));
}

void
fake_keyring_remove_collection (FakeKeyring *self)
{
  self->has_collection = FALSE;
}

void
fake_keyring_add (FakeKeyring *self, GVariant *attributes, const char *secret)
{
  g_autoptr (GBytes) bytes = g_bytes_new (secret, strlen (secret));

  add (self, attributes, bytes);
}

guint
fake_keyring_count_items (FakeKeyring *self)
{
  return self->items->len;
}

guint
fake_keyring_count_calls (FakeKeyring *self, const char *method)
{
  guint n = 0;

  for (guint i = 0; i < self->calls->len; i++)
    n += method == NULL || g_str_equal (g_ptr_array_index (self->calls, i), method);
  return n;
}
