/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>
#include <gio/gunixfdlist.h>

#include "cli/command.h"

/* The service as the tool sees it: blocking calls, and the names of its objects. */

/* The user's bus. */
GDBusConnection *
trc_bus_connect (GError **error);

/* Calls and waits.  @parameters is consumed when floating; the error's message is the
 * service's own sentence. (transfer full) */
GVariant *
trc_bus_call (GDBusConnection *connection,
              const char *object_path,
              const char *interface,
              const char *method,
              GVariant *parameters,
              const char *reply_type,
              GError **error);

/* The same, with patience: -1 for the usual. */
GVariant *
trc_bus_call_for (GDBusConnection *connection,
                  int timeout_ms,
                  const char *object_path,
                  const char *interface,
                  const char *method,
                  GVariant *parameters,
                  const char *reply_type,
                  GError **error);

/* The same with descriptors, for parameters of type `h`; G_MAXINT to wait for ever. */
GVariant *
trc_bus_call_with_fds (GDBusConnection *connection,
                       int timeout_ms,
                       const char *object_path,
                       const char *interface,
                       const char *method,
                       GVariant *parameters,
                       GUnixFDList *fds,
                       const char *reply_type,
                       GError **error);

/* The service is not there, or not any more. */
gboolean
trc_bus_is_unreachable (const GError *error);
TrcExit
trc_bus_exit_for_error (const GError *error);

/* "12" or an object path → an object path; NULL for what is neither.  (transfer full) */
char *
trc_bus_task_path (const char *text);
/* The same of all of @tasks; NULL after it was told which is neither.  (transfer full) */
char **
trc_bus_task_paths (char **tasks);
/* "/org/…/task/12" → "12".  Part of @object_path. */
const char *
trc_bus_task_number (const char *object_path);

/* All properties of a task: a{sv}.  (transfer full) */
GVariant *
trc_bus_get_task (GDBusConnection *connection, const char *object_path, GError **error);

/* The session named @identifier, or the tool's own for NULL, made when it is not there;
 * with @more (a{sv}, nullable, consumed when floating) of configuration and its
 * descriptors (nullable).  Its path.
 * (transfer full) */
char *
trc_bus_open_session (GDBusConnection *connection,
                      const char *identifier,
                      GVariant *more,
                      GUnixFDList *fds,
                      GError **error);

/* aa{sv} as ListSessions answers.  (transfer full) */
GVariant *
trc_bus_list_sessions (GDBusConnection *connection, GError **error);

/* Tasks of a session as (oa{sv}) with @properties, a page at a time; @states (nullable)
 * picks.  (element-type GVariant) (transfer full) */
GPtrArray *
trc_bus_list_tasks (GDBusConnection *connection,
                    const char *session_path,
                    const char *const *properties,
                    const char *const *states,
                    GError **error);

/* A string of an a{sv}, "" when absent.  Part of @dict. */
const char *
trc_bus_lookup_string (GVariant *dict, const char *key);
