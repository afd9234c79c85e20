/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The descriptions of the interfaces: they parse, every member is documented with its
 * arguments, and every key of the vocabulary stands at the method that takes it. */

#include "config.h"

#include "common/enums.h"
#include "common/names.h"
#include "common/vocabulary.h"

#include <string.h>

#define SESSION TRUNDLE_INTERFACE_SESSION
#define TASK TRUNDLE_INTERFACE_TASK
#define MANAGER TRUNDLE_INTERFACE_MANAGER

static const char *const files[]
    = { MANAGER, TRUNDLE_INTERFACE_CONTROL, SESSION, TASK, TRUNDLE_INTERFACE_WORKER };

/* Where the keys of a scope are documented; a batch takes those of a task too. */
static const struct
{
  guint scope;
  const char *file;
  const char *member;
} takers[] = {
  { TRUNDLE_SCOPE_CONFIGURATION, MANAGER, "OpenSession" },
  { TRUNDLE_SCOPE_CONFIGURATION, SESSION, "Configure" },
  { TRUNDLE_SCOPE_OPEN, MANAGER, "OpenSession" },
  { TRUNDLE_SCOPE_TASK, SESSION, "CreateDownloadTask" },
  { TRUNDLE_SCOPE_UPLOAD, SESSION, "CreateUploadTask" },
  { TRUNDLE_SCOPE_PART, SESSION, "CreateUploadTask" },
  { TRUNDLE_SCOPE_BATCH, SESSION, "CreateTasks" },
  { TRUNDLE_SCOPE_ATTACH, SESSION, "Attach" },
  { TRUNDLE_SCOPE_FILTER, SESSION, "ListTasks" },
  { TRUNDLE_SCOPE_FILTER, SESSION, "CancelTasks" },
  { TRUNDLE_SCOPE_MOVE, TASK, "MoveFile" },
  { TRUNDLE_SCOPE_RETRY, SESSION, "CreateDownloadTask" },
  { TRUNDLE_SCOPE_OAUTH2, SESSION, "CreateDownloadTask" },
  { TRUNDLE_SCOPE_REQUEST, TASK, "UpdateRequest" },
  { TRUNDLE_SCOPE_SPACE, SESSION, "SetCredential" },
  { TRUNDLE_SCOPE_SPACE, SESSION, "RemoveCredential" },
  { TRUNDLE_SCOPE_CREDENTIAL, SESSION, "SetCredential" },
  { TRUNDLE_SCOPE_CREDENTIAL, TASK, "RespondToChallenge" },
  { TRUNDLE_SCOPE_COOKIE, SESSION, "SetCookies" },
  { TRUNDLE_SCOPE_HISTORY, TRUNDLE_INTERFACE_CONTROL, "ListHistory" },
};

static char *
load (const char *name)
{
  g_autofree char *base = g_strconcat (name, ".xml", NULL);
  g_autofree char *path = g_build_filename (INTROSPECTION_DIR, base, NULL);
  g_autoptr (GError) error = NULL;
  char *text = NULL;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

/* The comment that begins with the name of @member: of an interface or what is in it. */
static char *
find_comment (const char *text, const char *member)
{
  g_autofree char *title = g_strdup_printf ("%s:\n", member);

  for (const char *p = strstr (text, "<!--"); p != NULL; p = strstr (p + 1, "<!--"))
    {
      const char *begin = p + strlen ("<!--");

      begin += strspn (begin, " \n");
      if (g_str_has_prefix (begin, title))
        return g_strndup (p, (gsize)(strstr (p, "-->") - p));
    }
  return NULL;
}

static void
assert_arguments (const char *comment, GDBusArgInfo **arguments)
{
  for (guint i = 0; arguments != NULL && arguments[i] != NULL; i++)
    {
      g_autofree char *line = g_strdup_printf ("@%s: ", arguments[i]->name);

      if (strstr (comment, line) == NULL)
        g_error ("%s is not documented in %s", line, comment);
    }
}

static void
assert_documented (const char *text,
                   const char *member,
                   GDBusArgInfo **a,
                   GDBusArgInfo **b)
{
  g_autofree char *comment = find_comment (text, member);

  if (comment == NULL)
    g_error ("%s is not documented", member);
  assert_arguments (comment, a);
  assert_arguments (comment, b);
}

static void
test_file (gconstpointer data)
{
  g_autofree char *text = load (data);
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusNodeInfo) node = g_dbus_node_info_new_for_xml (text, &error);

  g_assert_no_error (error);
  g_assert_nonnull (g_dbus_node_info_lookup_interface (node, data));
  for (guint i = 0; node->interfaces[i] != NULL; i++)
    {
      GDBusInterfaceInfo *interface = node->interfaces[i];

      assert_documented (text, interface->name, NULL, NULL);
      for (guint j = 0; interface->methods && interface->methods[j]; j++)
        assert_documented (text,
                           interface->methods[j]->name,
                           interface->methods[j]->in_args,
                           interface->methods[j]->out_args);
      for (guint j = 0; interface->signals && interface->signals[j]; j++)
        assert_documented (
            text, interface->signals[j]->name, interface->signals[j]->args, NULL);
      for (guint j = 0; interface->properties && interface->properties[j]; j++)
        assert_documented (text, interface->properties[j]->name, NULL, NULL);
    }
}

