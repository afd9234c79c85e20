/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "port/keyring-watch.h"

/* Watching the Secret Service without ever making it ask for a password: only properties
 * and attributes are read, which it answers while locked as well.
 *
 * A look has no time limit of its own, and there is one at a time: whoever waits for it
 * may give up, and its late answer is how one hears that a hung service is back. */

#define PROPERTIES "org.freedesktop.DBus.Properties"

/* A burst of changes is looked at once. */
#define SETTLE_MS 200

/* A service that answers looks but nothing else is left alone for so long. */
#define REST_MS (60 * 1000)

/* Values of TrdVaultKind. */
#define N_KINDS 2

struct _TrdKeyringWatch
{
  GObject parent_instance;

  GDBusConnection *bus; /* (owned) */
  GCancellable *calls;  /* (owned): those of looks */
  guint name_watch;     /* 0 before the first look */
  guint subscriptions[3];
  char *owner; /* (owned) (nullable) */
  TrdVaultState state;
  char *collection; /* (owned) (nullable) */
  gboolean hung;
  gboolean looking;
  gboolean look_again; /* something changed while looking */
  TrdWaiting waiting;
  GHashTable *touched; /* (owned) (element-type utf8): items that came or changed */
  GHashTable *sought;  /* (owned) (element-type utf8): those being asked about */
  GHashTable *written; /* (owned) (element-type utf8): by us */
  guint n_writes;      /* under way */
  guint n_searches;    /* likewise, for what was touched */
  guint settle_source;
  guint rest_source;
  guint announce_source;
};

enum
{
  CHANGED,
  OWNER_CHANGED,
  N_SIGNALS
};
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (TrdKeyringWatch, trd_keyring_watch, G_TYPE_OBJECT)

static void
look (TrdKeyringWatch *self);

static GHashTable *
new_path_set (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

/* ---- telling ---- */

static gboolean
announce_now (gpointer data)
{
  TrdKeyringWatch *self = data;

  self->announce_source = 0;
  g_signal_emit (self, signals[CHANGED], 0);
  return G_SOURCE_REMOVE;
}

static void
announce (TrdKeyringWatch *self)
{
  if (self->announce_source == 0)
    self->announce_source = g_idle_add (announce_now, self);
}

static void
set_state (TrdKeyringWatch *self, TrdVaultState state)
{
  TrdVaultState old = self->state;

  self->state = state;
  if (state == TRD_VAULT_OPEN && (old == TRD_VAULT_LOCKED || old == TRD_VAULT_ABSENT))
    announce (self);
}

/* ---- items that came or changed ---- */

static gboolean
holds_any (GHashTable *wanted, GVariant *paths)
{
  g_autofree const char **names = g_variant_get_objv (paths, NULL);

  for (gsize i = 0; names[i] != NULL; i++)
    if (g_hash_table_contains (wanted, names[i]))
      return TRUE;
  return FALSE;
}

static void
on_ours_found (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TrdKeyringWatch) self = user_data;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (
      G_DBUS_CONNECTION (source), result, NULL);

  self->n_searches--;
  for (gsize i = 0; reply != NULL && i < g_variant_n_children (reply); i++)
    {
      g_autoptr (GVariant) paths = g_variant_get_child_value (reply, i);

      if (holds_any (self->sought, paths))
        announce (self);
    }
}

static void
search_kind (TrdKeyringWatch *self, TrdVaultKind kind)
{
  GVariantBuilder attributes;

  g_variant_builder_init (&attributes, G_VARIANT_TYPE ("a{ss}"));
  g_variant_builder_add (
      &attributes, "{ss}", "xdg:schema", trd_vault_kind_get_schema (kind));
  self->n_searches++;
  g_dbus_connection_call (self->bus,
                          TRD_KEYRING_BUS_NAME,
                          TRD_KEYRING_PATH,
                          TRD_KEYRING_SERVICE,
                          "SearchItems",
                          g_variant_new ("(a{ss})", &attributes),
                          G_VARIANT_TYPE ("(aoao)"),
                          G_DBUS_CALL_FLAGS_NO_AUTO_START,
                          -1,
                          self->calls,
                          on_ours_found,
                          g_object_ref (self));
}

/* Whether one of ours is among the touched is asked by schema: a call for each, however
 * many were touched. */
