/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <gio/gunixinputstream.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "port/vault-secret.h"

/* The vault for test_keyring.py.  Lines on standard input: "find NAME=VALUE…",
 * "store SECRET NAME=VALUE…", "remove NAME=VALUE…"; each is answered by a line: what
 * happened, the state, and of each item found its secret and its number of attributes.
 * "changed" is a line by itself. */

typedef struct
{
  TrdVault *vault;
  GDataInputStream *lines;
  GMainLoop *loop;
} Probe;

static void
read_line (Probe *self);

static void
answer (Probe *self, const char *text)
{
  static const char *const states[] = { "unknown", "absent", "locked", "open" };

  printf ("%s %s\n", states[trd_vault_get_state (self->vault)], text);
  fflush (stdout);
  read_line (self);
}

static void
on_changed (void)
{
  puts ("changed");
  fflush (stdout);
}

static void
on_found (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GPtrArray) found = trd_vault_find_finish (TRD_VAULT (source), result, NULL);
  g_autoptr (GString) text = g_string_new (found != NULL ? "found" : "failed");

  for (guint i = 0; found != NULL && i < found->len; i++)
    {
      const TrdVaultItem *item = g_ptr_array_index (found, i);
      gsize size = 0;
      const char *secret = item->secret != NULL ? g_bytes_get_data (item->secret, &size)
                                                : "?";

      g_string_append_printf (text,
                              " %.*s:%u",
                              item->secret != NULL ? (int)size : 1,
                              secret,
                              g_hash_table_size (item->attributes));
    }
  answer (user_data, text->str);
}

static void
on_stored (GObject *source, GAsyncResult *result, gpointer user_data)
{
  gboolean done = trd_vault_store_finish (TRD_VAULT (source), result, NULL);

  answer (user_data, done ? "stored" : "failed");
}

static void
on_removed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  gboolean done = trd_vault_remove_finish (TRD_VAULT (source), result, NULL);

  answer (user_data, done ? "removed" : "failed");
}

static GHashTable *
read_attributes (char **words)
{
  GHashTable *attributes = g_hash_table_new_full (
      g_str_hash, g_str_equal, g_free, g_free);

  for (; *words != NULL; words++)
    {
      g_auto (GStrv) pair = g_strsplit (*words, "=", 2);

      g_hash_table_insert (attributes, g_strdup (pair[0]), g_strdup (pair[1]));
    }
  return attributes;
}

static void
obey (Probe *self, const char *line)
{
  g_auto (GStrv) words = g_strsplit (line, " ", -1);
  gboolean is_store = g_str_equal (words[0], "store");
  g_autoptr (GHashTable) attributes = read_attributes (words + (is_store ? 2 : 1));
  TrdVaultKind kind = TRD_VAULT_CREDENTIAL;

  if (is_store)
    {
      g_autoptr (GBytes) secret = g_bytes_new (words[1], strlen (words[1]));

      trd_vault_store_async (
          self->vault, kind, attributes, "A test", secret, NULL, on_stored, self);
    }
  else if (g_str_equal (words[0], "find"))
    trd_vault_find_async (self->vault, kind, attributes, NULL, on_found, self);
  else
    trd_vault_remove_async (self->vault, kind, attributes, NULL, on_removed, self);
}

static void
on_line (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Probe *self = user_data;
  g_autofree char *line = g_data_input_stream_read_line_finish (
      self->lines, result, NULL, NULL);

  if (line == NULL)
    g_main_loop_quit (self->loop);
  else
    obey (self, line);
}

static void
read_line (Probe *self)
{
  g_data_input_stream_read_line_async (
      self->lines, G_PRIORITY_DEFAULT, NULL, on_line, self);
}

int
main (void)
{
  g_autoptr (GInputStream) input = g_unix_input_stream_new (STDIN_FILENO, FALSE);
  g_autoptr (GDataInputStream) lines = g_data_input_stream_new (input);
  g_autoptr (GDBusConnection) bus = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, NULL);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (TrdVault) vault = trd_vault_new_secret (bus);
  Probe self = { vault, lines, loop };

  g_signal_connect (vault, "changed", G_CALLBACK (on_changed), NULL);
  read_line (&self);
  g_main_loop_run (loop);
  return 0;
}
