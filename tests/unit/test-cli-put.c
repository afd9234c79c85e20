/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/body.h"
#include "cli/put-options.h"

/* ---- forms ---- */

typedef struct
{
  const char *text;
  gboolean is_literal;
  const char *name; /* (nullable): NULL: refused */
  const char *value;
  const char *file;
  const char *file_name;
  const char *type;
} FieldCase;

static const FieldCase fields[] = {
  { "a=b", FALSE, "a", .value = "b" },
  { "a=", FALSE, "a", .value = "" },
  { "a=b=c;type=d", FALSE, "a", .value = "b=c;type=d" },
  { "a=@f", FALSE, "a", .file = "f" },
  { "a=@f", TRUE, "a", .value = "@f" },
  { "a=@-", FALSE, "a", .file = "-" },
  { "a=@f;type=text/plain", FALSE, "a", .file = "f", .type = "text/plain" },
  { "a=@f;filename=g", FALSE, "a", .file = "f", .file_name = "g" },
  { "a=@f;type=text/plain;charset=utf-8;filename=g h",
    FALSE,
    "a",
    .file = "f",
    .file_name = "g h",
    .type = "text/plain;charset=utf-8" },
  { "a=@f;x.txt", FALSE, "a", .file = "f;x.txt" },
  { "a=@\"f;type=x\"", FALSE, "a", .file = "f;type=x" },
  { "a=@\"f\\\"\\\\g\"", FALSE, "a", .file = "f\"\\g" },
  { "a=@f;filename=\"g;type=x\";type=y/z",
    FALSE,
    "a",
    .file = "f",
    .file_name = "g;type=x",
    .type = "y/z" },
  { "a", FALSE, NULL },
  { "=b", FALSE, NULL },
  { "a=@", FALSE, NULL },
  { "a=@;type=x/y", FALSE, NULL },
  { "a=@f;type=", FALSE, NULL },
  { "a=@f;type=x/y;type=x/y", FALSE, NULL },
  { "a=@\"f", FALSE, NULL },
  { "a=@\"f\"g", FALSE, NULL },
};

static void
check_field (gconstpointer data)
{
  const FieldCase *c = data;
  g_autoptr (TrcField) field = trc_field_parse (c->text, c->is_literal);

  if (c->name == NULL)
    {
      g_assert_null (field);
      return;
    }
  g_assert_nonnull (field);
  g_assert_cmpstr (field->name, ==, c->name);
  g_assert_cmpstr (field->value, ==, c->value);
  g_assert_cmpstr (field->file, ==, c->file);
  g_assert_cmpstr (field->file_name, ==, c->file_name);
  g_assert_cmpstr (field->type, ==, c->type);
}

/* ---- addresses ---- */

typedef struct
{
  const char *url;
  const char *name;
  const char *whole; /* (nullable): NULL: it names a file itself */
} UrlCase;

static const UrlCase urls[] = {
  { "http://h/", "a", "http://h/a" },
  { "http://h", "a", "http://h/a" },
  { "http://h?x=/", "a", "http://h/a?x=/" },
  { "http://h/b/", "a b", "http://h/b/a%20b" },
  { "http://h/b/?token=1/#f/", "a", "http://h/b/a?token=1/#f/" },
  { "http://h/b", "a", NULL },
  { "http://h/b?c/", "a", NULL },
  { "http://h/", "100%?#&/;ü", "http://h/100%25%3F%23%26%2F%3B%C3%BC" },
  { "http://h/", "\xff", "http://h/%FF" },
  { "h/", "a", NULL },
  { "h?http://", "a", NULL },
};

static void
check_url (gconstpointer data)
{
  const UrlCase *c = data;
  g_autofree char *whole = trc_body_name_url (c->url, c->name);

  g_assert_cmpstr (whole, ==, c->whole);
}

/* ---- what is sent ---- */

static GVariant *
describe (const TrcSource *source, GVariant *range, GUnixFDList *fds)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (trc_source_describe (source, range, &dict, fds, &error));
  g_assert_no_error (error);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* A file is named by where it really is, whatever it is called by. */
