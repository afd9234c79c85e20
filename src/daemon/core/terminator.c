/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Uploads that nobody goes on with.  Whoever cancelled one does not wait for the server,
 * and nothing of this is stored: it is told once, by whom an attempt would be made, with
 * the same secrets, or never. */

#include "config.h"

#include "core/terminator.h"

#include "common/vocabulary.h"
#include "core/profile.h"
#include "core/registry-internal.h"

/* Questions at once, and all with those that wait for their turn: more are not worth it.
 */
#define ASKING_MAX 4
#define TERMINATIONS_MAX 1000

struct _TrdTermination
{
  TrdTerminator *terminator; /* (unowned) (nullable): NULL once that is gone */
  TrdOwner *owner;           /* (owned) */
  GVariant *request;         /* (owned) */
  TrdProfile profile;
};

struct _TrdTerminator
{
  TrdRegistry *registry; /* (unowned), outlives us */
  GQueue waiting;        /* (element-type TrdTermination) */
  guint n;               /* that were composed, and are not answered */
  GPtrArray *asking; /* (owned) (element-type TrdTermination): of whom we wait to hear */
};

void
trd_termination_free (TrdTermination *self)
{
  if (self->terminator != NULL)
    self->terminator->n--;
  trd_owner_unref (self->owner);
  g_variant_unref (self->request);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdTermination, trd_termination_free)

TrdTerminator *
trd_terminator_new (TrdRegistry *registry)
{
  TrdTerminator *self = g_new0 (TrdTerminator, 1);

  self->registry = registry;
  g_queue_init (&self->waiting);
  self->asking = g_ptr_array_new ();
  return self;
}

void
trd_terminator_free (TrdTerminator *self)
{
  for (guint i = 0; i < self->asking->len; i++)
    ((TrdTermination *)g_ptr_array_index (self->asking, i))->terminator = NULL;
  g_ptr_array_unref (self->asking);
  g_queue_clear_full (&self->waiting, (GDestroyNotify)trd_termination_free);
  g_free (self);
}

static void
ask_next (TrdTerminator *self);

static void
on_answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TrdTermination) termination = user_data;
  TrdTerminator *self = termination->terminator;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = NULL;
  gboolean is_done = FALSE;

  if (self == NULL)
    return;

  answer = trd_transport_terminate_finish (
      trd_registry_get_env (self->registry)->transport, result, &error);
  if (answer != NULL)
    g_variant_lookup (answer, "terminated", "b", &is_done);
  if (!is_done)
    g_message ("A server keeps something of an upload that was given up");
  g_ptr_array_remove_fast (self->asking, termination);
  ask_next (self);
}

static void
ask (TrdTerminator *self, TrdTermination *termination)
{
  g_autoptr (GVariant) request = g_variant_ref (termination->request);
  TrdAttempt attempt = {
    .owner = termination->owner,
    .profile = termination->profile,
    .decode_fd = -1,
  };

  if (g_variant_lookup (request, "jar", "t", &attempt.jar)
      && !trd_cookies_look (trd_registry_get_cookies (self->registry),
                            attempt.jar,
                            &attempt.jar_version,
                            &attempt.cookies))
    {
      g_variant_unref (request);
      request = trundle_options_with (termination->request, "jar", NULL);
      attempt.jar = 0;
    }
  attempt.request = request;
  g_ptr_array_add (self->asking, termination);
  trd_transport_terminate_async (trd_registry_get_env (self->registry)->transport,
                                 &attempt,
                                 on_answered,
                                 termination);
}

static void
ask_next (TrdTerminator *self)
{
  while (self->asking->len < ASKING_MAX && self->waiting.length > 0)
    ask (self, g_queue_pop_head (&self->waiting));
}

TrdTermination *
trd_terminator_compose (TrdTerminator *self,
                        TrdTask *task,
                        const TrdTaskRow *row,
                        GVariant *place)
{
  g_autoptr (GVariant) request = NULL;
  TrdTermination *termination;

  if (self->n >= TERMINATIONS_MAX)
    return NULL;
  /* Without secrets that were lost nobody is told. */
  request = trd_registry_compose_request (self->registry, task, row, NULL);
  if (request == NULL)
    return NULL;

  termination = g_new0 (TrdTermination, 1);
  termination->terminator = self;
  self->n++;
  termination->owner = trd_owner_ref (task->session->row->owner);
  termination->request = trundle_options_with (request, "upload", place);
  termination->profile = task->local ? TRD_PROFILE_LOCAL
                                     : trd_profile_of_request (request);
  return termination;
}

void
trd_terminator_ask (TrdTerminator *self, TrdTermination *termination)
{
  if (termination == NULL)
    return;

  g_queue_push_tail (&self->waiting, termination);
  ask_next (self);
}
