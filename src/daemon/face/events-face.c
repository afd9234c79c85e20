/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The stored events of a session, for callers who do not listen. */

#include "config.h"

#include "face/events-face.h"

#include "face/answer.h"
#include "face/outlet.h"

/* ListEvents gives at most so many at a time. */
#define EVENTS_MAX 1000
/* And none more once there are so many bytes of them. */
#define EVENTS_SIZE_MAX (4 * 1024 * 1024)

/* As many of the first @max of @events as go into an answer.  Floating. */
static GVariant *
new_events (TrdRegistry *registry, GPtrArray *events, guint max)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (
      G_VARIANT_TYPE ("a(tsoa{sv})"));
  gsize size = 0;
  guint i;

  for (i = 0; i < MIN (events->len, max) && size < EVENTS_SIZE_MAX; i++)
    {
      const TrdEvent *event = g_ptr_array_index (events, i);
      g_autofree char *path = trd_face_outlet_event_object (event);
      g_autoptr (GVariant) details = trd_answer_tell (registry, event);

      size += g_variant_get_size (details);
      g_variant_builder_add (&builder,
                             "(tso@a{sv})",
                             event->sequence,
                             trundle_event_kind_to_word (event->kind),
                             path,
                             details);
    }

  return g_variant_new ("(a(tsoa{sv})b)", &builder, i < events->len);
}

void
trd_handle_list_events (gpointer object, TrdCall *call)
{
  TrdSession *session = object;
  TrdStore *store = trd_gate_get_env (call->gate)->store;
  g_autoptr (GPtrArray) events = NULL;
  GError *error = NULL;
  guint64 after;
  guint max;

  g_variant_get (call->parameters, "(tu)", &after, &max);
  max = max == 0 ? EVENTS_MAX : MIN (max, EVENTS_MAX);
  /* One more, to know whether there are more; SQLite's integers are signed. */
  events = trd_store_list_events (
      store, session->row->id, MIN (after, (guint64)G_MAXINT64), max + 1, &error);
  if (events == NULL)
    {
      trd_call_return_error (call, error);
      return;
    }

  trd_call_return (call, new_events (trd_gate_get_registry (call->gate), events, max));
}

void
trd_handle_complete_events (gpointer object, TrdCall *call)
{
  GError *error = NULL;
  guint64 sequence;
  gboolean done;

  g_variant_get (call->parameters, "(t)", &sequence);
  done = trd_courier_complete (
      trd_gate_get_courier (call->gate), object, call->peer->name, sequence, &error);
  trd_call_return_done (call, done, error);
}
