/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Values read from descriptors of a caller, who may do with the other end what it likes:
 * nothing here waits but for a pollable descriptor or in a thread, and not for ever. The
 * flags of a description are the caller's too, so that O_NONBLOCK is not set on it: a
 * pipe is opened anew, a socket is asked with MSG_DONTWAIT. */

#include "config.h"

#include "face/secret-fd.h"

#include "common/defaults.h"
#include "common/vocabulary.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX "-fd"

#define UNREADABLE "it cannot be read"
#define TOO_MUCH "there is too much to read"

/* ---- what the bytes mean ---- */

static gboolean
fail_key (GError **error, const char *key, const char *why)
{
  g_set_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT, "%s: %s", key, why);
  return FALSE;
}

/* Without the newline at the end that editors and echo make.  (transfer full) */
static char *
text_of (const char *key, GBytes *bytes, GError **error)
{
  gsize length;
  const char *data = g_bytes_get_data (bytes, &length);

  if (length > 0 && data[length - 1] == '\n')
    length--;
  if (length > 0 && data[length - 1] == '\r' && length < g_bytes_get_size (bytes))
    length--;
  if (length > 0 && !g_utf8_validate (data, (gssize)length, NULL))
    {
      fail_key (error, key, "what was read is not text in UTF-8");
      return NULL;
    }

  return g_strndup (data != NULL ? data : "", length);
}

static GVariant *
read_text (const char *key, GBytes *bytes, GError **error)
{
  char *text = text_of (key, bytes, error);

  return text != NULL ? g_variant_new_take_string (text) : NULL;
}

static GVariant *
read_bytes (const char *key, GBytes *bytes, GError **error)
{
  return g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE);
}

/* Lines "Name: value", in which the spaces around the value mean nothing (RFC 9112 §5).
 */
static GVariant *
read_headers (const char *key, GBytes *bytes, GError **error)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(ss)"));
  g_autofree char *text = text_of (key, bytes, error);
  g_auto (GStrv) lines = NULL;

  if (text == NULL)
    return NULL;

  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      gsize length = strlen (lines[i]);
      char *colon;

      if (length > 0 && lines[i][length - 1] == '\r')
        lines[i][length - 1] = '\0';
      if (*lines[i] == '\0')
        continue;
      colon = strchr (lines[i], ':');
      if (colon == NULL)
        {
          fail_key (error, key, "a line is not “Name: value”");
          return NULL;
        }
      *colon = '\0';
      g_variant_builder_add (&builder, "(ss)", lines[i], g_strstrip (&colon[1]));
    }

  return g_variant_builder_end (&builder);
}

static const struct
{
  const char *key;
  GVariant *(*read) (const char *key, GBytes *bytes, GError **error); /* floating */
} words[] = {
  { "headers" SUFFIX, read_headers },   { "proxy" SUFFIX, read_text },
  { "password" SUFFIX, read_text },     { "token" SUFFIX, read_text },
  { "certificate" SUFFIX, read_bytes }, { "pkcs12" SUFFIX, read_bytes },
  { "value" SUFFIX, read_text },
};

static int
find_word (const char *key)
{
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    if (strcmp (words[i].key, key) == 0)
      return (int)i;

  return -1;
}

/* ---- one descriptor ---- */

typedef struct
{
  GTask *task;     /* (unowned): of all, which owns us */
  const char *key; /* (unowned): the first that names it */
  int handle;
  int fd; /* (owned): -1 once read */
  gboolean is_file;
  gboolean is_socket; /* neither: a pipe */
  guint source;       /* 0: not polled */
  GByteArray *bytes;  /* (owned): as far as it was read */
  GBytes *content;    /* (owned) (nullable): when all was */
} Source;

typedef struct
{
  GVariant *value; /* (owned): checked */
  guint scopes;
  GPtrArray *sources; /* (owned) (element-type Source) */
  guint n_pending;
  gboolean over; /* the result is told */
  TrdGate *gate; /* (owned): its clock */
  guint alarm;   /* 0 for none */
} Reading;

static void
source_free (Source *self)
{
  g_clear_handle_id (&self->source, g_source_remove);
  if (self->fd >= 0)
    close (self->fd);
  g_byte_array_unref (self->bytes);
  g_clear_pointer (&self->content, g_bytes_unref);
  g_free (self);
}

static void
reading_free (Reading *self)
{
  g_clear_pointer (&self->value, g_variant_unref);
  g_ptr_array_unref (self->sources);
  g_object_unref (self->gate);
  g_free (self);
}

