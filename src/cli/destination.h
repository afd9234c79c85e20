/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cli/command.h"

/* What the service would refuse only when the file is there, is told before: whether
 * @path can be used with @if_exists (nullable: "fail"). */
TrcExit
trc_destination_check (const char *path, const char *if_exists);
