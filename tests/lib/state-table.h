/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/cell.h"

/* What a cell gave, against the word written down for it: a state's name, "=" for nothing
 * happens, "x" for never. */
void
state_table_check (
    const char *expected, TrdCell cell, guint state, guint next, const char *next_word);

/* What @next is set to before it is asked: an illegal cell must leave it. */
#define STATE_TABLE_UNTOUCHED 99
