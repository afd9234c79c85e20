/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <libsoup/soup.h>

/* The cookies of one session of an app, or of one attempt whose session keeps none. */
typedef struct _TrwJar TrwJar;

/* One that nobody else hears of.  (transfer full) */
TrwJar *
trw_jar_new_private (void);
TrwJar *
trw_jar_ref (TrwJar *self);
void
trw_jar_unref (TrwJar *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrwJar, trw_jar_unref)

/* Keeps what an answer of @uri says by Set-Cookie, as far as its policy goes.
 * @first_party: address of the task */
void
trw_jar_take_cookies (TrwJar *self, SoupMessage *message, GUri *uri, GUri *first_party);

/* The field Cookie of a question to @uri with @method; @given (nullable) is what the app
 * wrote into it, whose names win.  (transfer full) (nullable) */
char *
trw_jar_get_cookies (
    TrwJar *self, GUri *uri, const char *method, GUri *first_party, const char *given);

/* Tells now what has changed. */
void
trw_jar_flush (TrwJar *self);

/* Those of the daemon's sessions: by its numbers. */
typedef struct _TrwJars TrwJars;

/* What has changed in jar @number since the daemon made it what it was in @version; of
 * TRUNDLE_COOKIES_TYPE, floating. */
typedef void (*TrwJarsTellFunc) (guint64 number,
                                 guint64 version,
                                 GVariant *changes,
                                 gpointer user_data);

TrwJars *
trw_jars_new (TrwJarsTellFunc tell, gpointer user_data);
void
trw_jars_free (TrwJars *self);

/* The jar that @request, the dictionary of Begin, names, as it says it is; NULL when it
 * names none.  (transfer full).  Errors: TRUNDLE_ERROR_INVALID_ARGUMENT. */
gboolean
trw_jars_take (TrwJars *self, GVariant *request, TrwJar **out_jar, GError **error);

/* Tells now what has changed in any. */
void
trw_jars_flush (TrwJars *self);

/* No later Begin names it; attempts that have it keep it, and nothing is told. */
void
trw_jars_forget (TrwJars *self, guint64 number);
