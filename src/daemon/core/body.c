/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an upload sends: opened anew for each attempt, when it must be what it was, and
 * deleted when nobody will send it any more.
 *
 * A file of the spool belongs to one row alone.  It goes after the commit of a success,
 * else after that by which its row goes, since a task that has failed may be tried again;
 * what a crash leaves in between has no row, or none that could send it, and is swept. */

#include "config.h"

#include "core/body.h"

#include <unistd.h>

#include "common/error.h"
#include "core/runner-private.h"
#include "port/sources.h"
#include "port/store-bodies.h"

/* ---- an attempt ---- */

static gboolean
is_same_file (const TrdPiece *first, const TrdPiece *second)
{
  if (first->bytes != NULL || second->bytes != NULL)
    return FALSE;
  if (first->spool != NULL || second->spool != NULL)
    return g_strcmp0 (first->spool, second->spool) == 0;

  return g_str_equal (first->path, second->path) && first->device == second->device
         && first->inode == second->inode && first->size == second->size
         && first->mtime_ns == second->mtime_ns && first->ctime_ns == second->ctime_ns;
}

/* The handle of an earlier piece of the same file; -1 for none. */
static int
find_handle (const TrdBody *body, guint index, const int *handles)
{
  const TrdPiece *piece = g_ptr_array_index (body->pieces, index);

  for (guint i = 0; i < index; i++)
    if (is_same_file (g_ptr_array_index (body->pieces, i), piece))
      return handles[i];

  return -1;
}

/* @handles: of as many as the body has pieces. */
static gboolean
open_pieces (
    TrdSpool *spool, const TrdBody *body, int *handles, GArray *files, GError **error)
{
  for (guint i = 0; i < body->pieces->len; i++)
    {
      const TrdPiece *piece = g_ptr_array_index (body->pieces, i);
      int fd;

      handles[i] = find_handle (body, i, handles);
      if (piece->bytes != NULL || handles[i] >= 0)
        continue;
      fd = trd_sources_open (spool, piece, error);
      if (fd < 0)
        return FALSE;
      handles[i] = (int)files->len;
      g_array_append_val (files, fd);
    }

  return TRUE;
}

static void
close_files (GArray *files)
{
  for (guint i = 0; i < files->len; i++)
    close (g_array_index (files, int, i));
}

static GVariant *
with_body (GVariant *request, GVariant *body)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (request);

  g_variant_dict_insert_value (&dict, "body", body);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

GVariant *
trd_run_open_body (TrdRun *run, const TrdTaskRow *row, GVariant *request, GError **error)
{
  g_autoptr (TrdBody) body = NULL;
  g_autoptr (GArray) files = g_array_new (FALSE, FALSE, sizeof (int));
  g_autoptr (GVariant) wire = NULL;
  g_autofree int *handles = NULL;

  if (row->body == NULL)
    return g_variant_ref (request);

  body = trd_body_from_variant (row->body, error);
  if (body == NULL)
    return NULL;
  /* For none, there is an array all the same. */
  handles = g_new (int, body->pieces->len + 1);
  if (!open_pieces (run->runner->env->spool, body, handles, files, error))
    {
      close_files (files);
      return NULL;
    }

  g_clear_object (&run->files);
  if (files->len > 0)
    run->files = g_unix_fd_list_new_from_array (&g_array_index (files, int, 0),
                                                (int)files->len);
  wire = trd_body_to_wire (body, handles);
  return with_body (request, wire);
}

/* ---- what is wrong with it ---- */

static gboolean
is_of_source (TrundleError code)
{
  return code == TRUNDLE_ERROR_SOURCE_CHANGED || code == TRUNDLE_ERROR_FILE_NOT_FOUND
         || code == TRUNDLE_ERROR_FILE_PERMISSION;
}

/* The first file that the app has named and that is not what it was.  (nullable) */
static const char *
find_changed (TrdSpool *spool, const TrdBody *body)
{
  for (guint i = 0; i < body->pieces->len; i++)
    {
      const TrdPiece *piece = g_ptr_array_index (body->pieces, i);

      if (piece->named && !trd_sources_check (spool, piece, NULL))
        return piece->path;
    }

  return NULL;
}

void
trd_run_blame_source (TrdRun *run, TrdOutcome *outcome)
{
  const TrdEnv *env = run->runner->env;
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (outcome->details);
  g_autoptr (TrdTaskRow) row = NULL;
  g_autoptr (TrdBody) body = NULL;
  g_autofree char *text = NULL;
  const char *path;

  if (run->task->kind != TRUNDLE_KIND_UPLOAD || outcome->complete
      || !is_of_source (outcome->code))
    return;
  row = trd_store_load_task (env->store, run->task->id, NULL);
  if (row == NULL || row->body == NULL)
    return;
  body = trd_body_from_variant (row->body, NULL);
  path = body != NULL ? find_changed (env->spool, body) : NULL;
  if (path == NULL)
    return;

  text = g_utf8_make_valid (path, -1);
  g_variant_dict_insert (&dict, "source", "s", text);
  g_clear_pointer (&outcome->details, g_variant_unref);
  outcome->details = g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* ---- the end ---- */

void
trd_body_discard (const TrdEnv *env, GVariant *variant)
{
  g_autoptr (TrdBody) body = NULL;
  g_autoptr (GError) error = NULL;

  if (variant == NULL)
    return;

  body = trd_body_from_variant (variant, &error);
  if (body == NULL)
    g_warning ("Cannot remove what was sent: %s", error->message);
  else
    trd_sources_discard (env->spool, body);
}

void
trd_body_sweep (const TrdEnv *env)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GHashTable) known = trd_store_find_body_files (env->store, &error);

  /* Nothing that cannot be read is deleted. */
  if (known == NULL)
    g_warning ("Cannot look for what was sent: %s", error->message);
  else
    trd_sources_sweep (env->spool, known);
}