static void
search_touched (TrdKeyringWatch *self)
{
  GHashTableIter iter;
  gpointer path;

  g_hash_table_iter_init (&iter, self->written);
  while (g_hash_table_iter_next (&iter, &path, NULL))
    g_hash_table_remove (self->touched, path);
  g_hash_table_remove_all (self->written);
  if (g_hash_table_size (self->touched) == 0)
    return;

  g_hash_table_unref (self->sought);
  self->sought = g_steal_pointer (&self->touched);
  self->touched = new_path_set ();
  for (TrdVaultKind kind = 0; kind < N_KINDS; kind++)
    search_kind (self, kind);
}

/* ---- something changes ---- */

/* Signals of what we write may come before and after its reply: both are awaited. */
static gboolean
on_settled (gpointer data)
{
  TrdKeyringWatch *self = data;

  if (self->n_writes > 0 || self->n_searches > 0)
    return G_SOURCE_CONTINUE;

  self->settle_source = 0;
  if (self->owner == NULL)
    return G_SOURCE_REMOVE;
  look (self);
  search_touched (self);
  return G_SOURCE_REMOVE;
}

static void
settle (TrdKeyringWatch *self)
{
  if (self->settle_source == 0)
    self->settle_source = g_timeout_add (SETTLE_MS, on_settled, self);
}

static void
on_signal (GDBusConnection *bus,
           const char *sender,
           const char *path,
           const char *interface,
           const char *name,
           GVariant *parameters,
           gpointer user_data)
{
  TrdKeyringWatch *self = user_data;

  if (g_str_equal (interface, TRD_KEYRING_COLLECTION))
    {
      const char *item;

      if (!g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(o)"))
          || g_str_equal (name, "ItemDeleted"))
        return;
      g_variant_get (parameters, "(&o)", &item);
      g_hash_table_add (self->touched, g_strdup (item));
    }
  settle (self);
}

static void
forget_owner (TrdKeyringWatch *self)
{
  g_clear_pointer (&self->owner, g_free);
  g_clear_pointer (&self->collection, g_free);
  g_clear_handle_id (&self->rest_source, g_source_remove);
  g_hash_table_remove_all (self->touched);
  self->hung = FALSE;
  set_state (self, TRD_VAULT_ABSENT);
  g_signal_emit (self, signals[OWNER_CHANGED], 0);
}

static void
on_vanished (GDBusConnection *bus, const char *name, gpointer user_data)
{
  TrdKeyringWatch *self = user_data;

  /* Also called at first, when there is none. */
  if (self->owner != NULL)
    forget_owner (self);
}

static void
on_appeared (GDBusConnection *bus,
             const char *name,
             const char *owner,
             gpointer user_data)
{
  TrdKeyringWatch *self = user_data;
  gboolean is_new = g_strcmp0 (self->owner, owner) != 0;

  if (self->owner != NULL && is_new)
    forget_owner (self);
  g_free (self->owner);
  self->owner = g_strdup (owner);
  /* A look under way is answered by it. */
  if (is_new && !self->looking)
    settle (self);
}

static void
subscribe (TrdKeyringWatch *self)
{
  static const struct
  {
    const char *interface;
    const char *name;
    const char *first;
  } wanted[] = { { PROPERTIES, "PropertiesChanged", TRD_KEYRING_COLLECTION },
                 { TRD_KEYRING_SERVICE, NULL, NULL },
                 { TRD_KEYRING_COLLECTION, NULL, NULL } };

  G_STATIC_ASSERT (G_N_ELEMENTS (wanted) == G_N_ELEMENTS (self->subscriptions));
  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++)
    self->subscriptions[i] = g_dbus_connection_signal_subscribe (self->bus,
                                                                 TRD_KEYRING_BUS_NAME,
                                                                 wanted[i].interface,
                                                                 wanted[i].name,
                                                                 NULL,
                                                                 wanted[i].first,
                                                                 G_DBUS_SIGNAL_FLAGS_NONE,
                                                                 on_signal,
                                                                 self,
                                                                 NULL);
}

