/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The answer to an upload is a file like that of a download, and is told from there: it
 * is on the disk once, for as long as its end is to be told. */

#include "config.h"

#include "face/answer.h"

#include "common/vocabulary.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <unistd.h>

/* What @fd holds, if it is @size bytes.  (nullable) */
static GBytes *
read_all (int fd, gsize size)
{
  g_autofree guint8 *bytes = g_try_malloc (size + 1);
  gsize n_read = 0;

  while (bytes != NULL && n_read <= size)
    {
      gssize n = read (fd, bytes + n_read, size + 1 - n_read);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        break;
      n_read += (gsize)n;
    }

  /* One beside a destination is anybody's to change. */
  return bytes != NULL && n_read == size
             ? g_bytes_new_take (g_steal_pointer (&bytes), size)
             : NULL;
}

GBytes *
trd_answer_read (TrdRegistry *registry, const TrdTaskRow *row)
{
  TrdTask *task = trd_registry_find_task (registry, row->id);
  GVariant *configuration = task != NULL ? task->session->row->configuration : NULL;
  g_autoptr (GError) error = NULL;
  GBytes *bytes;
  guint64 max;
  int fd;

  if (row->kind != TRUNDLE_KIND_UPLOAD || row->state != TRUNDLE_TASK_FINISHED
      || row->error_name != NULL)
    return NULL;
  if (row->received == 0)
    return g_bytes_new_static ("", 0);
  max = trundle_options_get_uint64 (row->options, configuration, "response-body-max");
  /* The app has taken it where nobody else can look. */
  if (row->received > max
      || (row->final_path != NULL && !g_path_is_absolute (row->final_path)))
    return NULL;

  fd = trd_spool_open_result (
      trd_registry_get_env (registry)->spool, row->place, row->final_path, &error);
  if (fd < 0)
    {
      g_debug ("Cannot open an answer: %s", error->message);
      return NULL;
    }

  bytes = read_all (fd, (gsize)row->received);
  g_close (fd, NULL);
  return bytes;
}

GVariant *
trd_answer_tell (TrdRegistry *registry, const TrdEvent *event)
{
  TrdStore *store = trd_registry_get_env (registry)->store;
  g_auto (GVariantDict) dict = { 0 };
  g_autoptr (TrdTaskRow) row = NULL;
  g_autoptr (GBytes) body = NULL;

  /* Only an upload has sent anything. */
  if (event->kind == TRUNDLE_EVENT_TASK_FINISHED
      && g_variant_lookup (event->details, "sent", "t", NULL))
    row = trd_store_load_task (store, event->task_id, NULL);
  if (row != NULL)
    body = trd_answer_read (registry, row);
  if (body == NULL)
    return g_variant_ref (event->details);

  g_variant_dict_init (&dict, event->details);
  g_variant_dict_insert_value (
      &dict,
      "response-body",
      g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, body, TRUE));
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}
