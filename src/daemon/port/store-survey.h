/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "value/body.h"
#include "value/rows.h"

/* As much of a row as a survey compares with the disk. */
typedef struct
{
  TrdPlace *place; /* (owned) */
  TrundleTaskState state;
  gint64 resumed_us;
  guint32 hold;
  guint64 space_needed;
  guint64 received;
  gboolean has_intent;
  gboolean succeeded; /* no error is stored */
  gboolean has_path;  /* the result is somewhere else */
  TrdBody *body;      /* (owned) (nullable): what it sends, but for its bytes */
  gboolean has_unreadable_body;
} TrdSurveyTask;

typedef struct
{
  GPtrArray *problems; /* (owned) (element-type utf8): what SQLite complains of */
  GPtrArray *tasks;    /* (owned) (element-type TrdSurveyTask) */
  GPtrArray *kept;     /* (owned) (element-type TrdSurveyTask): place and body only */
  gint64 last_id;      /* no task ever had a greater number */
} TrdStoreSurvey;

void
trd_store_survey_clear (TrdStoreSurvey *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TrdStoreSurvey, trd_store_survey_clear)

/* Reads the database at @path, from any thread.  @thorough: checks every page and every
 * reference, too. */
gboolean
trd_store_survey (const char *path,
                  gboolean thorough,
                  TrdStoreSurvey *out_survey,
                  GError **error);
