/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/* Keeps the daemon small: a call that makes ten thousand tasks is over in a moment, and
 * so should be the memory it took.  And keeps what is in it from others. */

/* First thing in main(). */
void
trd_memory_set_up (void);

/* What was freed goes back to the system; when nothing else is to be done. */
void
trd_memory_give_back (void);
