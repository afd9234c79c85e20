/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* Answers in this process for the system's proxy settings: that there is no proxy, or,
 * when broken, that they cannot be found out.  Before GIO is first asked for them. */
void
fake_resolver_register (void);

void
fake_resolver_set_broken (gboolean is_broken);
