/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* A trust store for connections to one server whose public keys are known: what another
 * one calls sound is not, unless a key of its chain is one of these (RFC 7469 §2.6). */
#define TRW_TYPE_PINS (trw_pins_get_type ())
G_DECLARE_FINAL_TYPE (TrwPins, trw_pins, TRW, PINS, GTlsDatabase)

/* `pins` of Begin, of the server at @uri; @anchors (nullable) (element-type
 * GTlsCertificate) are trusted besides.  @out_pins is NULL when there are none.  Errors:
 * INVALID_ARGUMENT. */
gboolean
trw_pins_read (
    GVariant *dict, GUri *uri, GPtrArray *anchors, TrwPins **out_pins, GError **error);

/* Before it is used: what is asked about all the rest.  @parent is (nullable). */
void
trw_pins_set_parent (TrwPins *self, GTlsDatabase *parent);

/* Whether they are of the server at @uri, and the certificate it shows has none of them.
 */
gboolean
trw_pins_refuse (TrwPins *self, GUri *uri, GTlsCertificate *chain);
