/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A task: what the app may tell it, and its file.  Moving a file may take long, so it
 * ends in a callback, which finds the task again by its id: the app may have completed
 * its events meanwhile, and the task be gone. */

#include "config.h"

#include "face/face.h"

#include "common/enums.h"
#include "common/names.h"
#include "common/vocabulary.h"
#include "face/credentials-face.h"
#include "face/task-view.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void
handle_resume (gpointer object, TrdCall *call)
{
  GError *error = NULL;
  gboolean done = trd_registry_resume (
      trd_gate_get_registry (call->gate), object, &error);

  trd_call_return_done (call, done, error);
}

static void
handle_suspend (gpointer object, TrdCall *call)
{
  GError *error = NULL;
  gboolean done = trd_registry_suspend (
      trd_gate_get_registry (call->gate), object, &error);

  trd_call_return_done (call, done, error);
}

static void
handle_cancel (gpointer object, TrdCall *call)
{
  GError *error = NULL;
  gboolean done = trd_registry_cancel (
      trd_gate_get_registry (call->gate), object, "client", &error);

  trd_call_return_done (call, done, error);
}

static void
handle_retry (gpointer object, TrdCall *call)
{
  GError *error = NULL;
  gboolean done = trd_registry_try_again (
      trd_gate_get_registry (call->gate), object, &error);

  trd_call_return_done (call, done, error);
}

static void
handle_cancel_by_producing_resume_data (gpointer object, TrdCall *call)
{
  g_autoptr (GBytes) data = NULL;
  GError *error = NULL;

  if (!trd_registry_cancel_keeping (
          trd_gate_get_registry (call->gate), object, &data, &error))
    {
      trd_call_return_error (call, error);
      return;
    }

  if (data == NULL)
    data = g_bytes_new_static ("", 0);
  trd_call_return (
      call,
      g_variant_new ("(@ay)",
                     g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, data, TRUE)));
}

static TrdSession *
get_session (gpointer object)
{
  return ((TrdTask *)object)->session;
}

/* Of argument number @index. */
static GPtrArray *
find_secrets_of_update (gpointer object, TrdCall *call, guint index)
{
  g_autoptr (GVariant) given = g_variant_get_child_value (call->parameters, index);
  g_autoptr (GVariant) changes = trundle_vocabulary_check (
      given, TRUNDLE_SCOPE_REQUEST, NULL);
  GVariant *secrets = NULL;
  GPtrArray *values;

  /* What is wrong is told by the handler. */
  if (changes != NULL)
    secrets = trd_registry_plan_update (
        trd_gate_get_registry (call->gate), object, changes);
  if (secrets == NULL)
    return NULL;

  values = g_ptr_array_new_with_free_func ((GDestroyNotify)g_variant_unref);
  g_ptr_array_add (values, secrets);
  return values;
}

static GPtrArray *
find_secrets_of_request (gpointer object, TrdCall *call)
{
  return find_secrets_of_update (object, call, 0);
}

static GPtrArray *
find_secrets_of_answer (gpointer object, TrdCall *call)
{
  return find_secrets_of_update (object, call, 1);
}

static void
handle_update_request (gpointer object, TrdCall *call)
{
  g_autoptr (GVariant) given = g_variant_get_child_value (call->parameters, 0);
  g_autoptr (GVariant) changes = NULL;
  GError *error = NULL;
  gboolean done = FALSE;

  changes = trundle_vocabulary_check (given, TRUNDLE_SCOPE_REQUEST, &error);
  if (changes != NULL)
    done = trd_registry_update_request (
        trd_gate_get_registry (call->gate), object, changes, &error);

  trd_call_return_done (call, done, error);
}

static void
handle_respond_to_delayed_request (gpointer object, TrdCall *call)
{
  g_autoptr (GVariant) given = g_variant_get_child_value (call->parameters, 1);
  g_autoptr (GVariant) request = NULL;
  GError *error = NULL;
  const char *disposition;
  gboolean done = FALSE;

  g_variant_get_child (call->parameters, 0, "&s", &disposition);
  request = trundle_vocabulary_check (given, TRUNDLE_SCOPE_REQUEST, &error);
  if (request != NULL)
    done = trd_registry_answer_delayed (
        trd_gate_get_registry (call->gate), object, disposition, request, &error);

  trd_call_return_done (call, done, error);
}

/* ---- the file ---- */

