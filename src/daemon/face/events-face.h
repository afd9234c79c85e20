/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "face/call.h"

/* Methods of a session, which is @object. */
void
trd_handle_list_events (gpointer object, TrdCall *call);
void
trd_handle_complete_events (gpointer object, TrdCall *call);
