/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>
#include <gio/gunixfdlist.h>

#define SERVICE "org.freedesktop.BackgroundTransfer1"
#define SERVICE_PATH "/org/freedesktop/BackgroundTransfer1"
#define MANAGER_INTERFACE SERVICE
#define SESSION_INTERFACE SERVICE ".Session"
#define TASK_INTERFACE SERVICE ".Task"

/* Calls a method of the object @path and waits for the answer.  (transfer full) */
GVariant *
service_call (GDBusConnection *bus,
              const char *path,
              const char *interface,
              const char *method,
              GVariant *parameters,
              const char *reply_type,
              GError **error);
/* The same; @fds (nullable) has the descriptors of arguments of type `h`. */
GVariant *
service_call_with_fds (GDBusConnection *bus,
                       const char *path,
                       const char *interface,
                       const char *method,
                       GVariant *parameters,
                       GUnixFDList *fds,
                       const char *reply_type,
                       GError **error);

/* The handle of what is at @path, opened with @flags, for an argument; -1 on an error. */
int
service_append_file (GUnixFDList *fds, const char *path, int flags, GError **error);
/* That of a file without a name that holds @secret. */
int
service_append_secret (GUnixFDList *fds, const char *secret, GError **error);