static void
start_watching (TrdKeyringWatch *self)
{
  if (self->name_watch != 0)
    return;

  subscribe (self);
  self->name_watch = g_bus_watch_name_on_connection (self->bus,
                                                     TRD_KEYRING_BUS_NAME,
                                                     G_BUS_NAME_WATCHER_FLAGS_NONE,
                                                     on_appeared,
                                                     on_vanished,
                                                     self,
                                                     NULL);
}

/* ---- looking ---- */

static void
end_look (TrdKeyringWatch *self, TrdVaultState state, const GError *error)
{
  self->looking = FALSE;
  if (g_cancellable_is_cancelled (self->calls))
    return;
  if (error != NULL)
    g_debug ("The keyring: %s", error->message);
  if (self->look_again)
    {
      look (self);
      return;
    }
  g_clear_handle_id (&self->rest_source, g_source_remove);

  self->hung = FALSE;
  set_state (self, state);
  trd_waiting_answer (&self->waiting, error);
}

static void
on_locked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TrdKeyringWatch) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (
      G_DBUS_CONNECTION (source), result, &error);
  gboolean is_open;

  if (reply == NULL)
    {
      end_look (self, TRD_VAULT_ABSENT, error);
      return;
    }
  g_variant_get (reply, "(v)", &value);
  is_open = g_variant_is_of_type (value, G_VARIANT_TYPE_BOOLEAN)
            && !g_variant_get_boolean (value);
  end_look (self, is_open ? TRD_VAULT_OPEN : TRD_VAULT_LOCKED, NULL);
}

/* Without a default collection nothing can be kept: to make one would ask for a
 * password.  What is in others can be read all the same. */
static void
on_alias (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TrdKeyringWatch) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (
      G_DBUS_CONNECTION (source), result, &error);

  g_clear_pointer (&self->collection, g_free);
  if (reply == NULL)
    {
      end_look (self, TRD_VAULT_ABSENT, error);
      return;
    }
  g_variant_get (reply, "(o)", &self->collection);
  if (g_str_equal (self->collection, "/"))
    {
      g_clear_pointer (&self->collection, g_free);
      end_look (self, TRD_VAULT_ABSENT, NULL);
      return;
    }
  g_dbus_connection_call (self->bus,
                          TRD_KEYRING_BUS_NAME,
                          self->collection,
                          PROPERTIES,
                          "Get",
                          g_variant_new ("(ss)", TRD_KEYRING_COLLECTION, "Locked"),
                          G_VARIANT_TYPE ("(v)"),
                          G_DBUS_CALL_FLAGS_NONE,
                          G_MAXINT,
                          self->calls,
                          on_locked,
                          g_object_ref (self));
}

static void
look (TrdKeyringWatch *self)
{
  self->look_again = self->looking;
  if (self->looking)
    return;

  self->looking = TRUE;
  g_dbus_connection_call (self->bus,
                          TRD_KEYRING_BUS_NAME,
                          TRD_KEYRING_PATH,
                          TRD_KEYRING_SERVICE,
                          "ReadAlias",
                          g_variant_new ("(s)", "default"),
                          G_VARIANT_TYPE ("(o)"),
                          G_DBUS_CALL_FLAGS_NONE,
                          G_MAXINT,
                          self->calls,
                          on_alias,
                          g_object_ref (self));
}

static gboolean
on_rested (gpointer data)
{
  TrdKeyringWatch *self = data;

  self->rest_source = 0;
  look (self);
  return G_SOURCE_REMOVE;
}

void
trd_keyring_watch_look (TrdKeyringWatch *self,
                        TrdWaitingCallback callback,
                        gpointer user_data)
{
  g_return_if_fail (TRD_IS_KEYRING_WATCH (self));
  g_return_if_fail (callback != NULL);

  if (self->hung)
    {
      g_autoptr (GError) error = g_error_new (
          G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "The keyring does not answer");

      callback (user_data, error);
      return;
    }

  start_watching (self);
  trd_waiting_add (&self->waiting, callback, user_data);
  if (!self->looking)
    look (self);
}

gboolean
trd_keyring_watch_forget (TrdKeyringWatch *self, gpointer user_data)
{
  g_return_val_if_fail (TRD_IS_KEYRING_WATCH (self), FALSE);

  return trd_waiting_forget (&self->waiting, user_data);
}