/* The row of a finished task; NULL after @error was set. */
static TrdTaskRow *
load_finished (TrdCall *call, TrdTask *task, GError **error)
{
  TrdRegistry *registry = trd_gate_get_registry (call->gate);

  if (!trd_task_is_finished (task))
    {
      g_set_error (error,
                   TRUNDLE_ERROR,
                   TRUNDLE_ERROR_BAD_STATE,
                   "The task is %s; it has no file before it is finished",
                   trundle_task_state_to_word (task->state));
      return NULL;
    }

  /* What is there may be the beginning of a file, which another task goes on with. */
  if (trd_registry_is_kept (registry, task))
    {
      g_set_error_literal (error,
                           TRUNDLE_ERROR,
                           TRUNDLE_ERROR_FILE_NOT_FOUND,
                           "The task has ended before its file was whole");
      return NULL;
    }

  return trd_registry_load_task (registry, task, error);
}

static void
handle_open_file (gpointer object, TrdCall *call)
{
  GError *error = NULL;
  g_autoptr (TrdTaskRow) row = load_finished (call, object, &error);
  int fd = -1;

  if (row != NULL && row->final_path != NULL && !g_path_is_absolute (row->final_path))
    g_set_error (&error,
                 TRUNDLE_ERROR,
                 TRUNDLE_ERROR_FILE_NOT_FOUND,
                 "The app has taken the file to a folder of its own");
  else if (row != NULL)
    fd = trd_spool_open_result (
        trd_gate_get_env (call->gate)->spool, row->place, row->final_path, &error);

  /* The names in the spool are no words for callers. */
  if (row != NULL && row->final_path == NULL
      && g_error_matches (error, TRUNDLE_ERROR, TRUNDLE_ERROR_FILE_NOT_FOUND))
    {
      g_clear_error (&error);
      g_set_error_literal (
          &error, TRUNDLE_ERROR, TRUNDLE_ERROR_FILE_NOT_FOUND, "The task has no file");
    }

  if (fd >= 0)
    trd_call_return_fd (call, fd);
  else
    trd_call_return_error (call, error);
}

typedef struct
{
  TrdCall *call; /* (owned) until it is answered */
  gint64 task_id;
  char *directory; /* (owned) (nullable): its path, when that means anything to us */
} Moving;

static void
moving_free (Moving *self)
{
  g_free (self->directory);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Moving, moving_free)

/* The path of a directory, for the record.  Of one that came out of a sandbox the kernel
 * shows a path that may be something else out here, so it is not even looked at. */
static char *
path_of_directory (int fd)
{
  g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", fd);
  g_autofree char *path = g_file_read_link (link, NULL);
  struct stat by_fd;
  struct stat by_path;

  if (path == NULL || !g_path_is_absolute (path) || !g_utf8_validate (path, -1, NULL)
      || fstat (fd, &by_fd) != 0 || stat (path, &by_path) != 0
      || by_fd.st_dev != by_path.st_dev || by_fd.st_ino != by_path.st_ino)
    return NULL;

  return g_steal_pointer (&path);
}

static void
on_moved (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Moving) self = user_data;
  TrdRegistry *registry = trd_gate_get_registry (self->call->gate);
  TrdTask *task = trd_registry_find_task (registry, self->task_id);
  GError *error = NULL;
  g_autofree char *name = trd_spool_move_finish (TRD_SPOOL (source), result, &error);
  g_autofree char *path = NULL;

  trd_gate_end_move (self->call->gate, self->task_id);
  if (name == NULL)
    {
      trd_call_return_error (self->call, error);
      return;
    }

  /* A name alone says: not in the spool any more, and not where we could look. */
  path = self->directory != NULL ? g_build_filename (self->directory, name, NULL)
                                 : g_strdup (name);
  if (task != NULL && !trd_registry_file_moved (registry, task, path, &error))
    {
      g_warning ("A file was moved, and this cannot be noted: %s", error->message);
      g_clear_error (&error);
    }

  trd_call_return (self->call, g_variant_new ("(s)", name));
}

static gboolean
check_movable (const TrdTaskRow *row, GError **error)
{
  if (row->final_path == NULL && !row->file_moved)
    return TRUE;

  g_set_error (error,
               TRUNDLE_ERROR,
               TRUNDLE_ERROR_BAD_STATE,
               "The file is not kept by the service any more");
  return FALSE;
}

static int
duplicate_fd (int fd, GError **error)
{
  int copy = fcntl (fd, F_DUPFD_CLOEXEC, 3);

  if (copy < 0)
    g_set_error (error,
                 G_IO_ERROR,
                 (int)g_io_error_from_errno (errno),
                 "Duplicating a descriptor: %s",
                 g_strerror (errno));
  return copy;
}

