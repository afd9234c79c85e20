/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is stored compared with what is on the disk.  Runs in a thread over plain values.
 *
 * A row is committed before its file is made, and goes before its file does; numbers and
 * the names of parts are never used again.  So files are listed first and rows read
 * afterwards: what no row names then belongs to nobody, now and later.  What is to be
 * sent is there before its row: of those files the spool knows which it has made itself.
 * A part beside a destination is deleted only on top of that when it bears exactly the
 * name we would have given it, is a regular file of the user's, and nobody holds its lock
 * (law 6). */

#include "config.h"

#include "port/survey.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "port/files.h"
#include "port/shelter.h"
#include "port/sources.h"
#include "port/spool-names.h"
#include "port/store-survey.h"

typedef struct
{
  char *state_directory; /* (owned) */
  TrdSpool *spool;       /* (owned) */
  char *worker_program;  /* (owned) (nullable) */
  gint64 waiting_since_us;
  gboolean mend;
  guint n_aside; /* databases */

  GPtrArray *facts;             /* (owned) (element-type TrdFact) */
  GPtrArray *files;             /* (owned) (element-type TrdFact): of the spool */
  GPtrArray *parts;             /* (owned) (element-type Part): beside destinations */
  GHashTable *known;            /* (owned) (element-type gint64): tasks, kept parts */
  GHashTable *names;            /* (owned) (element-type utf8): files that rows name */
  gboolean has_unreadable_body; /* a row may name more */
  TrdStoreSurvey stored;        /* (owned) */
} Survey;

/* A file beside a destination that is named as a part. */
typedef struct
{
  TrdPlace *place; /* (owned): directory and part_name */
  guint64 size;
  ino_t inode;
} Part;

static void
part_free (gpointer data)
{
  Part *part = data;

  g_clear_pointer (&part->place, trd_place_free);
  g_free (part);
}

void
trd_fact_free (TrdFact *self)
{
  g_free (self->path);
  g_free (self->text);
  g_free (self);
}

static void
survey_free (gpointer data)
{
  Survey *self = data;

  g_free (self->state_directory);
  g_clear_object (&self->spool);
  g_free (self->worker_program);
  g_clear_pointer (&self->facts, g_ptr_array_unref);
  g_clear_pointer (&self->files, g_ptr_array_unref);
  g_clear_pointer (&self->parts, g_ptr_array_unref);
  g_clear_pointer (&self->known, g_hash_table_unref);
  g_clear_pointer (&self->names, g_hash_table_unref);
  trd_store_survey_clear (&self->stored);
  g_free (self);
}

static TrdFact *
add_fact (GPtrArray *facts, TrdFactKind kind, char *path, gint64 task_id)
{
  TrdFact *fact = g_new0 (TrdFact, 1);

  fact->kind = kind;
  fact->path = path;
  fact->task_id = task_id;
  g_ptr_array_add (facts, fact);
  return fact;
}

static char *
path_of (Survey *self, const TrdPlace *place)
{
  g_autofree char *number = NULL;

  if (!trd_place_is_spool (place))
    return g_build_filename (place->directory, place->part_name, NULL);

  number = g_strdup_printf ("%" G_GINT64_FORMAT, place->task_id);
  return g_build_filename (self->state_directory, "spool", number, NULL);
}

/* ---- what is on the disk ---- */

/* Of the part, and of what it is decoded to beside it. */
static gint64
id_of_file (const char *name)
{
  g_autofree char *part = g_strdup (name);

  if (g_str_has_suffix (part, TRD_SPOOL_DECODED_SUFFIX))
    part[strlen (part) - strlen (TRD_SPOOL_DECODED_SUFFIX)] = '\0';
  return trd_spool_parse_name (part);
}

static void
list_spool (Survey *self)
{
  g_autofree char *path = g_build_filename (self->state_directory, "spool", NULL);
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  const char *name;

  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL)
    {
      char *file = g_build_filename (path, name, NULL);
      TrdFact *fact = add_fact (
          self->files, TRD_FACT_STRAY_FILE, file, id_of_file (name));
      struct stat facts;

      if (lstat (file, &facts) == 0)
        fact->size = (guint64)facts.st_size;
    }
}

