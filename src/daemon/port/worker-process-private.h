/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "port/worker-guard.h"
#include "port/worker-process.h"
#include "port/worker-pulse.h"

#include <signal.h>

/* What worker-process.c (life and death) and worker-broker.c (what is said meanwhile)
 * share. */

typedef enum
{
  TRD_WORKER_NEW,
  TRD_WORKER_STARTING, /* no Hello yet */
  TRD_WORKER_READY,
  TRD_WORKER_LEAVING, /* was told so, or got a signal of ours */
  TRD_WORKER_GONE,
} TrdWorkerState;

struct _TrdWorkerProcess
{
  GObject parent_instance;

  char *program; /* (owned) */
  TrdProfile profile;
  const TrdWorkerEvents *events; /* (unowned) (nullable): NULL once abandoned */
  gpointer user_data;            /* (unowned) */
  TrdWorkerPatience patience;
  TrdWorkerState state;
  gboolean was_ready;
  gboolean is_mismatched;
  gboolean is_dismissed; /* by who owns it, not by its own silence */
  int next_signal;       /* for one that lingers */

  int pid;   /* 0 for none */
  int pidfd; /* (owned), -1 for none */
  gboolean is_reaped;
  siginfo_t death; /* once reaped */
  gboolean is_connecting;
  gboolean is_hung_up;         /* all it said has been told */
  TrdWorkerGuard *guard;       /* (owned) (nullable) */
  GDBusConnection *connection; /* (owned) (nullable) */
  TrdWorkerPulse *pulse;       /* (owned) (nullable): while there is a connection */
  guint registration_id;
  GCancellable *cancellable;  /* (owned): what goes on for this process */
  GHashTable *stop_deadlines; /* (owned): attempt to source id, of unanswered Stops */

  guint start_source;
  guint timer_source; /* for Hello, then for leaving, then for end of file */
  guint death_source;
};

/* The worker's Hello was good. */
void
trd_worker_process_welcome (TrdWorkerProcess *self);
/* It was not: the worker is of another version. */
void
trd_worker_process_reject (TrdWorkerProcess *self);

/* The Broker interface, whose description is never freed. */
GDBusInterfaceInfo *
trd_worker_broker_get_interface (void);

/* Exports it to the worker; returns the id of the registration. */
guint
trd_worker_broker_export (TrdWorkerProcess *self, GDBusConnection *connection);
