/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* Certificates in words, for somebody who is to say whether he trusts one. */

/* What one in DER says of itself, a line each, each with @indent before it; what cannot
 * be read is left out, but never the fingerprint. */
void
trc_certificate_describe (GString *out, GVariant *der, const char *indent);
/* What is wrong with it (GTlsCertificateFlags), likewise. */
void
trc_certificate_describe_flags (GString *out, guint flags, const char *indent);
