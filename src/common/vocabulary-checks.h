/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* Validators of the vocabulary's table, for vocabulary.c alone.  Errors:
 * TRUNDLE_ERROR_INVALID_ARGUMENT. */
gboolean
trundle_check_app_id (GVariant *value, GError **error);
gboolean
trundle_check_past_app_id (GVariant *value, GError **error);
gboolean
trundle_check_bus_name (GVariant *value, GError **error);
gboolean
trundle_check_headers (GVariant *value, GError **error);
gboolean
trundle_check_method (GVariant *value, GError **error);
gboolean
trundle_check_accept_status (GVariant *value, GError **error);
gboolean
trundle_check_redirects (GVariant *value, GError **error);
gboolean
trundle_check_certificates (GVariant *value, GError **error);
gboolean
trundle_check_file_name (GVariant *value, GError **error);
gboolean
trundle_check_absolute_path (GVariant *value, GError **error);
gboolean
trundle_check_if_exists (GVariant *value, GError **error);
gboolean
trundle_check_kind (GVariant *value, GError **error);
gboolean
trundle_check_states (GVariant *value, GError **error);
gboolean
trundle_check_property_names (GVariant *value, GError **error);
gboolean
trundle_check_range (GVariant *value, GError **error);
gboolean
trundle_check_urls (GVariant *value, GError **error);
gboolean
trundle_check_retry (GVariant *value, GError **error);
gboolean
trundle_check_statuses (GVariant *value, GError **error);
gboolean
trundle_check_digests (GVariant *value, GError **error);
