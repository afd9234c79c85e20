/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is old is forgotten: for an app that never came for its results they are completed
 * in its place, in order, and the files that the service has kept for it go.  Files under
 * names of their own are never touched.  Nothing goes while the date is in doubt, and
 * nothing of a session whose consumer is there. */

#include "config.h"

#include "core/retention.h"

#include "common/defaults.h"
#include "core/registry-internal.h"
#include "port/calendar.h"
#include "port/store-history.h"

#define DAY_US (G_GINT64_CONSTANT (24) * 3600 * G_USEC_PER_SEC)

/* Events read at a time. */
#define PAGE 100

struct _TrdRetention
{
  GObject parent;

  TrdRegistry *registry; /* (owned) */
  TrdRetentionLimits limits;
  gboolean started;
  guint alarm; /* 0 when none is set */
};

G_DEFINE_FINAL_TYPE (TrdRetention, trd_retention, G_TYPE_OBJECT)

/* ---- results ---- */

/* The last event of those in a row, from the first on, that are all from before
 * @before_us; 0 for none. */
static gboolean
find_last_old (TrdStore *store,
               gint64 session_id,
               gint64 before_us,
               guint64 *out_last,
               GError **error)
{
  *out_last = 0;
  while (TRUE)
    {
      g_autoptr (GPtrArray) events = trd_store_list_events (
          store, session_id, *out_last, PAGE, error);

      if (events == NULL)
        return FALSE;
      for (guint i = 0; i < events->len; i++)
        {
          const TrdEvent *event = g_ptr_array_index (events, i);

          if (event->created_us >= before_us)
            return TRUE;
          *out_last = event->sequence;
        }
      if (events->len < PAGE)
        return TRUE;
    }
}

static void
expire_session (TrdRetention *self, TrdSession *session, gint64 before_us)
{
  g_autoptr (GError) error = NULL;
  TrdStore *store = trd_registry_get_env (self->registry)->store;
  gint64 id = session->row->id;
  guint n_before = session->n_events;
  guint64 last;

  if (session->n_events == 0 || session->has_consumer)
    return;

  if (!find_last_old (store, id, before_us, &last, &error)
      || (last > 0
          && !trd_registry_expire_events (self->registry, session, last, &error)))
    g_warning ("Cannot forget what is old: %s", error->message);
  else if (last > 0)
    g_message ("Session %" G_GINT64_FORMAT
               " had %u events, of which nobody has collected "
               "those of %u days ago: forgotten",
               id,
               n_before,
               self->limits.results_days);
}

static void
expire_results (TrdRetention *self, gint64 before_us)
{
  g_autoptr (GPtrArray) sessions = trd_registry_list_sessions (self->registry);

  for (guint i = 0; i < sessions->len; i++)
    expire_session (self, g_ptr_array_index (sessions, i), before_us);
}

/* ---- looking ---- */

static void
prune_history (TrdRetention *self, gint64 before_us)
{
  g_autoptr (GError) error = NULL;
  TrdStore *store = trd_registry_get_env (self->registry)->store;
  const TrdRetentionLimits *limits = &self->limits;

  trd_store_set_history_max (store, limits->history_days > 0 ? limits->history_tasks : 0);
  if (!trd_store_prune_history (store, before_us, &error))
    g_warning ("Cannot forget old history: %s", error->message);
}

static void
on_alarm (gpointer user_data);

static void
look (TrdRetention *self)
{
  const TrdEnv *env = trd_registry_get_env (self->registry);
  const TrdRetentionLimits *limits = &self->limits;
  TrdMoment now = trd_clock_now (env->clock);
  gboolean believed = trd_calendar_is_believed (
      trd_spool_get_state_directory (env->spool), now, limits->results_days * DAY_US);

  if (believed)
    expire_results (self, now.wall_us - limits->results_days * DAY_US);
  prune_history (self, believed ? now.wall_us - limits->history_days * DAY_US : 0);

  if (self->alarm != 0)
    trd_clock_remove_alarm (env->clock, self->alarm);
  self->alarm = trd_clock_add_alarm (env->clock, DAY_US, on_alarm, self);
}

static void
on_alarm (gpointer user_data)
{
  TrdRetention *self = user_data;

  self->alarm = 0;
  look (self);
}

/* ---- the object ---- */

TrdRetention *
trd_retention_new (TrdRegistry *registry)
{
  TrdRetention *self = g_object_new (TRD_TYPE_RETENTION, NULL);

  self->registry = g_object_ref (registry);
  return self;
}

void
trd_retention_set_limits (TrdRetention *self, const TrdRetentionLimits *limits)
{
  g_return_if_fail (TRD_IS_RETENTION (self));

  self->limits = *limits;
  if (self->started)
    look (self);
}

void
trd_retention_start (TrdRetention *self)
{
  g_return_if_fail (TRD_IS_RETENTION (self));

  self->started = TRUE;
  look (self);
}

static void
trd_retention_dispose (GObject *object)
{
  TrdRetention *self = TRD_RETENTION (object);

  if (self->alarm != 0)
    trd_clock_remove_alarm (trd_registry_get_env (self->registry)->clock, self->alarm);
  self->alarm = 0;
  g_clear_object (&self->registry);

  G_OBJECT_CLASS (trd_retention_parent_class)->dispose (object);
}

static void
trd_retention_init (TrdRetention *self)
{
  self->limits
      = (TrdRetentionLimits){ TRD_RESULTS_DAYS, TRD_HISTORY_DAYS, TRD_HISTORY_TASKS };
}

static void
trd_retention_class_init (TrdRetentionClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = trd_retention_dispose;
}
