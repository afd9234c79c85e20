/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

typedef enum
{
  TRW_PROFILE_CONFINED, /* to the network */
  TRW_PROFILE_LOCAL,    /* tickets and tokens of the user besides */
} TrwProfile;

/* What the kernel gave us. */
typedef struct
{
  TrwProfile profile;
  int landlock; /* ABI version, 0 for none */
  gboolean seccomp;
} TrwConfinement;

/* The cheap part, to be done first of all: limits, no core dumps, no new privileges, no
 * environment but our own settings and what @profile needs, no descriptors but 0, 1, 2
 * and @keep_fd. */
gboolean
trw_confine_prepare (TrwProfile profile, int keep_fd, GError **error);

/* Files and calls, for the whole process and for good.  While there is one thread only:
 * Landlock covers the thread that asks and those it starts afterwards.  A kernel without
 * one of the two is no error. */
gboolean
trw_confine (TrwProfile profile, TrwConfinement *out_confinement, GError **error);