static void
test_keys (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  g_autofree char *text = load (takers[i].file);
  g_autofree char *comment = find_comment (text, takers[i].member);
  gsize n_words;
  const TrundleWord *words = trundle_vocabulary_words (&n_words);

  g_assert_nonnull (comment);
  for (gsize j = 0; j < n_words; j++)
    {
      g_autofree char *quoted = g_strdup_printf ("`%s`", words[j].key);

      if ((words[j].scopes & takers[i].scope) && strstr (comment, quoted) == NULL)
        g_error ("%s does not document the key %s", takers[i].member, quoted);
    }
}

/* And the other way round: what is said to be a key of a task with its type is one. */
static void
test_types (void)
{
  g_autofree char *text = load (SESSION);
  g_autofree char *downloads = find_comment (text, "CreateDownloadTask");
  g_autofree char *uploads = find_comment (text, "CreateUploadTask");
  gsize n_words;
  const TrundleWord *words = trundle_vocabulary_words (&n_words);

  for (gsize j = 0; j < n_words; j++)
    {
      g_autofree char *typed = g_strdup_printf ("`%s` (%s", words[j].key, words[j].type);
      gboolean is_of_both = (words[j].scopes & TRUNDLE_SCOPE_TASK) != 0;

      if (is_of_both && strstr (downloads, typed) == NULL)
        g_error ("CreateDownloadTask gives the key %s another type", typed);
      /* What is said there is not said again. */
      if ((words[j].scopes & (TRUNDLE_SCOPE_UPLOAD | TRUNDLE_SCOPE_PART)) != 0
          && !is_of_both && strstr (uploads, typed) == NULL)
        g_error ("CreateUploadTask gives the key %s another type", typed);
    }
}

static void
test_every_scope_has_a_taker (void)
{
  gsize n_words;
  const TrundleWord *words = trundle_vocabulary_words (&n_words);
  guint taken = 0;

  for (guint i = 0; i < G_N_ELEMENTS (takers); i++)
    taken |= takers[i].scope;
  for (gsize i = 0; i < n_words; i++)
    g_assert_cmpuint (words[i].scopes & ~taken, ==, 0);
}

static void
test_wait_reasons (void)
{
  g_autofree char *text = load (TASK);
  g_autofree char *comment = find_comment (text, "WaitReasons");
  g_autofree const char **words = trundle_wait_reasons_to_words (
      (TrundleWaitReasons)((1u << 20) - 1));

  g_assert_nonnull (comment);
  for (guint i = 0; words[i] != NULL; i++)
    g_assert_nonnull (strstr (comment, words[i]));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path = g_strconcat ("/interfaces/file/", files[i], NULL);

      g_test_add_data_func (path, files[i], test_file);
    }
  for (guint i = 0; i < G_N_ELEMENTS (takers); i++)
    {
      g_autofree char *path = g_strdup_printf (
          "/interfaces/keys/%s/%u", takers[i].member, i);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_keys);
    }
  g_test_add_func ("/interfaces/types", test_types);
  g_test_add_func ("/interfaces/every-scope-has-a-taker", test_every_scope_has_a_taker);
  g_test_add_func ("/interfaces/wait-reasons", test_wait_reasons);
  return g_test_run ();
}
