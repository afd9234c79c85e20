/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* What one worker has of the jars of cookies: which versions it was sent, and which it
 * has by what it told itself.  What it tells and what it is sent may cross on the way. */
typedef struct _TrdWorkerJars TrdWorkerJars;

TrdWorkerJars *
trd_worker_jars_new (void);
void
trd_worker_jars_free (TrdWorkerJars *self);

/* @request with `cookies` and `jar-version`, and noted as sent, unless the worker has
 * this version of the jar.  (transfer full), not floating */
GVariant *
trd_worker_jars_complete (TrdWorkerJars *self,
                          GVariant *request,
                          guint64 jar,
                          guint64 version,
                          GVariant *cookies);

/* It tells changes of what it was sent as @base.  @out_version: the version of the jar
 * that it had before them, 0 when that is none of ours.  FALSE for a jar that it was
 * never told of. */
gboolean
trd_worker_jars_find (TrdWorkerJars *self,
                      guint64 jar,
                      guint64 base,
                      guint64 *out_version);

/* With them it has @version; 0: none of ours. */
void
trd_worker_jars_note (TrdWorkerJars *self, guint64 jar, guint64 version);