void
trd_keyring_watch_give_up (TrdKeyringWatch *self)
{
  g_return_if_fail (TRD_IS_KEYRING_WATCH (self));

  if (!self->hung)
    g_message ("The keyring does not answer");
  self->hung = TRUE;
  set_state (self, TRD_VAULT_ABSENT);
  if (!self->looking && self->rest_source == 0)
    self->rest_source = g_timeout_add (REST_MS, on_rested, self);
}

void
trd_keyring_watch_lost (TrdKeyringWatch *self)
{
  g_return_if_fail (TRD_IS_KEYRING_WATCH (self));

  set_state (self, TRD_VAULT_ABSENT);
}

void
trd_keyring_watch_begin_write (TrdKeyringWatch *self)
{
  g_return_if_fail (TRD_IS_KEYRING_WATCH (self));

  self->n_writes++;
}

void
trd_keyring_watch_end_write (TrdKeyringWatch *self, const char *path)
{
  g_return_if_fail (TRD_IS_KEYRING_WATCH (self));
  g_return_if_fail (self->n_writes > 0);

  self->n_writes--;
  if (path == NULL)
    return;
  g_hash_table_add (self->written, g_strdup (path));
  settle (self);
}

TrdVaultState
trd_keyring_watch_get_state (TrdKeyringWatch *self)
{
  g_return_val_if_fail (TRD_IS_KEYRING_WATCH (self), TRD_VAULT_ABSENT);

  return self->state;
}

const char *
trd_keyring_watch_get_collection (TrdKeyringWatch *self)
{
  g_return_val_if_fail (TRD_IS_KEYRING_WATCH (self), NULL);

  return self->collection;
}

void
trd_keyring_watch_close (TrdKeyringWatch *self)
{
  g_return_if_fail (TRD_IS_KEYRING_WATCH (self));

  g_cancellable_cancel (self->calls);
  g_clear_handle_id (&self->settle_source, g_source_remove);
  g_clear_handle_id (&self->rest_source, g_source_remove);
  g_clear_handle_id (&self->announce_source, g_source_remove);
  if (self->name_watch == 0)
    return;
  g_clear_handle_id (&self->name_watch, g_bus_unwatch_name);
  for (guint i = 0; i < G_N_ELEMENTS (self->subscriptions); i++)
    g_dbus_connection_signal_unsubscribe (self->bus, self->subscriptions[i]);
}

/* ---- class ---- */

TrdKeyringWatch *
trd_keyring_watch_new (GDBusConnection *bus)
{
  TrdKeyringWatch *self = g_object_new (TRD_TYPE_KEYRING_WATCH, NULL);

  self->bus = g_object_ref (bus);
  return self;
}

static void
trd_keyring_watch_finalize (GObject *object)
{
  TrdKeyringWatch *self = TRD_KEYRING_WATCH (object);

  g_clear_object (&self->bus);
  g_clear_object (&self->calls);
  g_clear_pointer (&self->owner, g_free);
  g_clear_pointer (&self->collection, g_free);
  trd_waiting_clear (&self->waiting);
  g_clear_pointer (&self->touched, g_hash_table_unref);
  g_clear_pointer (&self->sought, g_hash_table_unref);
  g_clear_pointer (&self->written, g_hash_table_unref);

  G_OBJECT_CLASS (trd_keyring_watch_parent_class)->finalize (object);
}

static void
trd_keyring_watch_class_init (TrdKeyringWatchClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = trd_keyring_watch_finalize;

  signals[CHANGED] = g_signal_new ("changed",
                                   TRD_TYPE_KEYRING_WATCH,
                                   G_SIGNAL_RUN_LAST,
                                   0,
                                   NULL,
                                   NULL,
                                   NULL,
                                   G_TYPE_NONE,
                                   0);
  signals[OWNER_CHANGED] = g_signal_new ("owner-changed",
                                         TRD_TYPE_KEYRING_WATCH,
                                         G_SIGNAL_RUN_LAST,
                                         0,
                                         NULL,
                                         NULL,
                                         NULL,
                                         G_TYPE_NONE,
                                         0);
}

static void
trd_keyring_watch_init (TrdKeyringWatch *self)
{
  self->calls = g_cancellable_new ();
  self->touched = new_path_set ();
  self->sought = new_path_set ();
  self->written = new_path_set ();
}
