/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/registry.h"

/* Forgets what is old: results that nobody has collected, and the history of tasks that
 * are gone.  Looks when it is started, when the limits change, and once a day. */
#define TRD_TYPE_RETENTION (trd_retention_get_type ())
G_DECLARE_FINAL_TYPE (TrdRetention, trd_retention, TRD, RETENTION, GObject)

typedef struct
{
  guint results_days;
  guint history_days;  /* 0: no history */
  guint history_tasks; /* 0: no history */
} TrdRetentionLimits;

/* (transfer full) */
TrdRetention *
trd_retention_new (TrdRegistry *registry);
/* Holds from the next look on, which is now when it has been started. */
void
trd_retention_set_limits (TrdRetention *self, const TrdRetentionLimits *limits);
void
trd_retention_start (TrdRetention *self);