/* No more is read, whatever happens. */
static void
stop (Reading *self)
{
  self->over = TRUE;
  if (self->alarm != 0)
    trd_clock_remove_alarm (trd_gate_get_env (self->gate)->clock, self->alarm);
  self->alarm = 0;
  for (guint i = 0; i < self->sources->len; i++)
    {
      Source *source = g_ptr_array_index (self->sources, i);

      g_clear_handle_id (&source->source, g_source_remove);
    }
}

/* Consumes @error and, like all that ends a task, the reference that kept it alive. */
static void
fail (GTask *task, GError *error)
{
  stop (g_task_get_task_data (task));
  g_task_return_error (task, error);
  g_object_unref (task);
}

static void
fail_source (Source *source, const char *why)
{
  GError *error = NULL;

  fail_key (&error, source->key, why);
  fail (source->task, error);
}

/* ---- the end ---- */

static Source *
find_source (Reading *self, int handle)
{
  for (guint i = 0; i < self->sources->len; i++)
    {
      Source *source = g_ptr_array_index (self->sources, i);

      if (source->handle == handle)
        return source;
    }

  return NULL;
}

/* (transfer full) */
static GVariant *
fill_dict (Reading *self, GVariant *dict, GError **error)
{
  g_auto (GVariantDict) filled = G_VARIANT_DICT_INIT (dict);
  g_autoptr (GVariant) end = NULL;
  GVariantIter iter;
  const char *key;
  GVariant *handle;

  g_variant_iter_init (&iter, dict);
  while (g_variant_iter_next (&iter, "{&sv}", &key, &handle))
    {
      g_autoptr (GVariant) owned = handle;
      g_autoptr (GVariant) value = NULL;
      g_autofree char *name = NULL;
      int word = find_word (key);
      Source *source;

      if (word < 0)
        continue;
      source = find_source (self, g_variant_get_handle (owned));
      g_assert (source != NULL && source->content != NULL);
      value = words[word].read (key, source->content, error);
      if (value == NULL)
        return NULL;
      g_variant_ref_sink (value);
      name = g_strndup (key, strlen (key) - strlen (SUFFIX));
      g_variant_dict_remove (&filled, key);
      g_variant_dict_insert_value (&filled, name, value);
    }

  end = g_variant_ref_sink (g_variant_dict_end (&filled));
  return trundle_vocabulary_check (end, self->scopes, error);
}

typedef GVariant *(*DictFunc) (Reading *self, GVariant *dict, GError **error);

/* @func of the dictionary, or of each.  (transfer full) */
static GVariant *
map_dicts (Reading *self, GVariant *value, DictFunc func, GError **error)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_VARDICT))
    return func (self, value, error);

  for (gsize i = 0; i < g_variant_n_children (value); i++)
    {
      g_autoptr (GVariant) dict = g_variant_get_child_value (value, i);
      g_autoptr (GVariant) mapped = func (self, dict, error);

      if (mapped == NULL)
        {
          g_prefix_error (error, "Task %" G_GSIZE_FORMAT ": ", i);
          return NULL;
        }
      g_variant_builder_add_value (&builder, mapped);
    }

  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

static void
finish_source (Source *source)
{
  GTask *task = source->task;
  Reading *self = g_task_get_task_data (task);
  GError *error = NULL;
  GVariant *filled;

  source->content = g_bytes_new (source->bytes->data, source->bytes->len);
  if (--self->n_pending > 0)
    return;

  filled = map_dicts (self, self->value, fill_dict, &error);
  if (filled == NULL)
    {
      fail (task, error);
      return;
    }

  stop (self);
  g_task_return_pointer (task, filled, (GDestroyNotify)g_variant_unref);
  g_object_unref (task);
}

/* ---- pipes and sockets ---- */

static gboolean
on_readable (int fd, GIOCondition condition, gpointer user_data)
{
  Source *self = user_data;
  guint8 buffer[4096];
  gssize n = self->is_socket ? recv (fd, buffer, sizeof buffer, MSG_DONTWAIT)
                             : read (fd, buffer, sizeof buffer);

  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return G_SOURCE_CONTINUE;
  if (n > 0 && self->bytes->len + (guint)n <= TRD_SECRET_FD_MAX)
    {
      g_byte_array_append (self->bytes, buffer, (guint)n);
      return G_SOURCE_CONTINUE;
    }

  self->source = 0;
  if (n == 0)
    finish_source (self);
  else
    fail_source (self, n < 0 ? UNREADABLE : TOO_MUCH);

  return G_SOURCE_REMOVE;
}

