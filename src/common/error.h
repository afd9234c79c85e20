/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/**
 * TRUNDLE_ERROR:
 *
 * Error domain of Trundle.  On the bus each code is
 * `org.freedesktop.BackgroundTransfer1.Error.<Name>`; the domain is registered with GDBus
 * the first time trundle_error_quark() is called.
 */
#define TRUNDLE_ERROR (trundle_error_quark ())
GQuark
trundle_error_quark (void);

/* Codes are stored in the database by name, so their order may change, their names not.
 */
typedef enum
{
  TRUNDLE_ERROR_FAILED,

  /* Answers to calls */
  TRUNDLE_ERROR_INVALID_ARGUMENT,
  TRUNDLE_ERROR_NOT_FOUND,
  TRUNDLE_ERROR_BAD_STATE,
  TRUNDLE_ERROR_NOT_ALLOWED,
  TRUNDLE_ERROR_LIMIT_EXCEEDED,
  TRUNDLE_ERROR_SESSION_IN_USE,
  TRUNDLE_ERROR_INVALID_URL,
  TRUNDLE_ERROR_UNSUPPORTED_SCHEME,
  TRUNDLE_ERROR_INVALID_RESUME_DATA,

  /* Ends of tasks; some also answer a call */
  TRUNDLE_ERROR_CANCELLED,
  TRUNDLE_ERROR_TIMED_OUT,
  TRUNDLE_ERROR_HOST_NOT_FOUND,
  TRUNDLE_ERROR_CANNOT_CONNECT,
  TRUNDLE_ERROR_CONNECTION_LOST,
  TRUNDLE_ERROR_TOO_MANY_REDIRECTS,
  TRUNDLE_ERROR_BAD_REDIRECT,
  TRUNDLE_ERROR_PROTOCOL_ERROR,
  TRUNDLE_ERROR_HTTP_STATUS,
  TRUNDLE_ERROR_AUTHENTICATION_CANCELLED,
  TRUNDLE_ERROR_AUTHENTICATION_REQUIRED,
  TRUNDLE_ERROR_DECODE_FAILED,
  TRUNDLE_ERROR_INSECURE_TRANSPORT,
  TRUNDLE_ERROR_TLS_FAILED,
  TRUNDLE_ERROR_CLIENT_CERTIFICATE_REJECTED,
  TRUNDLE_ERROR_CLIENT_CERTIFICATE_REQUIRED,
  TRUNDLE_ERROR_FILE_NOT_FOUND,
  TRUNDLE_ERROR_FILE_IS_DIRECTORY,
  TRUNDLE_ERROR_FILE_PERMISSION,
  TRUNDLE_ERROR_FILE_EXISTS,
  TRUNDLE_ERROR_DESTINATION_GONE,
  TRUNDLE_ERROR_TOO_LARGE,
  TRUNDLE_ERROR_NO_SPACE,
  TRUNDLE_ERROR_WRITE_FAILED,
  TRUNDLE_ERROR_SOURCE_CHANGED,
  TRUNDLE_ERROR_ENGINE_CRASH,
  TRUNDLE_ERROR_INTEGRITY_FAILED,
} TrundleError;

#define TRUNDLE_N_ERRORS (TRUNDLE_ERROR_INTEGRITY_FAILED + 1)

/* "HttpStatus" for TRUNDLE_ERROR_HTTP_STATUS: the last word of the D-Bus name. */
const char *
trundle_error_to_name (TrundleError code);

/* Accepts the last word or the whole D-Bus name; FALSE for a name that is not ours. */
gboolean
trundle_error_from_name (const char *name, TrundleError *out_code);
