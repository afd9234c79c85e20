/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "face/call.h"

/* The methods of a session about its cookies. */
void
trd_cookies_face_set (gpointer object, TrdCall *call);
void
trd_cookies_face_get (gpointer object, TrdCall *call);
void
trd_cookies_face_clear (gpointer object, TrdCall *call);
