/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "common/error.h"
#include "core-fixture.h"
#include "face/gate.h"

/* The daemon but for its main(), on a bus of its own: the real core behind the real gate,
 * and clients on connections of their own.  All are one process, so that who a client is
 * comes from a tree that looks like /proc, changed before each introduces itself. */
typedef struct
{
  CoreFixture core;
  GTestDBus *bus;            /* (owned) */
  GDBusConnection *service;  /* (owned) */
  TrdGate *gate;             /* (owned) */
  char *proc_root;           /* (owned) */
  GDBusConnection *app;      /* (owned): host, unit of org.example.App */
  GDBusConnection *stranger; /* (owned): flatpak org.example.B */
} BusFixture;

void
bus_fixture_set_up (BusFixture *self, gconstpointer data);
void
bus_fixture_tear_down (BusFixture *self, gconstpointer data);

/* A new connection, not yet known to the gate.  (transfer full) */
GDBusConnection *
bus_fixture_connect (BusFixture *self);
/* What the next peer to be identified will turn out to be: contents of .flatpak-info,
 * NULL for none, and of the cgroup file. */
void
bus_fixture_disguise (BusFixture *self, const char *flatpak_info, const char *cgroup);
/* Connects as somebody, and makes one call so that the gate knows it.  (transfer full) */
GDBusConnection *
bus_fixture_connect_as (BusFixture *self, const char *flatpak_info, const char *cgroup);
#define BUS_FIXTURE_FLATPAK(id, shared)                                                  \
  "[Application]\nname=" id "\n\n[Context]\nshared=" shared ";\n"

/* Calls and waits, running the service meanwhile.  @arguments is GVariant text, NULL for
 * none.  (transfer full) */
GVariant *
bus_fixture_call (BusFixture *self,
                  GDBusConnection *client,
                  const char *path,
                  const char *interface,
                  const char *method,
                  const char *arguments,
                  GError **error);
/* The same with a variant (consumed if floating) and fds (nullable). */
GVariant *
bus_fixture_call_full (BusFixture *self,
                       GDBusConnection *client,
                       const char *path,
                       const char *interface,
                       const char *method,
                       GVariant *arguments,
                       GUnixFDList *fds,
                       GUnixFDList **out_fds,
                       GError **error);

/* Must succeed.  (transfer full) */
char *
bus_fixture_open_session (BusFixture *self,
                          GDBusConnection *client,
                          const char *identifier,
                          const char *configuration);
char *
bus_fixture_create_task (BusFixture *self,
                         GDBusConnection *client,
                         const char *session,
                         const char *options);
/* Calls a method of the session behind a path; it must succeed.  (transfer full) */
GVariant *
bus_fixture_ask_session (BusFixture *self,
                         GDBusConnection *client,
                         const char *session,
                         const char *method,
                         const char *arguments);
/* The same, and it must fail so. */
void
bus_fixture_fail_session (BusFixture *self,
                          GDBusConnection *client,
                          const char *session,
                          const char *method,
                          const char *arguments,
                          TrundleError code);
/* The task behind a path. */
TrdTask *
bus_fixture_find_task (BusFixture *self, const char *path);

/* Everything @client hears that the bus itself did not say, as lines: "TaskFinished
 * /org/…/session/1 (uint64 1, …)".  The log lives until the connection's end.
 * (element-type utf8) (transfer none) */
GPtrArray *
bus_fixture_listen (BusFixture *self, GDBusConnection *client);
/* Index of the first line from @from that begins with @prefix, or -1. */
int
bus_fixture_find_line (GPtrArray *log, guint from, const char *prefix);
/* Runs until what was sent so far must have arrived at @client. */
void
bus_fixture_drain (BusFixture *self, GDBusConnection *client);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GDBusInterfaceInfo, g_dbus_interface_info_unref)

/* The interface description.  (transfer full) */
GDBusInterfaceInfo *
bus_fixture_load_interface (const char *name);
