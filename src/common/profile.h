/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/* The argument of a worker of the profile "local", which may use what the user has on
 * this machine to say who he is: ticket caches and tokens.  One without an argument is
 * confined to the network. */
#define TRUNDLE_WORKER_LOCAL "local"

/* Variables that say where those are, the only ones that such a worker is given and
 * keeps; NULL at the end. */
extern const char *const trundle_local_variables[];
