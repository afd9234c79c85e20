/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The error domain: one table of codes and D-Bus names, in the order of the codes. */

#include "config.h"

#include "common/error.h"

#include "common/names.h"

#include <string.h>

static const GDBusErrorEntry entries[] = {
  { TRUNDLE_ERROR_FAILED, TRUNDLE_ERROR_PREFIX "Failed" },
  { TRUNDLE_ERROR_INVALID_ARGUMENT, TRUNDLE_ERROR_PREFIX "InvalidArgument" },
  { TRUNDLE_ERROR_NOT_FOUND, TRUNDLE_ERROR_PREFIX "NotFound" },
  { TRUNDLE_ERROR_BAD_STATE, TRUNDLE_ERROR_PREFIX "BadState" },
  { TRUNDLE_ERROR_NOT_ALLOWED, TRUNDLE_ERROR_PREFIX "NotAllowed" },
  { TRUNDLE_ERROR_LIMIT_EXCEEDED, TRUNDLE_ERROR_PREFIX "LimitExceeded" },
  { TRUNDLE_ERROR_SESSION_IN_USE, TRUNDLE_ERROR_PREFIX "SessionInUse" },
  { TRUNDLE_ERROR_INVALID_URL, TRUNDLE_ERROR_PREFIX "InvalidUrl" },
  { TRUNDLE_ERROR_UNSUPPORTED_SCHEME, TRUNDLE_ERROR_PREFIX "UnsupportedScheme" },
  { TRUNDLE_ERROR_INVALID_RESUME_DATA, TRUNDLE_ERROR_PREFIX "InvalidResumeData" },
  { TRUNDLE_ERROR_CANCELLED, TRUNDLE_ERROR_PREFIX "Cancelled" },
  { TRUNDLE_ERROR_TIMED_OUT, TRUNDLE_ERROR_PREFIX "TimedOut" },
  { TRUNDLE_ERROR_HOST_NOT_FOUND, TRUNDLE_ERROR_PREFIX "HostNotFound" },
  { TRUNDLE_ERROR_CANNOT_CONNECT, TRUNDLE_ERROR_PREFIX "CannotConnect" },
  { TRUNDLE_ERROR_CONNECTION_LOST, TRUNDLE_ERROR_PREFIX "ConnectionLost" },
  { TRUNDLE_ERROR_TOO_MANY_REDIRECTS, TRUNDLE_ERROR_PREFIX "TooManyRedirects" },
  { TRUNDLE_ERROR_BAD_REDIRECT, TRUNDLE_ERROR_PREFIX "BadRedirect" },
  { TRUNDLE_ERROR_PROTOCOL_ERROR, TRUNDLE_ERROR_PREFIX "ProtocolError" },
  { TRUNDLE_ERROR_HTTP_STATUS, TRUNDLE_ERROR_PREFIX "HttpStatus" },
  { TRUNDLE_ERROR_AUTHENTICATION_CANCELLED,
    TRUNDLE_ERROR_PREFIX "AuthenticationCancelled" },
  { TRUNDLE_ERROR_AUTHENTICATION_REQUIRED,
    TRUNDLE_ERROR_PREFIX "AuthenticationRequired" },
  { TRUNDLE_ERROR_DECODE_FAILED, TRUNDLE_ERROR_PREFIX "DecodeFailed" },
  { TRUNDLE_ERROR_INSECURE_TRANSPORT, TRUNDLE_ERROR_PREFIX "InsecureTransport" },
  { TRUNDLE_ERROR_TLS_FAILED, TRUNDLE_ERROR_PREFIX "TlsFailed" },
  { TRUNDLE_ERROR_CLIENT_CERTIFICATE_REJECTED,
    TRUNDLE_ERROR_PREFIX "ClientCertificateRejected" },
  { TRUNDLE_ERROR_CLIENT_CERTIFICATE_REQUIRED,
    TRUNDLE_ERROR_PREFIX "ClientCertificateRequired" },
  { TRUNDLE_ERROR_FILE_NOT_FOUND, TRUNDLE_ERROR_PREFIX "FileNotFound" },
  { TRUNDLE_ERROR_FILE_IS_DIRECTORY, TRUNDLE_ERROR_PREFIX "FileIsDirectory" },
  { TRUNDLE_ERROR_FILE_PERMISSION, TRUNDLE_ERROR_PREFIX "FilePermission" },
  { TRUNDLE_ERROR_FILE_EXISTS, TRUNDLE_ERROR_PREFIX "FileExists" },
  { TRUNDLE_ERROR_DESTINATION_GONE, TRUNDLE_ERROR_PREFIX "DestinationGone" },
  { TRUNDLE_ERROR_TOO_LARGE, TRUNDLE_ERROR_PREFIX "TooLarge" },
  { TRUNDLE_ERROR_NO_SPACE, TRUNDLE_ERROR_PREFIX "NoSpace" },
  { TRUNDLE_ERROR_WRITE_FAILED, TRUNDLE_ERROR_PREFIX "WriteFailed" },
  { TRUNDLE_ERROR_SOURCE_CHANGED, TRUNDLE_ERROR_PREFIX "SourceChanged" },
  { TRUNDLE_ERROR_ENGINE_CRASH, TRUNDLE_ERROR_PREFIX "EngineCrash" },
  { TRUNDLE_ERROR_INTEGRITY_FAILED, TRUNDLE_ERROR_PREFIX "IntegrityFailed" },
};
G_STATIC_ASSERT (G_N_ELEMENTS (entries) == TRUNDLE_N_ERRORS);

GQuark
trundle_error_quark (void)
{
  static gsize quark = 0;

  g_dbus_error_register_error_domain (
      "trundle-error-quark", &quark, entries, G_N_ELEMENTS (entries));
  return (GQuark)quark;
}

const char *
trundle_error_to_name (TrundleError code)
{
  g_return_val_if_fail ((guint)code < TRUNDLE_N_ERRORS, NULL);

  return entries[code].dbus_error_name + strlen (TRUNDLE_ERROR_PREFIX);
}

gboolean
trundle_error_from_name (const char *name, TrundleError *out_code)
{
  g_return_val_if_fail (name != NULL, FALSE);

  if (g_str_has_prefix (name, TRUNDLE_ERROR_PREFIX))
    name += strlen (TRUNDLE_ERROR_PREFIX);

  for (guint i = 0; i < G_N_ELEMENTS (entries); i++)
    {
      if (strcmp (entries[i].dbus_error_name + strlen (TRUNDLE_ERROR_PREFIX), name) == 0)
        {
          *out_code = (TrundleError)entries[i].error_code;
          return TRUE;
        }
    }
  return FALSE;
}
