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
trundle_check_cookie_policy (GVariant *value, GError **error);
gboolean
trundle_check_same_site (GVariant *value, GError **error);
gboolean
trundle_check_certificates (GVariant *value, GError **error);
gboolean
trundle_check_pins (GVariant *value, GError **error);
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
trundle_check_hosts (GVariant *value, GError **error);
gboolean
trundle_check_urls (GVariant *value, GError **error);
gboolean
trundle_check_retry (GVariant *value, GError **error);
gboolean
trundle_check_oauth2 (GVariant *value, GError **error);
gboolean
trundle_check_token_url (GVariant *value, GError **error);
gboolean
trundle_check_statuses (GVariant *value, GError **error);
gboolean
trundle_check_digests (GVariant *value, GError **error);
gboolean
trundle_check_handling (GVariant *value, GError **error);
gboolean
trundle_check_proxy (GVariant *value, GError **error);
gboolean
trundle_check_exclusions (GVariant *value, GError **error);
gboolean
trundle_check_protocol (GVariant *value, GError **error);
gboolean
trundle_check_host (GVariant *value, GError **error);
gboolean
trundle_check_line (GVariant *value, GError **error);
gboolean
trundle_check_identity (GVariant *value, GError **error);
gboolean
trundle_check_pkcs11_uri (GVariant *value, GError **error);
gboolean
trundle_check_persistence (GVariant *value, GError **error);
gboolean
trundle_check_auth_method (GVariant *value, GError **error);
gboolean
trundle_check_parts (GVariant *value, GError **error);
gboolean
trundle_check_snapshot (GVariant *value, GError **error);
gboolean
trundle_check_resumable (GVariant *value, GError **error);
gboolean
trundle_check_media_type (GVariant *value, GError **error);
