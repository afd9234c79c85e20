/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "core/slots.h"

#include "common/defaults.h"
#include "common/vocabulary.h"
#include "core/tally.h"

struct _TrdSlots
{
  GHashTable *host_counts; /* (owned) (element-type GRefString guint): running */
  GHashTable *app_counts;  /* (owned) (element-type utf8 guint): running, by owner key */
  GHashTable *running;     /* (owned) (element-type TrdTask GRefString): and the host it
                            * was counted for, as a task may have another one next */
};

static const char *
app_key (TrdSession *session)
{
  return trd_owner_key (session->row->owner);
}

TrdSlots *
trd_slots_new (void)
{
  TrdSlots *self = g_new0 (TrdSlots, 1);

  self->host_counts = trd_tally_new ();
  self->app_counts = trd_tally_new ();
  self->running = g_hash_table_new_full (
      NULL, NULL, NULL, (GDestroyNotify)g_ref_string_release);

  return self;
}

void
trd_slots_free (TrdSlots *self)
{
  g_hash_table_unref (self->host_counts);
  g_hash_table_unref (self->app_counts);
  g_hash_table_unref (self->running);
  g_free (self);
}

void
trd_slots_take (TrdSlots *self, TrdTask *task)
{
  if (g_hash_table_contains (self->running, task))
    return;

  g_hash_table_insert (self->running, task, g_ref_string_acquire (task->host));
  trd_tally_add (self->host_counts, task->host, 1);
  trd_tally_add (self->app_counts, app_key (task->session), 1);
}

void
trd_slots_leave (TrdSlots *self, TrdTask *task)
{
  const char *host = g_hash_table_lookup (self->running, task);

  if (host == NULL)
    return;

  trd_tally_add (self->host_counts, host, -1);
  trd_tally_add (self->app_counts, app_key (task->session), -1);
  g_hash_table_remove (self->running, task);
}

guint
trd_slots_count (TrdSlots *self)
{
  return g_hash_table_size (self->running);
}

guint
trd_slots_count_app (TrdSlots *self, const char *owner_key)
{
  return trd_tally_get (self->app_counts, owner_key);
}

GList *
trd_slots_list (TrdSlots *self)
{
  return g_hash_table_get_keys (self->running);
}

void
trd_slots_look (TrdSlots *self, TrdSession *session, const char *host, TrdFacts *facts)
{
  GVariant *configuration = session->row->configuration;

  facts->host_full = trd_tally_get (self->host_counts, host) >= trundle_options_get_uint (
                         configuration, NULL, "max-connections-per-host");
  facts->app_full = trd_tally_get (self->app_counts, app_key (session))
                    >= trundle_options_get_uint (
                        configuration, NULL, "max-concurrent-tasks");
  facts->total_full = g_hash_table_size (self->running) >= TRD_SLOTS_TOTAL;
}