static void
poll_source (Source *self)
{
  self->source = g_unix_fd_add (
      self->fd, G_IO_IN | G_IO_HUP | G_IO_ERR, on_readable, self);
}

/* The same pipe with flags of our own. */
static gboolean
open_pipe (Source *self)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", self->fd);
  int fd = open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

  if (fd < 0)
    return FALSE;

  close (self->fd);
  self->fd = fd;
  return TRUE;
}

/* ---- files ---- */

/* What a thread needs, which may outlive the question. */
typedef struct
{
  int handle;
  int fd; /* (owned) */
} FileJob;

static void
file_job_free (gpointer data)
{
  FileJob *self = data;

  close (self->fd);
  g_free (self);
}

static void
read_file (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  FileJob *self = data;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  guint8 buffer[4096];
  gssize n;

  /* Where the caller stands in it is its own affair. */
  while ((n = pread (self->fd, buffer, sizeof buffer, (off_t)bytes->len)) != 0)
    {
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0 || bytes->len + (guint)n > TRD_SECRET_FD_MAX)
        {
          g_task_return_new_error (
              task, G_IO_ERROR, G_IO_ERROR_FAILED, "%s", n < 0 ? UNREADABLE : TOO_MUCH);
          return;
        }
      g_byte_array_append (bytes, buffer, (guint)n);
    }

  g_task_return_pointer (
      task, g_steal_pointer (&bytes), (GDestroyNotify)g_byte_array_unref);
}

static void
on_file_read (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Reading *self = g_task_get_task_data (task);
  FileJob *job = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;
  g_autoptr (GByteArray) bytes = g_task_propagate_pointer (G_TASK (result), &error);
  Source *source = find_source (self, job->handle);

  if (self->over)
    return;
  g_assert (source != NULL);
  if (bytes == NULL)
    {
      fail_source (source, error->message);
      return;
    }

  g_byte_array_append (source->bytes, bytes->data, bytes->len);
  finish_source (source);
}

static void
run_file_job (Source *source)
{
  g_autoptr (GTask) task = g_task_new (
      NULL, NULL, on_file_read, g_object_ref (source->task));
  FileJob *job = g_new0 (FileJob, 1);

  job->handle = source->handle;
  job->fd = g_steal_fd (&source->fd);
  g_task_set_task_data (task, job, file_job_free);
  g_task_run_in_thread (task, read_file);
}

/* ---- all of them ---- */

/* Nobody gets from us what it could not read itself: a pipe is opened anew. */
static gboolean
look_at (Source *self, GError **error)
{
  int flags = fcntl (self->fd, F_GETFL);
  struct stat facts;

  if (flags < 0 || (flags & O_PATH) != 0 || (flags & O_ACCMODE) == O_WRONLY
      || fstat (self->fd, &facts) != 0)
    return fail_key (error, self->key, UNREADABLE);

  self->is_file = S_ISREG (facts.st_mode);
  self->is_socket = S_ISSOCK (facts.st_mode);
  if (!self->is_file && !self->is_socket && !S_ISFIFO (facts.st_mode))
    return fail_key (error, self->key, "neither a file nor a pipe nor a socket");
  if (self->is_file && facts.st_size > TRD_SECRET_FD_MAX)
    return fail_key (error, self->key, TOO_MUCH);
  if (S_ISFIFO (facts.st_mode) && !open_pipe (self))
    return fail_key (error, self->key, UNREADABLE);

  return TRUE;
}

static gboolean
add_source (GTask *task, TrdCall *call, const char *key, GVariant *handle, GError **error)
{
  Reading *self = g_task_get_task_data (task);
  int number = g_variant_get_handle (handle);
  Source *source;
  int fd;

  if (find_source (self, number) != NULL)
    return TRUE;

  fd = trd_call_peek_fd (call, number, key, error);
  if (fd < 0)
    return FALSE;
  fd = fcntl (fd, F_DUPFD_CLOEXEC, 3);
  if (fd < 0)
    {
      g_set_error (error,
                   G_IO_ERROR,
                   (int)g_io_error_from_errno (errno),
                   "Duplicating a descriptor: %s",
                   g_strerror (errno));
      return FALSE;
    }

  source = g_new0 (Source, 1);
  source->task = task;
  source->key = key;
  source->handle = number;
  source->fd = fd;
  source->bytes = g_byte_array_new ();
  g_ptr_array_add (self->sources, source);
  return look_at (source, error);
}