static void
list_set_aside (Survey *self)
{
  g_autoptr (GPtrArray) asides = trd_shelter_list (self->state_directory);

  self->n_aside = asides->len;
  for (guint i = 0; i < asides->len; i++)
    {
      const TrdAside *aside = g_ptr_array_index (asides, i);
      char *file = g_build_filename (self->state_directory, aside->database, NULL);
      TrdFact *fact = add_fact (self->facts, TRD_FACT_SET_ASIDE, file, 0);
      struct stat facts;

      if (lstat (file, &facts) == 0)
        fact->size = (guint64)facts.st_size;
    }
}

static void
note_part (Survey *self, const TrdPlace *place, int directory_fd, const char *name)
{
  struct stat facts;
  Part *part;

  if (fstatat (directory_fd, name, &facts, AT_SYMLINK_NOFOLLOW) != 0
      || !S_ISREG (facts.st_mode) || facts.st_uid != geteuid ())
    return;

  part = g_new0 (Part, 1);
  part->place = trd_place_copy (place);
  g_free (part->place->part_name);
  part->place->part_name = g_strdup (name);
  part->size = (guint64)facts.st_size;
  part->inode = facts.st_ino;
  g_ptr_array_add (self->parts, part);
}

static void
list_parts (Survey *self, const TrdPlace *place)
{
  int fd = trd_files_open_directory (place->directory, place->device, place->inode, NULL);
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);
  g_autoptr (GDir) directory = fd >= 0 ? g_dir_open (path, 0, NULL) : NULL;
  const char *name;

  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL)
    if (trd_spool_parse_part_name (name) != 0)
      note_part (self, place, fd, name);
  if (fd >= 0)
    close (fd);
}

static void
list_directories (Survey *self, GPtrArray *rows, GHashTable *seen)
{
  for (guint i = 0; i < rows->len; i++)
    {
      const TrdPlace *place = ((TrdSurveyTask *)g_ptr_array_index (rows, i))->place;

      if (!trd_place_is_spool (place)
          && g_hash_table_add (seen, g_strdup (place->directory)))
        list_parts (self, place);
    }
}

static void
look_for_worker (Survey *self)
{
  struct stat facts;
  int error_number = 0;

  if (self->worker_program == NULL)
    return;
  if (stat (self->worker_program, &facts) != 0
      || access (self->worker_program, X_OK) != 0)
    error_number = errno;
  else if (!S_ISREG (facts.st_mode))
    error_number = EACCES;
  if (error_number != 0)
    add_fact (self->facts, TRD_FACT_WORKER_MISSING, g_strdup (self->worker_program), 0)
        ->text
        = g_strdup (g_strerror (error_number));
}

/* ---- what belongs to nobody ---- */

static void
note_body (Survey *self, const TrdSurveyTask *task)
{
  self->has_unreadable_body |= task->has_unreadable_body;
  for (guint i = 0; task->body != NULL && i < task->body->pieces->len; i++)
    {
      const TrdPiece *piece = g_ptr_array_index (task->body->pieces, i);

      if (piece->spool != NULL)
        g_hash_table_add (self->names, piece->spool);
    }
}

static void
note_known (Survey *self, GPtrArray *rows)
{
  for (guint i = 0; i < rows->len; i++)
    {
      const TrdSurveyTask *task = g_ptr_array_index (rows, i);
      TrdPlace *place = task->place;

      g_hash_table_add (self->known, &place->task_id);
      if (place->part_name != NULL)
        g_hash_table_add (self->names, place->part_name);
      note_body (self, task);
    }
}

/* Whose it is, in the spool. */
static gboolean
is_known (Survey *self, const TrdFact *file)
{
  g_autofree char *name = g_path_get_basename (file->path);

  if (!trd_body_is_file_name (name))
    return g_hash_table_contains (self->known, &file->task_id);

  return self->has_unreadable_body || g_hash_table_contains (self->names, name)
         || trd_sources_is_ours (self->spool, name);
}

static void
judge_files (Survey *self)
{
  for (guint i = 0; i < self->files->len; i++)
    {
      const TrdFact *file = g_ptr_array_index (self->files, i);
      TrdFact *fact;

      /* What another task took over bears another name by now. */
      if (is_known (self, file) || access (file->path, F_OK) != 0)
        continue;
      fact = add_fact (self->facts, TRD_FACT_STRAY_FILE, g_strdup (file->path), 0);
      fact->size = file->size;
      fact->settled = self->mend && unlink (file->path) == 0;
    }
}

