/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* A folder of certificates that were just made, so that none is ever out of date. */
typedef struct _Certificates Certificates;

Certificates *
certificates_new (void);
void
certificates_free (Certificates *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Certificates, certificates_free)

typedef struct
{
  const char *issuer; /* name of one there is; NULL: signed by itself */
  const char *names;  /* as subjectAltName, "IP:127.0.0.1"; NULL: an authority */
  gboolean is_expired;
  const char *subject; /* NULL: the name */
} CertificateKind;

/* Makes NAME.key and NAME.pem; the subject is CN=NAME, or
 * what is said. */
void
certificates_add (Certificates *self, const char *name, const CertificateKind *kind);

/* Runs openssl with @arguments in the folder. */
void
certificates_run (Certificates *self, const char *arguments);

/* (transfer full) */
char *
certificates_path (Certificates *self, const char *file);
/* The contents of several files, "a.pem b.pem", in one.  (transfer full) */
char *
certificates_read (Certificates *self, const char *files);
/* SHA-256 of the certificate NAME.pem.  (transfer full) */
GBytes *
certificates_digest (Certificates *self, const char *name);
/* "sha256/BASE64" of its public key, as openssl says.  (transfer full) */
char *
certificates_pin (Certificates *self, const char *name);
/* NAME.pem with its key.  (transfer full) */
GTlsCertificate *
certificates_load (Certificates *self, const char *name);

/* openssl s_server in the folder: a page that tells of the connection at every path.  It
 * knows session tickets, either version of TLS, and to ask for certificates. */
typedef struct _TlsServer TlsServer;

/* @options: (nullable): more of s_server. */
TlsServer *
tls_server_new (Certificates *certificates, const char *name, const char *options);
void
tls_server_free (TlsServer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TlsServer, tls_server_free)

guint16
tls_server_get_port (TlsServer *self);