static void
test_file (void)
{
  g_autofree char *folder = g_dir_make_tmp ("trundle-put-XXXXXX", NULL);
  g_autofree char *real_folder = realpath (folder, NULL);
  g_autofree char *path = g_build_filename (real_folder, "file", NULL);
  g_autofree char *link = g_build_filename (folder, "link", NULL);
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  g_auto (TrcSource) source = { .fd = -1 };
  g_autoptr (GVariant) range = g_variant_ref_sink (g_variant_new_parsed ("(@t 3, @t 4)"));
  g_autoptr (GVariant) dict = NULL;
  const char *said = NULL;
  guint64 first = 0;
  guint64 length = 0;

  g_assert_true (g_file_set_contents (path, "0123456789", -1, NULL));
  g_assert_cmpint (symlink (path, link), ==, 0);
  g_assert_true (trc_source_open (&source, link));
  dict = describe (&source, range, fds);

  g_assert_cmpstr (source.name, ==, "link");
  g_assert_true (g_variant_lookup (dict, "body-path", "&s", &said));
  g_assert_cmpstr (said, ==, path);
  g_assert_true (g_variant_lookup (dict, "range", "(tt)", &first, &length));
  g_assert_cmpuint (first, ==, 3);
  g_assert_cmpuint (length, ==, 4);
  g_assert_cmpint (g_unix_fd_list_get_length (fds), ==, 0);
  g_unlink (link);
  g_unlink (path);
  g_rmdir (folder);
}