/* Whether it was deleted. */
static gboolean
delete_part (const Part *part)
{
  const TrdPlace *place = part->place;
  gboolean gone = FALSE;
  struct stat facts;
  int directory_fd = trd_files_open_directory (
      place->directory, place->device, place->inode, NULL);
  int fd = directory_fd >= 0
               ? trd_files_open_regular (directory_fd, place->part_name, O_RDONLY, NULL)
               : -1;

  if (fd >= 0 && fstat (fd, &facts) == 0 && facts.st_ino == part->inode
      && facts.st_uid == geteuid () && flock (fd, LOCK_EX | LOCK_NB) == 0)
    gone = unlinkat (directory_fd, place->part_name, 0) == 0;
  if (fd >= 0)
    close (fd);
  if (directory_fd >= 0)
    close (directory_fd);
  return gone;
}

static void
judge_parts (Survey *self)
{
  for (guint i = 0; i < self->parts->len; i++)
    {
      const Part *part = g_ptr_array_index (self->parts, i);
      gint64 id = trd_spool_parse_part_name (part->place->part_name);
      TrdFact *fact;

      if (g_hash_table_contains (self->names, part->place->part_name))
        continue;
      fact = add_fact (self->facts, TRD_FACT_STRAY_PART, path_of (self, part->place), 0);
      fact->size = part->size;
      /* A greater number was given by somebody else, who may want it; and so may whoever
       * reads a database that was set aside. */
      fact->settled = self->mend && self->n_aside == 0 && id <= self->stored.last_id
                      && delete_part (part);
    }
}

/* ---- what rows promise ---- */

/* 0, or why the file of a row cannot be seen; ENODEV when its directory is not there. */
static int
look_for_file (Survey *self, const TrdPlace *place, guint64 *out_size)
{
  g_autofree char *path = NULL;
  struct stat facts;
  int error_number = 0;
  int fd;

  if (trd_place_is_spool (place))
    {
      path = path_of (self, place);
      if (lstat (path, &facts) != 0)
        return errno;
      *out_size = (guint64)facts.st_size;
      return 0;
    }

  fd = trd_files_open_directory (place->directory, place->device, place->inode, NULL);
  if (fd < 0)
    return ENODEV;
  if (place->part_name == NULL
      || fstatat (fd, place->part_name, &facts, AT_SYMLINK_NOFOLLOW) != 0)
    error_number = place->part_name == NULL ? ENOENT : errno;
  else
    *out_size = (guint64)facts.st_size;
  close (fd);
  return error_number;
}

static void
judge_space (Survey *self, const TrdSurveyTask *task)
{
  const char *directory = trd_place_is_spool (task->place) ? self->state_directory
                                                           : task->place->directory;
  struct statvfs facts;
  guint64 available;

  if (!(task->hold & TRUNDLE_WAIT_DISK_SPACE) || task->state != TRUNDLE_TASK_QUEUED
      || statvfs (directory, &facts) != 0)
    return;
  available = (guint64)facts.f_bavail * facts.f_frsize;
  if (available < task->space_needed)
    add_fact (self->facts, TRD_FACT_DISK_FULL, g_strdup (directory), task->place->task_id)
        ->size
        = task->space_needed - available;
}

/* What is to be sent must be what it was. */
static void
judge_body (Survey *self, const TrdSurveyTask *task)
{
  for (guint i = 0; task->body != NULL && i < task->body->pieces->len; i++)
    {
      const TrdPiece *piece = g_ptr_array_index (task->body->pieces, i);

      if (trd_sources_check (self->spool, piece, NULL))
        continue;
      if (piece->spool != NULL)
        add_fact (self->facts,
                  TRD_FACT_SOURCE_MISSING,
                  g_build_filename (self->state_directory, "spool", piece->spool, NULL),
                  task->place->task_id);
      else
        add_fact (self->facts,
                  TRD_FACT_SOURCE_CHANGED,
                  g_strdup (piece->path),
                  task->place->task_id);
    }
}

