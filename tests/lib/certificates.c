/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Certificates and TLS servers by openssl. */

#include "config.h"

#include "certificates.h"

#include <glib/gstdio.h>
#include <string.h>

/* `openssl ca` is the only command that takes dates of the past (3.0). */
static const char configuration[] = "[ca]\n"
                                    "default_ca = defaults\n"
                                    "[defaults]\n"
                                    "database = index.txt\n"
                                    "new_certs_dir = issued\n"
                                    "rand_serial = yes\n"
                                    "unique_subject = no\n"
                                    "default_md = sha256\n"
                                    "policy = policy\n"
                                    "[policy]\n"
                                    "commonName = supplied\n"
                                    "[req]\n"
                                    "distinguished_name = name\n"
                                    "[name]\n";

/* So that nothing but a signature tells two authorities of one name apart. */
#define NO_IDENTIFIERS "subjectKeyIdentifier=none\nauthorityKeyIdentifier=none\n"

struct _Certificates
{
  char *folder; /* (owned) */
};

static void
write_file (Certificates *self, const char *name, const char *text)
{
  g_autofree char *path = certificates_path (self, name);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
}

Certificates *
certificates_new (void)
{
  Certificates *self = g_new0 (Certificates, 1);
  g_autoptr (GError) error = NULL;
  g_autofree char *issued = NULL;

  self->folder = g_dir_make_tmp ("trundle-tls-XXXXXX", &error);
  g_assert_no_error (error);
  issued = certificates_path (self, "issued");
  g_assert_no_errno (g_mkdir (issued, 0700));
  write_file (self, "openssl.cnf", configuration);
  write_file (self, "index.txt", "");
  return self;
}

static void
remove_all (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_all (child);
    }
  g_remove (path);
}

void
certificates_free (Certificates *self)
{
  remove_all (self->folder);
  g_free (self->folder);
  g_free (self);
}

char *
certificates_path (Certificates *self, const char *file)
{
  return g_build_filename (self->folder, file, NULL);
}

void
certificates_run (Certificates *self, const char *arguments)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDERR_PIPE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE);
  g_autofree char *line = g_strconcat ("openssl ", arguments, NULL);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *words = NULL;
  g_auto (GStrv) argv = NULL;

  g_assert_true (g_shell_parse_argv (line, NULL, &argv, NULL));
  g_subprocess_launcher_set_cwd (launcher, self->folder);
  process = g_subprocess_launcher_spawnv (launcher, (const char *const *)argv, &error);
  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (process, NULL, NULL, NULL, &words, &error);
  g_assert_no_error (error);
  if (!g_subprocess_get_successful (process))
    g_error ("%s: %s", line, words);
}

void
certificates_add (Certificates *self, const char *name, const CertificateKind *kind)
{
  g_autofree char *extensions = NULL;
  g_autofree char *file = g_strconcat (name, ".ext", NULL);
  g_autofree char *request = g_strdup_printf (
      "req -new -config openssl.cnf -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
      "-subj /CN=%s -keyout %s.key -out %s.csr",
      kind->subject != NULL ? kind->subject : name,
      name,
      name);
  g_autofree char *who = NULL;
  g_autofree char *issue = NULL;

  if (kind->names != NULL)
    extensions = g_strdup_printf (
        "basicConstraints=CA:FALSE\nsubjectAltName=%s\n" NO_IDENTIFIERS, kind->names);
  else
    extensions = g_strdup ("basicConstraints=critical,CA:TRUE\n"
                           "keyUsage=critical,keyCertSign,cRLSign\n" NO_IDENTIFIERS);
  write_file (self, file, extensions);
  if (kind->issuer != NULL)
    who = g_strdup_printf ("-cert %s.pem -keyfile %s.key", kind->issuer, kind->issuer);
  else
    who = g_strdup_printf ("-selfsign -keyfile %s.key", name);
  issue = g_strdup_printf (
      "ca -batch -notext -config openssl.cnf -extfile %s -in %s.csr -out %s.pem %s %s",
      file,
      name,
      name,
      who,
      kind->is_expired ? "-startdate 20200101000000Z -enddate 20200201000000Z"
                       : "-days 2");
  certificates_run (self, request);
  certificates_run (self, issue);
}

