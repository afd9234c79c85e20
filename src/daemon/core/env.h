/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "port/clock.h"
#include "port/conditions.h"
#include "port/launcher.h"
#include "port/spool.h"
#include "port/store.h"
#include "port/transport.h"
#include "port/vault.h"

/* The only dependency injection: borrowed pointers to the ports, filled once by the
 * service, or by a test with fakes.  May never hold an object of core or face. */
typedef struct
{
  TrdClock *clock; /* (unowned), outlives us, as all of these */
  TrdConditions *conditions;
  TrdStore *store;
  TrdSpool *spool;
  TrdTransport *transport;
  TrdLauncher *launcher;
  TrdVault *vault;
  const char *state_id; /* (nullable): of what is stored in the vault; NULL: nothing may
                         * be, and nothing is there */
  const char *worker_program; /* (nullable): for Check to look at */
  gboolean rebooted;          /* the machine was, since a daemon last ran on this state */
  gboolean new_boot;          /* likewise, or nothing is known of it: what is stored of
                               * CLOCK_BOOTTIME is not of this boot */
  TrdMoment last; /* of that daemon's boot, when it last looked; 0 when not known */
  GRand *random;  /* seeded: tests are exact */
} TrdEnv;
