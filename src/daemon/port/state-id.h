/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* The id of a state directory, made when there is none: what of the keyring belongs to
 * it.  Its numbers alone would not do: they begin anew once the directory was deleted,
 * and another daemon of the same user has the same ones.  (transfer full); NULL when it
 * cannot be kept: then nothing may be stored under it. */
char *
trd_state_id_ensure (const char *directory, GError **error);
