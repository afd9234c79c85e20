/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* The certificates of a PEM text.  NULL when there is none in it, or one is broken:
 * TRUNDLE_ERROR_INVALID_ARGUMENT.  (element-type GTlsCertificate) (transfer full) */
GPtrArray *
trw_trust_parse (const char *pem, GError **error);

/* TRUE when the chain leads to one of @anchors with nothing else wrong.  @out_flags gets
 * what is wrong with it by the anchor that came nearest. */
gboolean
trw_trust_verify (GPtrArray *anchors,
                  GTlsCertificate *chain,
                  GSocketConnectable *identity,
                  GTlsCertificateFlags *out_flags);
