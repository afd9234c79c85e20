/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "value/moment.h"

/* Whether this is the first start of the service since the user logged in: the user's bus
 * is a new one then.  Remembers it in @state_directory, so that the next call says FALSE.
 */
gboolean
trd_login_is_new (const char *state_directory, GDBusConnection *bus);

/* What is remembered of the boot in which the service ran last. */
typedef struct
{
  gboolean rebooted; /* the machine was started anew since */
  gboolean unknown;  /* nothing is remembered */
  TrdMoment last;    /* when trd_boot_remember() was called last; 0 when not known */
} TrdBoot;

TrdBoot
trd_boot_recall (const char *state_directory);
/* To be called when all is done that a new boot asks for, when the clock was set, and in
 * the end: what is left of a delay after a reboot is computed from @now. */
void
trd_boot_remember (const char *state_directory, TrdMoment now);
