/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* One cell of a state table: the next state, or one of these marks. */
#define TRD_CELL_MARK_SAME -1
#define TRD_CELL_MARK_NEVER -2

typedef enum
{
  TRD_CELL_MOVE,   /* legal, and the state changes */
  TRD_CELL_SAME,   /* legal, and nothing happens */
  TRD_CELL_ILLEGAL /* from inside a bug, from the bus BadState */
} TrdCell;

/* What @mark means in @state; @out_next is set for MOVE and SAME. */
static inline TrdCell
trd_cell_read (int mark, guint state, guint *out_next)
{
  if (mark == TRD_CELL_MARK_NEVER)
    return TRD_CELL_ILLEGAL;

  *out_next = mark == TRD_CELL_MARK_SAME ? state : (guint)mark;
  return mark == TRD_CELL_MARK_SAME ? TRD_CELL_SAME : TRD_CELL_MOVE;
}
