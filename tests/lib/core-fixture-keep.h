/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib/gstdio.h>

#include "await.h"
#include "core-fixture.h"
#include "core/resume.h"
#include "core/turn.h"
#include "port/store-resumable.h"

/* Words for tests of parts that outlive their tasks.  The server's file is ten bytes with
 * the tag "v1". */
#define KEEP_WHOLE "0123456789"

/* A task in session "s" that has lost its connection after the first @n bytes. */
TrdTask *
keep_cut (CoreFixture *f, guint n, const char *options);
/* The server's answer to the attempt that runs, as it begins at @offset. */
void
keep_respond (CoreFixture *f, TrdTask *task, guint64 offset);
/* Where the attempt that runs, or is about to, goes on. */
guint64
keep_asked_offset (CoreFixture *f, TrdTask *task);
/* All that follows @offset comes. */
void
keep_finish (CoreFixture *f, TrdTask *task, guint64 offset);

/* CancelByProducingResumeData, which gives some.  (transfer full) */
GBytes *
keep_cancel (CoreFixture *f, TrdTask *task);
/* The same, for who does not look at it. */
void
keep_leave (CoreFixture *f, TrdTask *task);
/* What a task that has ended tells.  (transfer full) (nullable) */
GBytes *
keep_lookup (CoreFixture *f, TrdTask *task);
/* @n drafts from @left.  (element-type TrdDraft) (transfer full) */
GPtrArray *
keep_drafts (CoreFixture *f, GBytes *left, guint n);
/* NULL with @error, which may only be NULL when there is none. */
TrdTask *
keep_create (
    CoreFixture *f, GBytes *left, const char *url, const char *options, GError **error);

/* Rows there are. */
guint
keep_count (CoreFixture *f);
char *
keep_spool_path (CoreFixture *f, gint64 task_id);
/* (transfer full) (nullable): NULL when there is no such file */
char *
keep_read_spool (CoreFixture *f, gint64 task_id);
void
keep_append_spool (CoreFixture *f, gint64 task_id, const char *text);

/* Makes the folder; the text of options that begin a task with a file in it. */
char *
keep_destination (CoreFixture *f, const char *folder, const char *name);
/* Names in a folder.  (element-type utf8) (transfer full) */
GPtrArray *
keep_list (CoreFixture *f, const char *folder);
gboolean
keep_is_same_file_system (const char *a, const char *b);
