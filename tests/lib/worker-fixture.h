/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* A real trundle-worker with the test as its daemon. */
typedef struct _WorkerFixture WorkerFixture;

/* Started, and its Hello answered.  The program is that of TRUNDLE_TEST_WORKER. */
WorkerFixture *
worker_fixture_new (void);

/* The same in the profile "local", with @environment ("NAME=VALUE", NULL at the end). */
WorkerFixture *
worker_fixture_new_local (const char *const *environment);

/* Tells it to leave, unless it has, and asserts that it does with status 0. */
void
worker_fixture_free (WorkerFixture *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WorkerFixture, worker_fixture_free)

/* Begins an attempt; returns its number.  @options: text of an a{sv}, or NULL. */
guint64
worker_fixture_begin (WorkerFixture *self, const char *url, const char *options);

/* The error that it was answered with.  (transfer full) */
GError *
worker_fixture_try_begin (WorkerFixture *self, const char *url, const char *options);

/* With @keys, an a{sv}; a floating one is consumed. */
guint64
worker_fixture_begin_with_keys (WorkerFixture *self, const char *url, GVariant *keys);

/* With another part than a new temporary file; @part_fd is consumed. */
guint64
worker_fixture_begin_with_part (WorkerFixture *self,
                                const char *url,
                                const char *options,
                                int part_fd);

/* The same, and what an encoded answer decodes to goes to @decode_fd, consumed.  @keys:
 * (nullable): a{sv} beside @options. */
guint64
worker_fixture_begin_with_files (WorkerFixture *self,
                                 const char *url,
                                 const char *options,
                                 GVariant *keys,
                                 int part_fd,
                                 int decode_fd);

/* With a body: @pieces, the text of an aa{sv}, in which `h` counts @n_files (consumed)
 * from 0. */
guint64
worker_fixture_send (WorkerFixture *self,
                     const char *url,
                     const char *options,
                     const char *pieces,
                     const int *files,
                     guint n_files);

/* What UploadChanged has told so far, a{sv}; awaits @n of them; and answers those to come
 * with an error.  (element-type GVariant) (transfer none) */
GPtrArray *
worker_fixture_await_uploads (WorkerFixture *self, guint n);
void
worker_fixture_refuse_uploads (WorkerFixture *self);
/* Awaits that the last reported progress is at least so. */
void
worker_fixture_await_sent (WorkerFixture *self, guint64 sent, guint64 confirmed);

/* Awaits the @n-th Digested since the beginning; the state of the last.  (transfer none)
 */
GVariant *
worker_fixture_await_digested (WorkerFixture *self, guint n);
guint
worker_fixture_count_digested (WorkerFixture *self);

/* A call on the worker; the error it answered with, or NULL.  (transfer full) */
GError *
worker_fixture_call (WorkerFixture *self, const char *method, GVariant *arguments);

/* Refresh and Terminate with the text of an a{sv}.  (transfer full) */
GVariant *
worker_fixture_refresh (WorkerFixture *self, const char *request, GError **error);
GVariant *
worker_fixture_terminate (WorkerFixture *self, const char *request, GError **error);

/* Awaits Done; its facts.  (transfer none) */
GVariant *
worker_fixture_await_done (WorkerFixture *self, guint64 attempt);
/* Of the facts of a Done; "" for none.  (transfer none) */
const char *
worker_fixture_get_error (GVariant *facts);
gboolean
worker_fixture_is_done (WorkerFixture *self, guint64 attempt);

/* From now on Response is not answered before that is asked for, once it has come. */
void
worker_fixture_hold_response (WorkerFixture *self);
void
worker_fixture_await_response (WorkerFixture *self);
void
worker_fixture_answer_response (WorkerFixture *self);

/* Awaits that the last reported progress is at least @received. */
void
worker_fixture_await_received (WorkerFixture *self, guint64 received);

/* Arguments of all CookiesChanged so far, (tta(ayayssxu)), and awaits @n of them.
 * (element-type GVariant) (transfer none) */
GPtrArray *
worker_fixture_get_cookies (WorkerFixture *self);
void
worker_fixture_await_cookies (WorkerFixture *self, guint n);

/* "FROM TO STATUS" of all redirects.  (transfer none) */
GPtrArray *
worker_fixture_get_redirects (WorkerFixture *self);

/* A file with @kept in it, for a part that is continued: its path.  (transfer full) */
char *
worker_fixture_make_part (const char *kept);
void
worker_fixture_assert_content (const char *path, const char *expected);

/* Content of a part.  (transfer full) */
char *
worker_fixture_read_part (WorkerFixture *self, guint64 attempt, gsize *out_length);

/* Whether a lock by another description could be had: the worker holds none. */
gboolean
worker_fixture_is_part_free (WorkerFixture *self, guint64 attempt);

/* What ResolveProxy answers from now on; "direct://" at first; NULL: that it failed. */
void
worker_fixture_set_proxy (WorkerFixture *self, const char *proxy);

/* Closes the connection as a dying daemon would; awaits the worker's exit. */
void
worker_fixture_vanish (WorkerFixture *self);

int
worker_fixture_get_pid (WorkerFixture *self);

/* VmHWM in KiB. */
guint
worker_fixture_get_peak_memory (WorkerFixture *self);
