/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "fake-launcher.h"

/* Each operation is a GTask that waits in a queue until it is completed; its tag is the
 * interface's function, its task data the name. */

typedef struct
{
  gboolean activatable;
  GError *error;     /* (owned) (nullable) */
  char *owner;       /* (owned) (nullable): now */
  char *owner_later; /* (owned) (nullable): after a start */
} Script;

struct _FakeLauncher
{
  GObject parent_instance;

  GHashTable *scripts; /* (element-type utf8 Script) (owned) */
  GPtrArray *starts;   /* (element-type utf8) (owned) */
  GQueue pending;      /* (element-type GTask) (owned) */
};

static void
launcher_iface_init (TrdLauncherInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (FakeLauncher,
                               fake_launcher,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (TRD_TYPE_LAUNCHER,
                                                      launcher_iface_init))

FakeLauncher *
fake_launcher_new (void)
{
  return g_object_new (FAKE_TYPE_LAUNCHER, NULL);
}

static void
free_script (gpointer data)
{
  Script *script = data;

  g_clear_error (&script->error);
  g_free (script->owner);
  g_free (script->owner_later);
  g_free (script);
}

static Script *
ensure_script (FakeLauncher *self, const char *name)
{
  Script *script = g_hash_table_lookup (self->scripts, name);

  if (script == NULL)
    {
      script = g_new0 (Script, 1);
      g_hash_table_insert (self->scripts, g_strdup (name), script);
    }
  return script;
}

void
fake_launcher_script_success (FakeLauncher *self, const char *name, const char *owner)
{
  Script *script = ensure_script (self, name);

  script->activatable = TRUE;
  g_clear_error (&script->error);
  g_free (script->owner_later);
  script->owner_later = g_strdup (owner);
}

void
fake_launcher_script_error (FakeLauncher *self, const char *name, const GError *error)
{
  Script *script = ensure_script (self, name);

  script->activatable = TRUE;
  g_clear_error (&script->error);
  script->error = g_error_copy (error);
}

void
fake_launcher_set_owner (FakeLauncher *self, const char *name, const char *owner)
{
  Script *script = ensure_script (self, name);

  g_free (script->owner);
  script->owner = g_strdup (owner);
}

static void
complete_start (GTask *task, Script *script)
{
  if (script->error != NULL)
    {
      g_task_return_error (task, g_error_copy (script->error));
      return;
    }
  if (!script->activatable && script->owner == NULL)
    {
      g_task_return_new_error (task,
                               G_DBUS_ERROR,
                               G_DBUS_ERROR_SERVICE_UNKNOWN,
                               "The name is not activatable");
      return;
    }
  if (script->owner == NULL)
    script->owner = g_strdup (script->owner_later);
  g_task_return_boolean (task, TRUE);
}

static void
complete_task (FakeLauncher *self, GTask *task)
{
  Script *script = ensure_script (self, g_task_get_task_data (task));
  gpointer tag = g_task_get_source_tag (task);

  if (tag == trd_launcher_start_async)
    complete_start (task, script);
  else if (tag == trd_launcher_find_owner_async)
    g_task_return_pointer (task, g_strdup (script->owner), g_free);
  else
    g_task_return_boolean (task, script->activatable || script->owner != NULL);
}

static void
complete_all (FakeLauncher *self)
{
  /* Not what the answers bring about. */
  for (guint n = self->pending.length; n > 0; n--)
    {
      g_autoptr (GTask) task = g_queue_pop_head (&self->pending);

      complete_task (self, task);
    }
}

static gboolean
on_idle (gpointer user_data)
{
  complete_all (user_data);
  return G_SOURCE_REMOVE;
}

static void
schedule (FakeLauncher *self)
{
  g_idle_add_full (G_PRIORITY_DEFAULT, on_idle, g_object_ref (self), g_object_unref);
}

guint
fake_launcher_count_starts (FakeLauncher *self, const char *name)
{
  guint n = 0;

  for (guint i = 0; i < self->starts->len; i++)
    if (name == NULL || g_str_equal (g_ptr_array_index (self->starts, i), name))
      n++;
  return n;
}

static void
enqueue (TrdLauncher *launcher, const char *name, gpointer tag, GTask *task_to_take)
{
  FakeLauncher *self = FAKE_LAUNCHER (launcher);

  g_task_set_source_tag (task_to_take, tag);
  g_task_set_task_data (task_to_take, g_strdup (name), g_free);
  g_queue_push_tail (&self->pending, task_to_take);
  schedule (self);
}

static void
start_async (TrdLauncher *launcher,
             const char *name,
             GCancellable *cancellable,
             GAsyncReadyCallback callback,
             gpointer user_data)
{
  g_ptr_array_add (FAKE_LAUNCHER (launcher)->starts, g_strdup (name));
  enqueue (launcher,
           name,
           trd_launcher_start_async,
           g_task_new (launcher, cancellable, callback, user_data));
}

static void
find_owner_async (TrdLauncher *launcher,
                  const char *name,
                  GCancellable *cancellable,
                  GAsyncReadyCallback callback,
                  gpointer user_data)
{
  enqueue (launcher,
           name,
           trd_launcher_find_owner_async,
           g_task_new (launcher, cancellable, callback, user_data));
}

static void
is_activatable_async (TrdLauncher *launcher,
                      const char *name,
                      GCancellable *cancellable,
                      GAsyncReadyCallback callback,
                      gpointer user_data)
{
  enqueue (launcher,
           name,
           trd_launcher_is_activatable_async,
           g_task_new (launcher, cancellable, callback, user_data));
}

static gboolean
finish_boolean (TrdLauncher *launcher, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static char *
finish_owner (TrdLauncher *launcher, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
launcher_iface_init (TrdLauncherInterface *iface)
{
  iface->start_async = start_async;
  iface->start_finish = finish_boolean;
  iface->find_owner_async = find_owner_async;
  iface->find_owner_finish = finish_owner;
  iface->is_activatable_async = is_activatable_async;
  iface->is_activatable_finish = finish_boolean;
}

static void
fake_launcher_finalize (GObject *object)
{
  FakeLauncher *self = FAKE_LAUNCHER (object);

  g_hash_table_unref (self->scripts);
  g_ptr_array_unref (self->starts);
  g_queue_clear_full (&self->pending, g_object_unref);
  G_OBJECT_CLASS (fake_launcher_parent_class)->finalize (object);
}

static void
fake_launcher_class_init (FakeLauncherClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = fake_launcher_finalize;
}

static void
fake_launcher_init (FakeLauncher *self)
{
  self->scripts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_script);
  self->starts = g_ptr_array_new_with_free_func (g_free);
  g_queue_init (&self->pending);
}
