/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "port/spool.h"
#include "value/rows.h"

/* What is stored compared with what is on the disk, in a thread and with a connection of
 * its own, so that nobody waits for it. */

typedef enum
{
  TRD_FACT_DATABASE,         /* text: what SQLite says */
  TRD_FACT_SET_ASIDE,        /* path, size */
  TRD_FACT_STRAY_FILE,       /* path, size, settled */
  TRD_FACT_STRAY_PART,       /* path, size, settled */
  TRD_FACT_KEPT_PART,        /* path, size, task_id */
  TRD_FACT_RESULT_MISSING,   /* path, task_id */
  TRD_FACT_PART_MISSING,     /* path, task_id */
  TRD_FACT_DESTINATION_GONE, /* path, task_id */
  TRD_FACT_DISK_FULL,        /* path, task_id, size: what is missing */
  TRD_FACT_WAITING,          /* task_id: resumed before @waiting_since_us, and queued */
  TRD_FACT_SOURCE_MISSING,   /* path, task_id: the copy of what is to be sent */
  TRD_FACT_SOURCE_CHANGED,   /* path, task_id: a file that is to be sent */
  TRD_FACT_WORKER_MISSING,   /* path, text: why */
} TrdFactKind;

#define TRD_N_FACT_KINDS (TRD_FACT_WORKER_MISSING + 1)

typedef struct
{
  TrdFactKind kind;
  char *path;       /* (owned) (nullable) */
  char *text;       /* (owned) (nullable) */
  guint64 size;     /* bytes */
  gint64 task_id;   /* 0 for none */
  gboolean settled; /* it was there, and is put in order */
} TrdFact;

void
trd_fact_free (TrdFact *self);

typedef struct
{
  const char *state_directory;
  TrdSpool *spool;            /* of it: knows which of its files rows may soon name */
  const char *worker_program; /* (nullable): not looked at */
  gint64 waiting_since_us;    /* realtime */
  gboolean mend;              /* deletes what belongs to nobody */
} TrdSurveyOptions;

/* @options: copied. */
void
trd_survey_async (const TrdSurveyOptions *options,
                  GAsyncReadyCallback callback,
                  gpointer user_data);
/* (element-type TrdFact) (transfer full).  What cannot be looked at is a fact, too: this
 * never fails. */
GPtrArray *
trd_survey_finish (GAsyncResult *result);
