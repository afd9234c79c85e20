/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* Whom a task trusts besides those whom the system trusts. */
typedef struct
{
  GPtrArray *anchors;   /* (owned) (nullable) (element-type GTlsCertificate) */
  GVariant *exceptions; /* (owned) (nullable): `trusted-certificates` of Begin */
} TrwTrust;

/* Reads what Begin says.  Errors: TRUNDLE_ERROR_INVALID_ARGUMENT. */
gboolean
trw_trust_read (TrwTrust *self, GVariant *dict, GError **error);
void
trw_trust_clear (TrwTrust *self);

/* Whether a server or @is_proxy at @uri may have the certificate @chain, with which
 * *@flags is wrong. When not, *@flags is what is wrong with it by the anchor that came
 * nearest. */
gboolean
trw_trust_accepts (const TrwTrust *self,
                   GUri *uri,
                   gboolean is_proxy,
                   GTlsCertificate *chain,
                   GTlsCertificateFlags *flags);
