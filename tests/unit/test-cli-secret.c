/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/request.h"
#include "cli/secret.h"

/* A file with these bytes; the caller removes it. */
static char *
make_file (const char *bytes, gsize length)
{
  g_autoptr (GError) error = NULL;
  char *path = NULL;
  int fd = g_file_open_tmp ("trundle-secret-XXXXXX", &path, &error);

  g_assert_no_error (error);
  close (fd);
  g_file_set_contents (path, bytes, (gssize)length, &error);
  g_assert_no_error (error);
  return path;
}

typedef struct
{
  const char *bytes;
  gsize length;
  const char *line; /* (nullable): NULL: refused */
} LineCase;

static const LineCase lines[] = {
  { "", 0, "" },
  { "secret", 6, "secret" },
  { "secret\n", 7, "secret" },
  { "secret\r\n", 8, "secret" },
  { " with space \nmore\n", 18, " with space " },
  { "\n", 1, "" },
  { "a\0b\n", 4, NULL },
  { "a\n\0", 3, "a" },
};

static void
check_line (gconstpointer data)
{
  const LineCase *c = data;
  g_autofree char *path = make_file (c->bytes, c->length);
  g_autoptr (GError) error = NULL;
  g_autoptr (TrcSecret) secret = trc_secret_read_line (path, &error);

  g_unlink (path);
  if (c->line == NULL)
    {
      g_assert_null (secret);
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
      return;
    }
  g_assert_no_error (error);
  g_assert_cmpstr (secret->bytes, ==, c->line);
  g_assert_cmpuint (secret->length, ==, strlen (c->line));
}

static void
test_too_large (void)
{
  const gsize length = 1024 * 1024 + 1;
  g_autofree char *bytes = g_malloc0 (length);
  g_autofree char *path = make_file (bytes, length);
  g_autoptr (GError) error = NULL;

  g_assert_null (trc_secret_read (path, &error));
  g_assert_nonnull (error);
  g_unlink (path);
}

static void
test_file_that_is_not_there (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (trc_secret_read ("/no/such/file", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

/* Who gets it reads from the beginning, and nobody changes it on the way. */
static void
test_file_in_memory (void)
{
  g_autoptr (TrcSecret) secret = trc_secret_new ("wonder", 6);
  g_autoptr (GError) error = NULL;
  char buffer[16] = "";
  int fd = trc_secret_open (secret, &error);

  g_assert_no_error (error);
  g_assert_cmpint (read (fd, buffer, sizeof buffer), ==, 6);
  g_assert_cmpstr (buffer, ==, "wonder");
  g_assert_cmpint (pwrite (fd, "x", 1, 0), ==, -1);
  g_assert_cmpint (errno, ==, EPERM);
  g_assert_cmpint (ftruncate (fd, 0), ==, -1);
  g_assert_cmpint (fcntl (fd, F_GETFD) & FD_CLOEXEC, !=, 0);
  close (fd);
}

typedef struct
{
  const char *file;   /* (nullable) */
  const char *header; /* (nullable) */
  const char *lines;  /* (nullable): NULL: refused */
} HeaderCase;

static const HeaderCase headers[] = {
  { NULL, "A: b", "A: b\n" },
  { "A: b\n", NULL, "A: b\n" },
  { "A:b\r\n\r\nC:  d e \r\n", "X: y", "A: b\nC: d e\nX: y\n" },
  { "A: b", NULL, "A: b\n" },
  { "", "X:", "X: \n" },
  { "nonsense\n", NULL, NULL },
  { "A: b\nnonsense", NULL, NULL },
  { "A b: c\n", NULL, NULL },
  { NULL, "nonsense", NULL },
};

static void
check_headers (gconstpointer data)
{
  const HeaderCase *c = data;
  char *list[] = { (char *)c->header, NULL };
  g_autofree char *path = NULL;
  g_autoptr (TrcSecret) read = NULL;

  if (c->file != NULL)
    path = make_file (c->file, strlen (c->file));
  read = trc_request_read_headers (list, path);
  if (path != NULL)
    g_unlink (path);
  if (c->lines == NULL)
    g_assert_null (read);
  else
    g_assert_cmpstr (read->bytes, ==, c->lines);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_autofree char *path = g_strdup_printf ("/cli-secret/line/%u", i);

      g_test_add_data_func (path, &lines[i], check_line);
    }
  for (guint i = 0; i < G_N_ELEMENTS (headers); i++)
    {
      g_autofree char *path = g_strdup_printf ("/cli-secret/headers/%u", i);

      g_test_add_data_func (path, &headers[i], check_headers);
    }
  g_test_add_func ("/cli-secret/too-large", test_too_large);
  g_test_add_func ("/cli-secret/file-that-is-not-there", test_file_that_is_not_there);
  g_test_add_func ("/cli-secret/file-in-memory", test_file_in_memory);

  return g_test_run ();
}
