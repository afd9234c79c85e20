/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/courier.h"
#include "core/scheduler.h"
#include "fake-clock.h"
#include "fake-launcher.h"
#include "fake-transport.h"
#include "fake-vault.h"

/* The core on a real store and spool in a temporary directory, with fakes for time, apps
 * and the network.  Can be torn down and built again on the same directory: a restart. */
typedef struct
{
  char *directory; /* (owned) */
  TrdEnv env;
  FakeClock *clock;         /* (owned) */
  FakeLauncher *launcher;   /* (owned) */
  FakeTransport *transport; /* (owned) */
  FakeVault *vault;         /* (owned): outlives a restart */
  TrdRegistry *registry;    /* (owned) */
  TrdScheduler *scheduler;  /* (owned) */
  TrdCourier *courier;      /* (owned) */
  TrdOwner *owner;          /* (owned): an app that can be launched */
  GPtrArray *said; /* (owned) (element-type utf8): what the outlet sent, by lines:
                    * "EVENT :1.7 TaskFinished 3 Cancelled", "FINISH :1.7 3", … */
} CoreFixture;

void
core_fixture_set_up (CoreFixture *self, gconstpointer data);
void
core_fixture_tear_down (CoreFixture *self, gconstpointer data);
/* As after kill -9: nothing is told, everything comes from the directory again. */
void
core_fixture_restart (CoreFixture *self);

/* Likewise, and the machine is started anew: the clock on the wall shows @now_us then. */
void
core_fixture_reboot (CoreFixture *self, gint64 now_us);

/* As if an earlier database had been found damaged. */
void
core_fixture_set_aside (CoreFixture *self);

/* A session "s" of the owner, with the text of an a{sv} as its configuration. */
TrdSession *
core_fixture_open (CoreFixture *self, const char *configuration);
TrdSession *
core_fixture_open_named (CoreFixture *self,
                         const char *identifier,
                         const char *configuration);
void
core_fixture_configure (CoreFixture *self,
                        TrdSession *session,
                        const char *configuration);
/* A task of it; @options is the text of an a{sv}. */
TrdTask *
core_fixture_create (CoreFixture *self,
                     TrdSession *session,
                     const char *url,
                     const char *options);
/* Writes @body into the part of its running attempt and says that it is complete. */
void
core_fixture_complete (CoreFixture *self, TrdTask *task, const char *body);
void
core_fixture_fail (CoreFixture *self, TrdTask *task, TrundleError code);

/* The line said last, or "". */
const char *
core_fixture_last (CoreFixture *self);
/* How many lines begin with @prefix. */
guint
core_fixture_count (CoreFixture *self, const char *prefix);
