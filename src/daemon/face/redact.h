/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* What of a signal's parameters observers may see: every address in a dictionary, at any
 * depth, without its query (trundle_url_redact()), since tokens live there.
 * (transfer full), not floating */
GVariant *
trd_redact (GVariant *parameters);
