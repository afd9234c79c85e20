/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "face/call.h"

/* Methods of a session: @object is one the caller may address. */
void
trd_handle_set_credential (gpointer object, TrdCall *call);
void
trd_handle_remove_credential (gpointer object, TrdCall *call);
void
trd_handle_list_credentials (gpointer object, TrdCall *call);

/* Of a task. */
void
trd_handle_respond_to_challenge (gpointer object, TrdCall *call);
