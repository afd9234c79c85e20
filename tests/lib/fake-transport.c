/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "fake-transport.h"

#include <unistd.h>

#include <glib/gstdio.h>

struct _FakeTransport
{
  GObject parent_instance;

  const TrdTransportSink *sink; /* (unowned) */
  gpointer sink_data;
  GPtrArray *attempts; /* (element-type FakeAttempt) (owned) */
  gboolean auto_release;
  guint64 forgotten;
  GQueue refreshes;    /* (element-type GTask) (owned): whose data are their requests */
  GQueue terminations; /* (element-type GTask) (owned): likewise */
  guint n_refreshes;
};

static void
transport_iface_init (TrdTransportInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (FakeTransport,
                               fake_transport,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (TRD_TYPE_TRANSPORT,
                                                      transport_iface_init))

typedef struct
{
  FakeTransport *transport; /* (owned) */
  FakeAttempt *attempt;     /* (unowned), lives as long as the transport */
} Release;

FakeTransport *
fake_transport_new (void)
{
  return g_object_new (FAKE_TYPE_TRANSPORT, NULL);
}

static void
close_part (FakeAttempt *attempt)
{
  if (attempt->part_fd >= 0)
    g_close (attempt->part_fd, NULL);
  attempt->part_fd = -1;
  if (attempt->decode_fd >= 0)
    g_close (attempt->decode_fd, NULL);
  attempt->decode_fd = -1;
  g_clear_object (&attempt->files);
}

static void
free_attempt (gpointer data)
{
  FakeAttempt *attempt = data;

  close_part (attempt);
  trd_owner_unref (attempt->owner);
  g_variant_unref (attempt->request);
  g_clear_pointer (&attempt->cookies, g_variant_unref);
  g_free (attempt);
}

static FakeAttempt *
find_attempt (FakeTransport *self, gint64 task_id)
{
  for (guint i = self->attempts->len; i > 0; i--)
    {
      FakeAttempt *attempt = g_ptr_array_index (self->attempts, i - 1);

      if (attempt->task_id == task_id)
        return attempt;
    }
  return NULL;
}

static FakeAttempt *
expect_running (FakeTransport *self, gint64 task_id)
{
  FakeAttempt *attempt = find_attempt (self, task_id);

  if (attempt == NULL || attempt->is_over)
    g_error ("No attempt of task %" G_GINT64_FORMAT " is running", task_id);
  return attempt;
}

static void
release_attempt (FakeTransport *self, FakeAttempt *attempt)
{
  if (attempt->part_fd < 0)
    return;
  close_part (attempt);
  if (self->sink != NULL && self->sink->on_released != NULL)
    self->sink->on_released (attempt->task_id, self->sink_data);
}

static gboolean
on_release_idle (gpointer user_data)
{
  Release *release = user_data;

  release_attempt (release->transport, release->attempt);
  return G_SOURCE_REMOVE;
}

static void
free_release (gpointer data)
{
  Release *release = data;

  g_object_unref (release->transport);
  g_free (release);
}

/* Before the sink is told, so that it sees the state the contract promises. */
static void
end_attempt (FakeTransport *self, FakeAttempt *attempt)
{
  Release *release;

  attempt->is_over = TRUE;
  if (!self->auto_release)
    return;

  release = g_new0 (Release, 1);
  release->transport = g_object_ref (self);
  release->attempt = attempt;
  g_idle_add_full (G_PRIORITY_DEFAULT, on_release_idle, release, free_release);
}

const FakeAttempt *
fake_transport_find (FakeTransport *self, gint64 task_id)
{
  return find_attempt (self, task_id);
}

gboolean
fake_transport_is_running (FakeTransport *self, gint64 task_id)
{
  FakeAttempt *attempt = find_attempt (self, task_id);

  return attempt != NULL && !attempt->is_over;
}

GPtrArray *
fake_transport_get_attempts (FakeTransport *self)
{
  return self->attempts;
}

void
fake_transport_set_auto_release (FakeTransport *self, gboolean auto_release)
{
  self->auto_release = auto_release;
}

void
fake_transport_release (FakeTransport *self, gint64 task_id)
{
  FakeAttempt *attempt = find_attempt (self, task_id);

  g_assert_nonnull (attempt);
  g_assert_true (attempt->is_over);
  g_assert_cmpint (attempt->part_fd, >=, 0);
  release_attempt (self, attempt);
}

void
fake_transport_write (FakeTransport *self, gint64 task_id, const void *data, gsize length)
{
  FakeAttempt *attempt = expect_running (self, task_id);

  g_assert_cmpint (lseek (attempt->part_fd, 0, SEEK_END), >=, 0);
  g_assert_cmpint (write (attempt->part_fd, data, length), ==, length);
}

void
fake_transport_respond (FakeTransport *self, gint64 task_id, GVariant *response)
{
  g_autoptr (GVariant) sunk = g_variant_ref_sink (response);

  expect_running (self, task_id);
  self->sink->on_response (task_id, sunk, self->sink_data);
}

void
fake_transport_redirect (
    FakeTransport *self, gint64 task_id, const char *from, const char *to, guint status)
{
  expect_running (self, task_id);
  self->sink->on_redirected (task_id, from, to, status, self->sink_data);
}

void
fake_transport_progress (FakeTransport *self,
                         gint64 task_id,
                         guint64 received,
                         guint64 synced,
                         gint64 expected)
{
  const TrdProgress progress
      = { .received = received, .synced = synced, .expected = expected };

  expect_running (self, task_id);
  self->sink->on_progress (task_id, &progress, self->sink_data);
}

void
fake_transport_send (FakeTransport *self, gint64 task_id, guint64 sent, guint64 confirmed)
{
  const TrdProgress progress = { .expected = -1, .sent = sent, .confirmed = confirmed };

  expect_running (self, task_id);
  self->sink->on_progress (task_id, &progress, self->sink_data);
}

gboolean
fake_transport_upload (FakeTransport *self, gint64 task_id, const char *upload)
{
  g_autoptr (GVariant) sunk = g_variant_ref_sink (g_variant_new_parsed (upload));

  expect_running (self, task_id);
  return self->sink->on_upload (task_id, sunk, self->sink_data);
}

void
fake_transport_digest (FakeTransport *self, gint64 task_id, GVariant *state)
{
  g_autoptr (GVariant) sunk = g_variant_ref_sink (state);

  expect_running (self, task_id);
  self->sink->on_digested (task_id, sunk, self->sink_data);
}

void
fake_transport_take_done (FakeTransport *self, gint64 task_id, TrdOutcome *outcome)
{
  g_autoptr (TrdOutcome) owned = outcome;

  end_attempt (self, expect_running (self, task_id));
  self->sink->on_done (task_id, owned, self->sink_data);
}

void
fake_transport_crash (FakeTransport *self, gint64 task_id, gboolean alone)
{
  end_attempt (self, expect_running (self, task_id));
  self->sink->on_crashed (task_id, alone, self->sink_data);
}

static void
set_sink (TrdTransport *transport, const TrdTransportSink *sink, gpointer user_data)
{
  FakeTransport *self = FAKE_TRANSPORT (transport);

  self->sink = sink;
  self->sink_data = user_data;
}

static void
begin (TrdTransport *transport, const TrdAttempt *given, int part_fd)
{
  FakeTransport *self = FAKE_TRANSPORT (transport);
  FakeAttempt *former = find_attempt (self, given->task_id);
  FakeAttempt *attempt = g_new0 (FakeAttempt, 1);

  g_assert_cmpint (part_fd, >=, 0);
  g_assert_true (former == NULL || former->part_fd < 0);

  attempt->task_id = given->task_id;
  attempt->owner = trd_owner_ref ((TrdOwner *)given->owner);
  attempt->alone = given->alone;
  attempt->profile = given->profile;
  attempt->request = g_variant_ref_sink (given->request);
  attempt->jar = given->jar;
  attempt->jar_version = given->jar_version;
  attempt->cookies = given->jar != 0 ? g_variant_ref (given->cookies) : NULL;
  attempt->part_fd = part_fd;
  attempt->decode_fd = given->has_decode ? given->decode_fd : -1;
  attempt->files = given->files != NULL ? g_object_ref (given->files) : NULL;
  g_ptr_array_add (self->attempts, attempt);
}

static void
stop (TrdTransport *transport, gint64 task_id)
{
  FakeTransport *self = FAKE_TRANSPORT (transport);
  FakeAttempt *attempt = find_attempt (self, task_id);

  if (attempt == NULL || attempt->is_over)
    return;
  attempt->is_stopped = TRUE;
  end_attempt (self, attempt);
}

static void
forget_jar (TrdTransport *transport, guint64 jar)
{
  FAKE_TRANSPORT (transport)->forgotten = jar;
}

guint64
fake_transport_get_forgotten (FakeTransport *self)
{
  return self->forgotten;
}

guint64
fake_transport_tell_cookies (FakeTransport *self,
                             guint64 jar,
                             guint64 version,
                             GVariant *changes)
{
  g_autoptr (GVariant) sunk = g_variant_ref_sink (changes);

  return self->sink->on_cookies (jar, version, sunk, self->sink_data);
}

static void
refresh_async (TrdTransport *transport,
               const TrdOwner *owner,
               GVariant *request,
               GAsyncReadyCallback callback,
               gpointer user_data)
{
  FakeTransport *self = FAKE_TRANSPORT (transport);
  GTask *task = g_task_new (NULL, NULL, callback, user_data);

  g_assert_nonnull (owner);
  g_task_set_task_data (
      task, g_variant_ref_sink (request), (GDestroyNotify)g_variant_unref);
  g_queue_push_tail (&self->refreshes, task);
  self->n_refreshes++;
}

static GVariant *
refresh_finish (TrdTransport *transport, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
terminate_async (TrdTransport *transport,
                 const TrdAttempt *attempt,
                 GAsyncReadyCallback callback,
                 gpointer user_data)
{
  FakeTransport *self = FAKE_TRANSPORT (transport);
  GTask *task = g_task_new (NULL, NULL, callback, user_data);

  g_assert_nonnull (attempt->owner);
  g_task_set_task_data (
      task, g_variant_ref_sink (attempt->request), (GDestroyNotify)g_variant_unref);
  g_queue_push_tail (&self->terminations, task);
}

static GVariant *
terminate_finish (TrdTransport *transport, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static GPtrArray *
list_requests (const GQueue *tasks)
{
  GPtrArray *requests = g_ptr_array_new ();

  for (GList *l = tasks->head; l != NULL; l = l->next)
    g_ptr_array_add (requests, g_task_get_task_data (l->data));
  return requests;
}

GPtrArray *
fake_transport_list_refreshes (FakeTransport *self)
{
  return list_requests (&self->refreshes);
}

GPtrArray *
fake_transport_list_terminations (FakeTransport *self)
{
  return list_requests (&self->terminations);
}

guint
fake_transport_count_refreshes (FakeTransport *self)
{
  return self->n_refreshes;
}

static void
answer_oldest (GQueue *tasks, const char *answer)
{
  g_autoptr (GTask) task = g_queue_pop_head (tasks);

  g_assert_nonnull (task);
  if (answer == NULL)
    g_task_return_new_error (
        task, TRUNDLE_ERROR, TRUNDLE_ERROR_CONNECTION_LOST, "The worker was lost");
  else
    g_task_return_pointer (task,
                           g_variant_ref_sink (g_variant_new_parsed (answer)),
                           (GDestroyNotify)g_variant_unref);
}

void
fake_transport_answer_refresh (FakeTransport *self, const char *answer)
{
  answer_oldest (&self->refreshes, answer);
}

void
fake_transport_answer_termination (FakeTransport *self, const char *answer)
{
  answer_oldest (&self->terminations, answer);
}

static guint
count (TrdTransport *transport)
{
  FakeTransport *self = FAKE_TRANSPORT (transport);
  guint n = 0;

  for (guint i = 0; i < self->attempts->len; i++)
    {
      FakeAttempt *attempt = g_ptr_array_index (self->attempts, i);

      if (!attempt->is_over || (attempt->is_stopped && attempt->part_fd >= 0))
        n++;
    }
  return n;
}

static void
shutdown_async (TrdTransport *transport, GAsyncReadyCallback callback, gpointer user_data)
{
  FakeTransport *self = FAKE_TRANSPORT (transport);
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);

  for (guint i = 0; i < self->attempts->len; i++)
    {
      FakeAttempt *attempt = g_ptr_array_index (self->attempts, i);

      if (attempt->is_over)
        continue;
      attempt->is_stopped = TRUE;
      end_attempt (self, attempt);
    }
  g_task_return_boolean (task, TRUE);
}

static void
shutdown_finish (TrdTransport *transport, GAsyncResult *result)
{
  g_task_propagate_boolean (G_TASK (result), NULL);
}

static void
transport_iface_init (TrdTransportInterface *iface)
{
  iface->set_sink = set_sink;
  iface->begin = begin;
  iface->stop = stop;
  iface->forget_jar = forget_jar;
  iface->refresh_async = refresh_async;
  iface->refresh_finish = refresh_finish;
  iface->terminate_async = terminate_async;
  iface->terminate_finish = terminate_finish;
  iface->count = count;
  iface->shutdown_async = shutdown_async;
  iface->shutdown_finish = shutdown_finish;
}

static void
fake_transport_finalize (GObject *object)
{
  FakeTransport *self = FAKE_TRANSPORT (object);

  g_ptr_array_unref (self->attempts);
  while (!g_queue_is_empty (&self->refreshes))
    answer_oldest (&self->refreshes, NULL);
  while (!g_queue_is_empty (&self->terminations))
    answer_oldest (&self->terminations, NULL);
  G_OBJECT_CLASS (fake_transport_parent_class)->finalize (object);
}

static void
fake_transport_class_init (FakeTransportClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = fake_transport_finalize;
}

static void
fake_transport_init (FakeTransport *self)
{
  self->attempts = g_ptr_array_new_with_free_func (free_attempt);
  self->auto_release = TRUE;
}
