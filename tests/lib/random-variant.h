/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* Values nobody thought of, of a given type: edges of numbers, odd strings, dictionaries
 * with our own keys and whatever else.  Floating. */
GVariant *
random_variant (GRand *random, const char *type);

/* "(sa{sv})" for a method with these arguments in.  (transfer full) */
char *
random_variant_type_of_arguments (GDBusMethodInfo *method);
