/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/session.h"
#include "port/transport.h"

typedef struct _TrdRegistry TrdRegistry;

/* The cookies of sessions whose `cookie-policy` says so: in memory, in the keyring as an
 * item for each session, and in the workers that run their attempts.
 *
 * Signal "loaded": what sessions waited for may be there now. */
#define TRD_TYPE_COOKIES (trd_cookies_get_type ())
G_DECLARE_FINAL_TYPE (TrdCookies, trd_cookies, TRD, COOKIES, GObject)

/* Follows the registry: what is of a session goes with it. */
TrdCookies *
trd_cookies_new (TrdRegistry *registry);
/* The registry goes; the keyring keeps what it has. */
void
trd_cookies_close (TrdCookies *self);

/* A session that is made just now: there is nothing to be read. */
void
trd_cookies_welcome (TrdCookies *self, TrdSession *session);

/* Whether its attempts wait for the keyring: until it was read, or while it is locked and
 * has something of the session.  Sees to it that it is read. */
gboolean
trd_cookies_is_waiting (TrdCookies *self, TrdSession *session);

/* What Begin is told for a task with @options: the number of the jar, if it has one. */
void
trd_cookies_add_to_request (TrdCookies *self,
                            TrdSession *session,
                            GVariant *options,
                            GVariantDict *request);
/* What an attempt with that jar is told; FALSE when there is no such jar any more.
 * @out_cookies is borrowed. */
gboolean
trd_cookies_look (TrdCookies *self,
                  guint64 jar,
                  guint64 *out_version,
                  GVariant **out_cookies);
/* As on_cookies of a transport's sink. */
guint64
trd_cookies_take (TrdCookies *self, guint64 jar, guint64 version, GVariant *changes);

/* Of TRUNDLE_COOKIES_TYPE, once the keyring was read, which takes no longer than that
 * answers.  (transfer full) */
void
trd_cookies_list_async (TrdCookies *self,
                        TrdSession *session,
                        GAsyncReadyCallback callback,
                        gpointer user_data);
GVariant *
trd_cookies_list_finish (TrdCookies *self, GAsyncResult *result, GError **error);

/* Puts @cookies (checked) into the jar; ends when they are kept, or cannot be. */
void
trd_cookies_set_async (TrdCookies *self,
                       TrdSession *session,
                       GVariant *cookies,
                       GAsyncReadyCallback callback,
                       gpointer user_data);
gboolean
trd_cookies_set_finish (TrdCookies *self, GAsyncResult *result, GError **error);

/* Forgets them all.  Attempts that run go on with what they have, and what servers tell
 * those is not heard.  Errors: FAILED when the keyring keeps what it has; they are
 * forgotten here all the same. */
void
trd_cookies_clear_async (TrdCookies *self,
                         TrdSession *session,
                         GAsyncReadyCallback callback,
                         gpointer user_data);
gboolean
trd_cookies_clear_finish (TrdCookies *self, GAsyncResult *result, GError **error);

/* Ends when all that can be kept is, or in a little while. */
void
trd_cookies_flush_async (TrdCookies *self,
                         GAsyncReadyCallback callback,
                         gpointer user_data);
void
trd_cookies_flush_finish (TrdCookies *self, GAsyncResult *result);

/* Something is in memory only, for good or for a moment: the daemon must stay. */
gboolean
trd_cookies_has_volatile (TrdCookies *self);
