/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "port/keyring-session.h"
#include "port/keyring-watch.h"

/* What a verb of the vault does at the Secret Service: a GTask of the vault, with a
 * TrdErrand. */

/* What all errands of a vault share. */
typedef struct
{
  GDBusConnection *bus;       /* (owned) */
  TrdKeyringWatch *watch;     /* (owned) */
  TrdKeyringSession *session; /* (owned) */
  GQueue writes;              /* (element-type GTask) (unowned): the first is under way */
  guint timeout_ms;
} TrdKeyring;

typedef enum
{
  TRD_ERRAND_FIND,
  TRD_ERRAND_STORE,
  TRD_ERRAND_REMOVE
} TrdErrandVerb;

typedef struct
{
  char *path; /* (owned) */
  gboolean locked;
  GHashTable *attributes; /* (owned) (nullable): once read, if it is of the kind */
  GBytes *secret;         /* (owned) (nullable) */
} TrdErrandItem;

typedef struct
{
  TrdKeyring *keyring; /* (unowned): of the vault, which the task holds */
  TrdErrandVerb verb;
  TrdVaultKind kind;
  GHashTable *attributes; /* (owned) */
  gboolean exact;         /* items that have more are not meant: of those removed */
  char *label;            /* (owned) (nullable) */
  GBytes *secret;         /* (owned) (nullable) */
  GCancellable *calls;    /* (owned): those under way */
  GSource *impatience;    /* (owned) (nullable): the caller gives up */
  GSource *timeout;       /* (owned) (nullable) */
  gboolean started;
  gboolean timed_out;
  guint n_calls;    /* of one step, side by side */
  GPtrArray *items; /* (owned) (element-type TrdErrandItem) */
  char *written;    /* (owned) (nullable): the path of the item */
  GError *error;    /* (owned) (nullable): the first of all calls */
} TrdErrand;

/* The errand of @task, which begins with the next.  (transfer none) */
TrdErrand *
trd_errand_new (TrdKeyring *keyring,
                GTask *task,
                TrdErrandVerb verb,
                TrdVaultKind kind,
                GHashTable *attributes);

/* Takes @task (transfer full) on its way: at once, or after other writes. */
void
trd_errand_begin (GTask *task);

/* ---- for its steps ---- */

/* Returns @task (transfer full). */
void
trd_errand_end (GTask *task);

/* Ends it if something failed: of a service that is gone nothing is found, and that is
 * no error. */
gboolean
trd_errand_has_failed (GTask *task);

/* Makes it fail, as one the keyring is not open for. */
void
trd_errand_refuse (TrdErrand *errand);

/* Whether that error tells that the service is. */
gboolean
trd_errand_is_gone (const GError *error);

/* The steps, to the end. */
void
trd_errand_run (GTask *task);