char *
certificates_read (Certificates *self, const char *files)
{
  g_auto (GStrv) names = g_strsplit (files, " ", -1);
  g_autoptr (GString) all = g_string_new (NULL);

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autofree char *path = certificates_path (self, names[i]);
      g_autofree char *text = NULL;
      g_autoptr (GError) error = NULL;

      g_file_get_contents (path, &text, NULL, &error);
      g_assert_no_error (error);
      g_string_append (all, text);
    }
  return g_string_free (g_steal_pointer (&all), FALSE);
}

GBytes *
certificates_digest (Certificates *self, const char *name)
{
  g_autoptr (GTlsCertificate) certificate = certificates_load (self, name);
  g_autoptr (GByteArray) der = NULL;
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  guint8 digest[32];
  gsize size = sizeof digest;

  g_object_get (certificate, "certificate", &der, NULL);
  g_checksum_update (checksum, der->data, der->len);
  g_checksum_get_digest (checksum, digest, &size);
  return g_bytes_new (digest, size);
}

char *
certificates_pin (Certificates *self, const char *name)
{
  g_autofree char *to_pem = g_strdup_printf (
      "x509 -in %s.pem -noout -pubkey -out %s.pub", name, name);
  g_autofree char *to_der = g_strdup_printf (
      "pkey -pubin -in %s.pub -outform DER -out %s.spki", name, name);
  g_autofree char *file = g_strconcat (name, ".spki", NULL);
  g_autofree char *path = certificates_path (self, file);
  g_autofree char *der = NULL;
  g_autofree char *base64 = NULL;
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  guint8 digest[32];
  gsize size;

  certificates_run (self, to_pem);
  certificates_run (self, to_der);
  g_assert_true (g_file_get_contents (path, &der, &size, NULL));
  g_checksum_update (checksum, (const guint8 *)der, (gssize)size);
  size = sizeof digest;
  g_checksum_get_digest (checksum, digest, &size);
  base64 = g_base64_encode (digest, sizeof digest);
  return g_strconcat ("sha256/", base64, NULL);
}

GTlsCertificate *
certificates_load (Certificates *self, const char *name)
{
  g_autofree char *files = g_strdup_printf ("%s.pem %s.key", name, name);
  g_autofree char *pem = certificates_read (self, files);
  g_autoptr (GError) error = NULL;
  GTlsCertificate *certificate = g_tls_certificate_new_from_pem (pem, -1, &error);

  g_assert_no_error (error);
  return certificate;
}

struct _TlsServer
{
  GSubprocess *process; /* (owned) */
  guint16 port;
};

/* "ACCEPT 127.0.0.1:PORT" */
static guint16
read_port (GSubprocess *process)
{
  g_autoptr (GDataInputStream) lines = g_data_input_stream_new (
      g_subprocess_get_stdout_pipe (process));

  while (TRUE)
    {
      g_autofree char *line = g_data_input_stream_read_line (lines, NULL, NULL, NULL);

      g_assert_nonnull (line);
      if (g_str_has_prefix (line, "ACCEPT "))
        return (guint16)g_ascii_strtoull (strrchr (line, ':') + 1, NULL, 10);
    }
}

TlsServer *
tls_server_new (Certificates *certificates, const char *name, const char *options)
{
  TlsServer *self = g_new0 (TlsServer, 1);
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_autofree char *line = g_strdup_printf (
      "openssl s_server -accept 127.0.0.1:0 -www -cert %s.pem -key %s.key %s",
      name,
      name,
      options != NULL ? options : "");
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) argv = NULL;

  g_assert_true (g_shell_parse_argv (line, NULL, &argv, NULL));
  g_subprocess_launcher_set_cwd (launcher, certificates->folder);
  self->process = g_subprocess_launcher_spawnv (
      launcher, (const char *const *)argv, &error);
  g_assert_no_error (error);
  self->port = read_port (self->process);
  return self;
}

void
tls_server_free (TlsServer *self)
{
  g_subprocess_force_exit (self->process);
  g_subprocess_wait (self->process, NULL, NULL);
  g_clear_object (&self->process);
  g_free (self);
}

guint16
tls_server_get_port (TlsServer *self)
{
  return self->port;
}
