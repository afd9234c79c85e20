/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/registry.h"

/* What a server has answered to the upload of @row, which has succeeded, as long as its
 * file is there and is not larger than `response-body-max`; NULL otherwise.  (transfer
 * full) (nullable) */
GBytes *
trd_answer_read (TrdRegistry *registry, const TrdTaskRow *row);

/* The details of @event as its consumer hears them: with what a server has answered.
 * (transfer full), not floating */
GVariant *
trd_answer_tell (TrdRegistry *registry, const TrdEvent *event);