static void
judge_unfinished (Survey *self, const TrdSurveyTask *task)
{
  const TrdPlace *place = task->place;
  guint64 size = 0;
  int error_number = look_for_file (self, place, &size);

  if (error_number == ENODEV)
    add_fact (self->facts,
              TRD_FACT_DESTINATION_GONE,
              g_strdup (place->directory),
              place->task_id);
  else if (error_number == ENOENT && task->received > 0 && !task->has_intent)
    add_fact (self->facts, TRD_FACT_PART_MISSING, path_of (self, place), place->task_id);

  judge_body (self, task);
  judge_space (self, task);
  if (task->state == TRUNDLE_TASK_QUEUED && task->resumed_us != 0
      && task->resumed_us < self->waiting_since_us)
    add_fact (self->facts, TRD_FACT_WAITING, NULL, place->task_id);
}

static void
judge_tasks (Survey *self)
{
  for (guint i = 0; i < self->stored.tasks->len; i++)
    {
      const TrdSurveyTask *task = g_ptr_array_index (self->stored.tasks, i);
      guint64 size;

      if (task->state != TRUNDLE_TASK_FINISHED)
        judge_unfinished (self, task);
      else if (task->succeeded && !task->has_path && trd_place_is_spool (task->place)
               && look_for_file (self, task->place, &size) == ENOENT)
        add_fact (self->facts,
                  TRD_FACT_RESULT_MISSING,
                  path_of (self, task->place),
                  task->place->task_id);
    }
}

static void
judge_kept (Survey *self)
{
  for (guint i = 0; i < self->stored.kept->len; i++)
    {
      const TrdSurveyTask *task = g_ptr_array_index (self->stored.kept, i);
      guint64 size = 0;

      if (look_for_file (self, task->place, &size) == 0)
        add_fact (self->facts,
                  TRD_FACT_KEPT_PART,
                  path_of (self, task->place),
                  task->place->task_id)
            ->size
            = size;
    }
}

/* ---- the survey ---- */

static gboolean
read_rows (Survey *self, gboolean thorough)
{
  g_autofree char *path = g_build_filename (self->state_directory, "trundle.db", NULL);
  g_autoptr (GError) local_error = NULL;
  TrdStoreSurvey stored = { 0 };

  if (!trd_store_survey (path, thorough, &stored, &local_error))
    {
      add_fact (self->facts, TRD_FACT_DATABASE, NULL, 0)->text = g_strdup (
          local_error->message);
      return FALSE;
    }

  trd_store_survey_clear (&self->stored);
  self->stored = stored;
  for (guint i = 0; i < stored.problems->len; i++)
    add_fact (self->facts, TRD_FACT_DATABASE, NULL, 0)->text = g_strdup (
        g_ptr_array_index (stored.problems, i));
  return TRUE;
}

static void
survey (Survey *self)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (
      g_str_hash, g_str_equal, g_free, NULL);

  list_set_aside (self);
  look_for_worker (self);
  list_spool (self);
  if (!read_rows (self, TRUE))
    return;
  list_directories (self, self->stored.tasks, seen);
  list_directories (self, self->stored.kept, seen);
  if (!read_rows (self, FALSE))
    return;

  note_known (self, self->stored.tasks);
  note_known (self, self->stored.kept);
  judge_files (self);
  judge_parts (self);
  judge_kept (self);
  judge_tasks (self);
}

static void
run_survey (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Survey *self = task_data;

  survey (self);
  g_task_return_pointer (
      task, g_steal_pointer (&self->facts), (GDestroyNotify)g_ptr_array_unref);
}

void
trd_survey_async (const TrdSurveyOptions *options,
                  GAsyncReadyCallback callback,
                  gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  Survey *self = g_new0 (Survey, 1);

  self->state_directory = g_strdup (options->state_directory);
  self->spool = g_object_ref (options->spool);
  self->worker_program = g_strdup (options->worker_program);
  self->waiting_since_us = options->waiting_since_us;
  self->mend = options->mend;
  self->facts = g_ptr_array_new_with_free_func ((GDestroyNotify)trd_fact_free);
  self->files = g_ptr_array_new_with_free_func ((GDestroyNotify)trd_fact_free);
  self->parts = g_ptr_array_new_with_free_func (part_free);
  self->known = g_hash_table_new (g_int64_hash, g_int64_equal);
  self->names = g_hash_table_new (g_str_hash, g_str_equal);
  g_task_set_source_tag (task, trd_survey_async);
  g_task_set_task_data (task, self, survey_free);
  g_task_run_in_thread (task, run_survey);
}

GPtrArray *
trd_survey_finish (GAsyncResult *result)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, trd_survey_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), NULL);
}
