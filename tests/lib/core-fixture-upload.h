/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core-fixture.h"

/* Words for tests of uploads, on the core's fixture. */
#define UPLOAD_URL "https://a.example/up"
#define UPLOAD_SIZE 100
#define UPLOAD_PLACE "https://a.example/place/1"
/* The text of what a worker tells of a place. */
#define UPLOAD_AT "{'url': <'" UPLOAD_PLACE "'>, 'dialect': <'ietf-8'>}"
#define UPLOAD_NOWHERE "@a{sv} {}"

/* An upload of UPLOAD_SIZE bytes in session "s"; @options is what follows its method and
 * `start` in the text of an a{sv}, "" for nothing. */
TrdTask *
upload_create (CoreFixture *f, const char *method, const char *options);
TrdTask *
upload_create_in (CoreFixture *f,
                  TrdSession *session,
                  const char *url,
                  const char *method,
                  const char *options);

/* The same in session "s", of a file in the spool whose bytes are UPLOAD_TEXT. */
#define UPLOAD_TEXT                                                                      \
  "0123456789012345678901234567890123456789012345678901234567890123456789"               \
  "012345678901234567890123456789"
TrdTask *
upload_create_spooled (CoreFixture *f, const char *method, const char *options);
/* Files of bodies in the spool. */
guint
upload_count_files (CoreFixture *f);

/* The attempt that runs, or is about to: `resumable` as "ietf-8 ietf-6"; the address of
 * `upload`, "" for none.  (transfer full) */
char *
upload_offered (CoreFixture *f, TrdTask *task);
char *
upload_asked_place (CoreFixture *f, TrdTask *task);
/* The worker tells it of the attempt that runs, or is about to, and is told to go on. */
void
upload_tell (CoreFixture *f, TrdTask *task, const char *upload);

/* An outcome with @sent and @confirmed.  (transfer full) */
TrdOutcome *
upload_failed (TrundleError code, guint64 sent, guint64 confirmed);
TrdOutcome *
upload_refused (guint status, guint64 sent, guint64 confirmed);
/* Ends the attempt that runs, or is about to. */
void
upload_end (CoreFixture *f, TrdTask *task, TrdOutcome *outcome);
/* Lets what it waits for pass. */
void
upload_sit_out (CoreFixture *f, TrdTask *task);
/* upload_end() with a connection that was lost, and upload_sit_out(). */
void
upload_break (CoreFixture *f, TrdTask *task, guint64 sent, guint64 confirmed);

/* (transfer full) */
TrdTaskRow *
upload_load (CoreFixture *f, TrdTask *task);
/* How it has ended; NULL for a success. */
void
upload_assert_ended (CoreFixture *f, TrdTask *task, const char *error_name);