static GVariant *
check_dict (Reading *self, GVariant *dict, GError **error)
{
  g_autoptr (GVariant) checked = trundle_vocabulary_check (dict, self->scopes, error);
  GVariantIter iter;
  const char *key;

  if (checked == NULL)
    return NULL;

  g_variant_iter_init (&iter, checked);
  while (g_variant_iter_next (&iter, "{&sv}", &key, NULL))
    {
      g_autofree char *name = g_strndup (key, strlen (key) - MIN (strlen (key), 3));
      g_autoptr (GVariant) beside = g_variant_lookup_value (checked, name, NULL);

      if (find_word (key) >= 0 && beside != NULL)
        {
          g_set_error (error,
                       TRUNDLE_ERROR,
                       TRUNDLE_ERROR_INVALID_ARGUMENT,
                       "%s: cannot be given together with %s",
                       key,
                       name);
          return NULL;
        }
    }

  return g_steal_pointer (&checked);
}

/* Whether each descriptor of a dictionary is found and fit. */
static gboolean
add_sources (GTask *task, TrdCall *call, GVariant *dict, GError **error)
{
  GVariantIter iter;
  const char *key;
  GVariant *value;

  g_variant_iter_init (&iter, dict);
  while (g_variant_iter_next (&iter, "{&sv}", &key, &value))
    {
      g_autoptr (GVariant) owned = value;
      int word = find_word (key);

      if (word >= 0 && !add_source (task, call, words[word].key, owned, error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
begin (GTask *task, TrdCall *call, GVariant *value, GError **error)
{
  Reading *self = g_task_get_task_data (task);

  self->value = map_dicts (self, value, check_dict, error);
  if (self->value == NULL)
    return FALSE;
  if (g_variant_is_of_type (self->value, G_VARIANT_TYPE_VARDICT))
    return add_sources (task, call, self->value, error);

  for (gsize i = 0; i < g_variant_n_children (self->value); i++)
    {
      g_autoptr (GVariant) dict = g_variant_get_child_value (self->value, i);

      if (!add_sources (task, call, dict, error))
        {
          g_prefix_error (error, "Task %" G_GSIZE_FORMAT ": ", i);
          return FALSE;
        }
    }

  return TRUE;
}

static void
on_too_late (gpointer user_data)
{
  GTask *task = user_data;
  Reading *self = g_task_get_task_data (task);

  self->alarm = 0;
  for (guint i = 0; i < self->sources->len; i++)
    {
      Source *source = g_ptr_array_index (self->sources, i);

      if (source->content == NULL)
        {
          fail_source (source, "what is to be read does not come to its end");
          return;
        }
    }
}

void
trd_secret_fd_read_async (TrdCall *call,
                          GVariant *value,
                          guint scopes,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);
  Reading *self = g_new0 (Reading, 1);
  GError *error = NULL;

  g_task_set_source_tag (task, trd_secret_fd_read_async);
  self->scopes = scopes;
  self->sources = g_ptr_array_new_with_free_func ((GDestroyNotify)source_free);
  self->gate = g_object_ref (call->gate);
  g_task_set_task_data (task, self, (GDestroyNotify)reading_free);
  if (!begin (task, call, value, &error))
    {
      fail (task, error);
      return;
    }
  if (self->sources->len == 0)
    {
      stop (self);
      g_task_return_pointer (
          task, g_variant_ref (self->value), (GDestroyNotify)g_variant_unref);
      g_object_unref (task);
      return;
    }

  self->n_pending = self->sources->len;
  self->alarm = trd_clock_add_alarm (
      trd_gate_get_env (call->gate)->clock, TRD_SECRET_FD_TIMEOUT_US, on_too_late, task);
  for (guint i = 0; i < self->sources->len; i++)
    {
      Source *source = g_ptr_array_index (self->sources, i);

      if (source->is_file)
        run_file_job (source);
      else
        poll_source (source);
    }
}

GVariant *
trd_secret_fd_read_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, trd_secret_fd_read_async),
                        NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

static gboolean
dict_has_fd (GVariant *dict)
{
  GVariantIter iter;
  const char *key;

  g_variant_iter_init (&iter, dict);
  while (g_variant_iter_next (&iter, "{&sv}", &key, NULL))
    if (find_word (key) >= 0)
      return TRUE;

  return FALSE;
}

gboolean
trd_secret_fd_is_in (GVariant *value)
{
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_VARDICT))
    return dict_has_fd (value);

  for (gsize i = 0; i < g_variant_n_children (value); i++)
    {
      g_autoptr (GVariant) dict = g_variant_get_child_value (value, i);

      if (dict_has_fd (dict))
        return TRUE;
    }

  return FALSE;
}