/* Begins the move; FALSE with @error set when it cannot even begin. */
static gboolean
begin_move (TrdCall *call,
            TrdTask *task,
            const TrdTaskRow *row,
            GVariant *options,
            GError **error)
{
  g_autofree char *word = trundle_options_get_string (options, NULL, "if-exists");
  TrundleIfExists if_exists = TRUNDLE_IF_EXISTS_FAIL;
  const char *name;
  Moving *self;
  int handle;
  int fd;

  g_variant_get (call->parameters, "(h&s@a{sv})", &handle, &name, NULL);
  trundle_if_exists_from_word (word, &if_exists);
  fd = trd_call_peek_fd (call, handle, "directory", error);
  if (fd < 0)
    return FALSE;
  fd = duplicate_fd (fd, error);
  if (fd < 0)
    return FALSE;
  if (!trd_gate_begin_move (call->gate, task->id))
    {
      close (fd);
      g_set_error (
          error, TRUNDLE_ERROR, TRUNDLE_ERROR_BAD_STATE, "The file is being moved");
      return FALSE;
    }

  self = g_new0 (Moving, 1);
  self->call = call;
  self->task_id = task->id;
  if (trd_owner_is_host (call->peer->owner))
    self->directory = path_of_directory (fd);
  trd_spool_move_async (trd_gate_get_env (call->gate)->spool,
                        row->place,
                        fd,
                        name,
                        if_exists,
                        on_moved,
                        self);
  return TRUE;
}

static void
handle_move_file (gpointer object, TrdCall *call)
{
  g_autoptr (GVariant) given = g_variant_get_child_value (call->parameters, 2);
  g_autoptr (GVariant) options = NULL;
  g_autoptr (TrdTaskRow) row = NULL;
  GError *error = NULL;

  options = trundle_vocabulary_check (given, TRUNDLE_SCOPE_MOVE, &error);
  if (options != NULL)
    row = load_finished (call, object, &error);
  if (row == NULL || !check_movable (row, &error)
      || !begin_move (call, object, row, options, &error))
    trd_call_return_error (call, error);
}

/* ---- the face ---- */

static gpointer
find (TrdGate *gate, gint64 id, const TrdOwner *caller)
{
  TrdTask *task = trd_registry_find_task (trd_gate_get_registry (gate), id);

  if (task == NULL || !trd_owner_may_address (caller, task->session->row->owner))
    return NULL;

  return task;
}

static gpointer
load (TrdGate *gate, gpointer object, GError **error)
{
  TrdRegistry *registry = trd_gate_get_registry (gate);
  TrdTaskRow *row = trd_registry_load_task (registry, object, error);
  TrdTaskView *view;

  if (row == NULL)
    return NULL;

  view = g_new0 (TrdTaskView, 1);
  view->registry = registry;
  view->task = object;
  view->row = row;
  view->loaded = row;

  return view;
}

static void
unload (gpointer view)
{
  TrdTaskView *self = view;

  g_clear_pointer (&self->loaded, trd_task_row_free);
  g_free (self);
}

static const TrdMethod methods[] = {
  { "Resume", handle_resume, .needs_network = TRUE },
  { "Suspend", handle_suspend },
  { "Cancel", handle_cancel },
  { "CancelByProducingResumeData", handle_cancel_by_producing_resume_data },
  { "Retry", handle_retry, .needs_network = TRUE },
  { "UpdateRequest",
    handle_update_request,
    .needs_network = TRUE,
    .scopes = TRUNDLE_SCOPE_REQUEST,
    .options = 0,
    .find_secrets = find_secrets_of_request,
    .get_session = get_session },
  { "RespondToDelayedRequest",
    handle_respond_to_delayed_request,
    .needs_network = TRUE,
    .scopes = TRUNDLE_SCOPE_REQUEST,
    .options = 1,
    .find_secrets = find_secrets_of_answer,
    .get_session = get_session },
  { "RespondToChallenge", trd_handle_respond_to_challenge, .needs_network = TRUE },
  { "OpenFile", handle_open_file },
  { "MoveFile", handle_move_file },
};

const TrdFace trd_task_face = {
  .interface = TRUNDLE_INTERFACE_TASK,
  .methods = methods,
  .n_methods = G_N_ELEMENTS (methods),
  .properties = trd_task_view_properties,
  .n_properties = TRD_TASK_VIEW_N_PROPERTIES,
  .find = find,
  .load = load,
  .unload = unload,
};
