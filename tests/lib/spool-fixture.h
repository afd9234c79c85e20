/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "await.h"
#include "files.h"
#include "port/spool.h"

/* A spool in a temporary directory. */
typedef struct
{
  char *root;
  char *state;
  char *target; /* a destination directory */
  TrdSpool *spool;
} SpoolFixture;

void
spool_fixture_set_up (SpoolFixture *fixture, gconstpointer data);
void
spool_fixture_tear_down (SpoolFixture *fixture, gconstpointer data);

/* What came of the attempt so far. */
void
spool_fixture_write_part (SpoolFixture *fixture, const TrdPlace *place, const char *text);
