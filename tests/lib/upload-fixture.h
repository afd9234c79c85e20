/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "bus-fixture.h"
#include "port/sources.h"

/* Words for tests of uploads on the bus. */
typedef struct
{
  BusFixture bus;
  char *session; /* (owned): of the app */
} UploadFixture;

void
upload_fixture_set_up (UploadFixture *f, gconstpointer data);
void
upload_fixture_tear_down (UploadFixture *f, gconstpointer data);

/* Calls @method of the session behind @session with @fds, which are closed here and end
 * with -1 (nullable: none).  @arguments is consumed if floating.  (transfer full) */
GVariant *
upload_fixture_call (UploadFixture *f,
                     GDBusConnection *client,
                     const char *session,
                     const char *method,
                     GVariant *arguments,
                     const int *fds,
                     GError **error);

/* CreateUploadTask with the text of an a{sv}; it must succeed, or fail so, with @word in
 * the message and nothing left behind. */
TrdTask *
upload_fixture_create (UploadFixture *f, const char *options, const int *fds);
void
upload_fixture_refuse (UploadFixture *f,
                       const char *options,
                       const int *fds,
                       TrundleError code,
                       const char *word);

/* A property of a task.  (transfer full) */
GVariant *
upload_fixture_get (UploadFixture *f, const TrdTask *task, const char *property);
void
upload_fixture_assert_property (UploadFixture *f,
                                const TrdTask *task,
                                const char *property,
                                const char *expected);

/* The pieces that the row of @task names.  (transfer full) */
TrdBody *
upload_fixture_load_body (UploadFixture *f, const TrdTask *task);
/* What they come to.  (transfer full) */
char *
upload_fixture_read_body (UploadFixture *f, const TrdTask *task);
/* Files of bodies in the spool. */
guint
upload_fixture_count_spool (UploadFixture *f);

/* A file of the app's own; (transfer full). */
char *
upload_fixture_write_file (UploadFixture *f, const char *name, const char *text);
int
upload_fixture_make_memfd (const char *text);
