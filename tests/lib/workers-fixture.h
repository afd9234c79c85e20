/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "port/workers.h"

#define WORKERS_FIXTURE_JAR G_GUINT64_CONSTANT (7)

/* The transport on fake workers (fake-worker.c), and what its sink hears. */
typedef struct
{
  char *directory;         /* (owned) */
  TrdWorkers *workers;     /* (owned) */
  TrdTransport *transport; /* (unowned): the same */
  TrdOwner *owner;         /* (owned) */
  GPtrArray *log;          /* (owned): what the sink heard, a line each */
  guint n_mismatches;
  guint64 jar_version; /* what attempts with cookies have; 0: none have any */
  gint64 stop_in_done; /* task to stop from within on_done and on_crashed, 0 for none */
  gboolean is_calling; /* begin() or stop() is running */
  gboolean is_shut_down;
  guint n_fds; /* open when the test began */
} WorkersFixture;

/* With a worker that says Hello. */
void
workers_fixture_set_up (WorkersFixture *f, gconstpointer data);
void
workers_fixture_tear_down (WorkersFixture *f, gconstpointer data);
/* The transport is made anew, with that program. */
void
workers_fixture_use (WorkersFixture *f, const char *name);
void
workers_fixture_use_program (WorkersFixture *f, const char *path);
/* A worker program by the name @name in our directory. */
void
workers_fixture_install (WorkersFixture *f, const char *name);
char *
workers_fixture_program_path (WorkersFixture *f, const char *name);
/* Whether the sink heard just that; how often lines that begin so; all, joined by "; ".
 */
gboolean
workers_fixture_has (WorkersFixture *f, const char *line);
guint
workers_fixture_count (WorkersFixture *f, const char *prefix);
void
workers_fixture_assert_log (WorkersFixture *f, const char *expected);
int
workers_fixture_open_part (WorkersFixture *f, gint64 task_id);
gboolean
workers_fixture_is_part_free (WorkersFixture *f, gint64 task_id);
void
workers_fixture_begin (WorkersFixture *f, gint64 task_id, const char *deed);
/* The part is a file of the directory; @deed is what the worker is to do. */
void
workers_fixture_begin_as (WorkersFixture *f,
                          gint64 task_id,
                          const TrdOwner *owner,
                          gboolean alone,
                          const char *deed);
/* In the profile "local". */
void
workers_fixture_begin_local (WorkersFixture *f, gint64 task_id, const char *deed);
void
workers_fixture_stop (WorkersFixture *f, gint64 task_id);
/* Awaits it. */
void
workers_fixture_shut_down (WorkersFixture *f);
guint
workers_fixture_count_pids (WorkersFixture *f);
/* Of the only worker. */
int
workers_fixture_get_pid (WorkersFixture *f);
