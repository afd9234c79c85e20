/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "service.h"

int
trd_service_run (const TrdServiceOptions *options)
{
  g_critical ("The house is not composed yet");
  return 1;
}
