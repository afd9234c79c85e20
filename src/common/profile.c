/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What daemon and workers must agree on about the profile "local". */

#include "config.h"

#include "common/profile.h"

#include <stddef.h>

/* None of them has a secret in it, and none has code loaded from a place of its own. */
const char *const trundle_local_variables[] = {
  "HOME",
  "XDG_CONFIG_HOME",
  "XDG_RUNTIME_DIR",
  /* Kerberos */
  "KRB5CCNAME",
  "KRB5_CONFIG",
  "KRB5_CLIENT_KTNAME",
  "GSS_USE_PROXY",
  "GSSPROXY_SOCKET",
  /* PKCS#11 */
  "P11_KIT_SERVER_ADDRESS",
  "PCSCLITE_CSOCK_NAME",
  "OPENSC_CONF",
  "SOFTHSM2_CONF",
  NULL,
};