static void
test_pipe (void)
{
  g_autofree char *folder = g_dir_make_tmp ("trundle-put-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "pipe", NULL);
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  g_auto (TrcSource) source = { .fd = -1 };
  g_autoptr (GVariant) dict = NULL;
  int keep;

  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  /* Opening waits for a writer. */
  keep = g_open (path, O_RDWR | O_CLOEXEC, 0);
  g_assert_cmpint (keep, >=, 0);
  g_assert_true (trc_source_open (&source, path));
  dict = describe (&source, NULL, fds);

  g_assert_true (g_variant_lookup (dict, "body", "h", NULL));
  g_assert_false (g_variant_lookup (dict, "body-path", "&s", NULL));
  g_assert_false (g_variant_lookup (dict, "range", "(tt)", NULL, NULL));
  g_assert_cmpint (g_unix_fd_list_get_length (fds), ==, 1);
  close (keep);
  g_unlink (path);
  g_rmdir (folder);
}

/* What a shell has opened, and somebody has read from, goes on there. */
static void
test_opened_file (void)
{
  g_autofree char *path = NULL;
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  g_auto (TrcSource) source = { .fd = -1 };
  g_autoptr (GVariant) range = g_variant_ref_sink (g_variant_new_parsed ("(@t 1, @t 2)"));
  g_autoptr (GVariant) dict = NULL;
  guint64 first = 0;
  guint64 length = 0;
  int fd = g_file_open_tmp ("trundle-put-XXXXXX", &path, NULL);
  int before = dup (STDIN_FILENO);

  g_assert_cmpint (write (fd, "0123456789", 10), ==, 10);
  g_assert_cmpint (lseek (fd, 4, SEEK_SET), ==, 4);
  g_assert_cmpint (dup2 (fd, STDIN_FILENO), ==, STDIN_FILENO);
  g_assert_true (trc_source_open (&source, "-"));
  dict = describe (&source, range, fds);

  g_assert_null (source.name);
  g_assert_true (g_variant_lookup (dict, "body", "h", NULL));
  g_assert_true (g_variant_lookup (dict, "range", "(tt)", &first, &length));
  g_assert_cmpuint (first, ==, 5);
  g_assert_cmpuint (length, ==, 2);
  dup2 (before, STDIN_FILENO);
  close (before);
  close (fd);
  g_unlink (path);
}

static void
test_not_to_be_sent (void)
{
  g_auto (TrcSource) folder = { .fd = -1 };
  g_auto (TrcSource) missing = { .fd = -1 };
  g_auto (TrcSource) device = { .fd = -1 };

  g_assert_false (trc_source_open (&folder, g_get_tmp_dir ()));
  g_assert_false (trc_source_open (&missing, "/no/such/file"));
  g_assert_false (trc_source_open (&device, "/dev/null"));
}

/* ---- the command line ---- */

typedef struct
{
  const char *words; /* behind "put" */
  gboolean names_files;
  const char *url; /* (nullable): NULL: refused */
} LineCase;

static const LineCase lines[] = {
  { "f http://h/", TRUE, "http://h/" },
  { "f g http://h/", TRUE, "http://h/" },
  { "-X PUT f http://h/", TRUE, "http://h/" },
  { "-X POST f http://h/", FALSE, "http://h/" },
  { "--post f http://h/", FALSE, "http://h/" },
  { "--resumable tus f http://h/", FALSE, "http://h/" },
  { "-F a=b http://h/", FALSE, "http://h/" },
  { "--form-string a=@b -F c=@- http://h/", FALSE, "http://h/" },
  { "--content-type a/b f http://h/", TRUE, "http://h/" },
  { "--range 1-2 f http://h/", TRUE, "http://h/" },
  { "- http://h/a", TRUE, "http://h/a" },
  { "", FALSE, NULL },
  { "http://h/", FALSE, NULL },
  { "f g", FALSE, NULL },
  { "f ftp://h/", FALSE, NULL },
  { "- - http://h/", FALSE, NULL },
  { "-F a=@- -F b=@- http://h/", FALSE, NULL },
  { "- --header-file - http://h/", FALSE, NULL },
  { "-F a http://h/", FALSE, NULL },
  { "-F a=b f http://h/", FALSE, NULL },
  { "-F a=b --content-type a/b http://h/", FALSE, NULL },
  { "-F a=b --range 1-2 http://h/", FALSE, NULL },
  { "--range 1-2 f g http://h/", FALSE, NULL },
  { "--range 2-1 f http://h/", FALSE, NULL },
  { "--post -X PATCH f http://h/", FALSE, NULL },
  { "--snapshot maybe f http://h/", FALSE, NULL },
  { "--resumable maybe f http://h/", FALSE, NULL },
  { "--if-exists maybe f http://h/", FALSE, NULL },
  { "--output - --json f http://h/", FALSE, NULL },
  { "--output o f g http://h/", FALSE, NULL },
  { "--content-type a/b -H content-type:c/d f http://h/", FALSE, NULL },
  { "--resume-data d f http://h/", FALSE, NULL },
  { "--digest sha256:00 f http://h/", FALSE, NULL },
};

static void
check_line (gconstpointer data)
{
  const LineCase *c = data;
  g_autofree char *line = g_strconcat ("put ", c->words, NULL);
  g_auto (GStrv) words = g_strsplit (g_strchomp (line), " ", -1);
  g_autofree char **argv = g_memdup2 (words, (g_strv_length (words) + 1) * sizeof *words);
  g_auto (TrcPutOptions) options = { 0 };
  char **arguments = argv;
  int argc = (int)g_strv_length (words);
  TrcExit end = trc_put_options_read (&options, &argc, &arguments);

  g_assert_cmpint (end, ==, c->url != NULL ? TRC_EXIT_DONE : TRC_EXIT_USAGE);
  if (c->url == NULL)
    return;
  g_assert_cmpstr (options.url, ==, c->url);
  g_assert_cmpint (trc_put_options_names_files (&options), ==, c->names_files);
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "C.UTF-8");
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    {
      g_autofree char *path = g_strdup_printf ("/cli/put/field/%u", i);

      g_test_add_data_func (path, &fields[i], check_field);
    }
  for (guint i = 0; i < G_N_ELEMENTS (urls); i++)
    {
      g_autofree char *path = g_strdup_printf ("/cli/put/url/%u", i);

      g_test_add_data_func (path, &urls[i], check_url);
    }
  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_autofree char *path = g_strdup_printf ("/cli/put/line/%u", i);

      g_test_add_data_func (path, &lines[i], check_line);
    }
  g_test_add_func ("/cli/put/source/file", test_file);
  g_test_add_func ("/cli/put/source/pipe", test_pipe);
  g_test_add_func ("/cli/put/source/opened-file", test_opened_file);
  g_test_add_func ("/cli/put/source/refused", test_not_to_be_sent);

  return g_test_run ();
}
