/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "state-table.h"

void
state_table_check (
    const char *expected, TrdCell cell, guint state, guint next, const char *next_word)
{
  if (g_str_equal (expected, "x"))
    {
      g_assert_cmpint (cell, ==, TRD_CELL_ILLEGAL);
      g_assert_cmpuint (next, ==, STATE_TABLE_UNTOUCHED);
    }
  else if (g_str_equal (expected, "="))
    {
      g_assert_cmpint (cell, ==, TRD_CELL_SAME);
      g_assert_cmpuint (next, ==, state);
    }
  else
    {
      g_assert_cmpint (cell, ==, TRD_CELL_MOVE);
      g_assert_cmpstr (next_word, ==, expected);
    }
}
