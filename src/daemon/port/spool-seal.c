/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Results become visible (law 6): sealing beside the destination, moving out of the
 * spool, and what a crash between the steps has left.  Both run in threads over copies of
 * plain values, since they may have to sync or copy gigabytes. */

#include "config.h"

#include "port/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "port/files.h"
#include "port/spool-names.h"
#include "port/spool-private.h"

/* Sealing */

typedef struct
{
  int spool_fd; /* of the spool, which the task keeps alive */
  mode_t mode;  /* of a file that becomes visible */
  TrdPlace *place;
  TrdIntent intent;

  /* Moving only. */
  int directory_fd;
  char *name;
  TrundleIfExists if_exists;

  guint64 decoded_size; /* adopting only */
} Job;

static Job *
job_new (TrdSpool *self, const TrdPlace *place)
{
  Job *job = g_new0 (Job, 1);

  job->spool_fd = self->spool_fd;
  job->mode = 0666 & ~self->umask;
  job->place = trd_place_copy (place);
  job->directory_fd = -1;
  return job;
}

static void
job_free (Job *job)
{
  g_clear_pointer (&job->place, trd_place_free);
  trd_intent_clear (&job->intent);
  if (job->directory_fd >= 0)
    close (job->directory_fd);
  g_clear_pointer (&job->name, g_free);
  g_free (job);
}

/* The directory was found to be the one that was named, so that an inode in it says all.
 */
static gboolean
is_inode (int directory_fd, const char *name, const TrdIntent *intent)
{
  struct stat facts;

  return fstatat (directory_fd, name, &facts, AT_SYMLINK_NOFOLLOW) == 0
         && facts.st_ino == intent->inode;
}

/* An earlier try got as far as the final name: what is left is to drop the part's, which
 * is still there when the way was by link, and to sync. */
static gboolean
finish_seal (const TrdSite *site, const TrdIntent *intent, GError **error)
{
  int fd;
  gboolean synced;

  if (!g_str_equal (site->part_name, intent->final_name)
      && is_inode (site->fd, site->part_name, intent)
      && unlinkat (site->fd, site->part_name, 0) != 0)
    return trd_files_set_error (error, errno, site->part_name);

  fd = trd_files_open_regular (site->fd, intent->final_name, O_RDONLY, error);
  if (fd < 0)
    return FALSE;
  synced = trd_files_sync (fd, intent->final_name, error)
           && trd_files_sync_directory (site->fd, fd, error);
  close (fd);
  return synced;
}

static gboolean
check_part (int fd, const TrdSite *site, const TrdIntent *intent, GError **error)
{
  struct stat facts;

  if (fstat (fd, &facts) == 0 && facts.st_ino == intent->inode
      && (guint64)facts.st_size == intent->size)
    return TRUE;

  g_set_error (error,
               TRUNDLE_ERROR,
               TRUNDLE_ERROR_WRITE_FAILED,
               "%s is not the file that was received",
               site->part_name);
  return FALSE;
}

static gboolean
publish_part (int fd, const TrdSite *site, const Job *job, GError **error)
{
  int error_number;

  if (!check_part (fd, site, &job->intent, error))
    return FALSE;
  /* Some file systems have no modes. */
  if (fchmod (fd, job->mode) != 0)
    g_debug ("Mode of %s: %s", site->part_name, g_strerror (errno));
  if (!trd_files_sync (fd, site->part_name, error))
    return FALSE;

  error_number = trd_files_publish (
      site->fd, site->part_name, site->fd, job->intent.final_name, job->place->if_exists);
  if (error_number != 0)
    return trd_files_set_error (error, error_number, job->intent.final_name);
  return trd_files_sync_directory (site->fd, fd, error);
}

static gboolean
seal (const Job *job, GError **error)
{
  g_auto (TrdSite) site = { -1, NULL };
  g_autoptr (GError) local_error = NULL;
  gboolean sealed;
  int fd;

  if (!trd_site_open (job->spool_fd, job->place, &site, error))
    return FALSE;
  if (is_inode (site.fd, job->intent.final_name, &job->intent))
    return finish_seal (&site, &job->intent, error);

  fd = trd_files_open_regular (site.fd, site.part_name, O_RDONLY, &local_error);
  if (fd < 0)
    {
      g_set_error_literal (
          error, TRUNDLE_ERROR, TRUNDLE_ERROR_WRITE_FAILED, local_error->message);
      return FALSE;
    }
  sealed = publish_part (fd, &site, job, error);
  close (fd);
  return sealed;
}

static void
run_seal (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  GError *local_error = NULL;

  if (seal (task_data, &local_error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, local_error);
}

void
trd_spool_seal_async (TrdSpool *self,
                      const TrdPlace *place,
                      const TrdIntent *intent,
                      GAsyncReadyCallback callback,
                      gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  Job *job;

  g_return_if_fail (TRD_IS_SPOOL (self));
  g_return_if_fail (place != NULL);
  g_return_if_fail (intent != NULL && intent->final_name != NULL);

  job = job_new (self, place);
  job->intent = *intent;
  job->intent.final_name = g_strdup (intent->final_name);
  task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (task, trd_spool_seal_async);
  g_task_set_task_data (task, job, (GDestroyNotify)job_free);
  g_task_run_in_thread (task, run_seal);
}

gboolean
trd_spool_seal_finish (TrdSpool *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* The decoded file for the part */

static gboolean
has_size (int fd, guint64 size)
{
  struct stat facts;

  return fstat (fd, &facts) == 0 && (guint64)facts.st_size == size;
}

/* The directory is synced too: what follows names an inode, and after a crash the part
 * must not be the encoded one again. */
static gboolean
adopt_decoded (const Job *job, GError **error)
{
  g_auto (TrdSite) part = { -1, NULL };
  g_auto (TrdSite) decoded = { -1, NULL };
  gboolean adopted = FALSE;
  int fd;

  if (!trd_site_open (job->spool_fd, job->place, &part, error)
      || !trd_site_open (job->spool_fd, job->place, &decoded, error))
    return FALSE;
  trd_site_turn_to_decoded (&decoded);
  fd = trd_files_open_regular (decoded.fd, decoded.part_name, O_RDONLY, error);
  if (fd < 0)
    return FALSE;
  if (!has_size (fd, job->decoded_size))
    g_set_error_literal (error,
                         TRUNDLE_ERROR,
                         TRUNDLE_ERROR_WRITE_FAILED,
                         "The decoded file does not have the size that was told");
  else if (renameat (decoded.fd, decoded.part_name, part.fd, part.part_name) != 0)
    trd_files_set_error (error, errno, decoded.part_name);
  else
    adopted = trd_files_sync_directory (part.fd, fd, error);
  close (fd);
  return adopted;
}

static void
run_adopt_decoded (GTask *task,
                   gpointer source,
                   gpointer task_data,
                   GCancellable *cancellable)
{
  GError *local_error = NULL;

  if (adopt_decoded (task_data, &local_error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, local_error);
}

void
trd_spool_adopt_decoded_async (TrdSpool *self,
                               const TrdPlace *place,
                               guint64 size,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  Job *job;

  g_return_if_fail (TRD_IS_SPOOL (self));
  g_return_if_fail (place != NULL);

  job = job_new (self, place);
  job->decoded_size = size;
  task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (task, trd_spool_adopt_decoded_async);
  g_task_set_task_data (task, job, (GDestroyNotify)job_free);
  g_task_run_in_thread (task, run_adopt_decoded);
}

gboolean
trd_spool_adopt_decoded_finish (TrdSpool *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* What @name stands for: 0 nothing of ours, 1 the inode, -1 cannot be told. */
static int
look_for (int directory_fd, const char *name, const TrdIntent *intent)
{
  struct stat facts;

  if (fstatat (directory_fd, name, &facts, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT ? 0 : -1;
  return facts.st_ino == intent->inode;
}

TrdSealState
trd_spool_inspect (TrdSpool *self, const TrdPlace *place, const TrdIntent *intent)
{
  g_auto (TrdSite) site = { -1, NULL };
  int part, final;

  g_return_val_if_fail (TRD_IS_SPOOL (self), TRD_SEAL_UNKNOWN);
  g_return_val_if_fail (place != NULL && intent != NULL, TRD_SEAL_UNKNOWN);
  g_return_val_if_fail (intent->final_name != NULL, TRD_SEAL_UNKNOWN);

  if (!trd_site_open (self->spool_fd, place, &site, NULL))
    return TRD_SEAL_UNKNOWN;

  part = look_for (site.fd, site.part_name, intent);
  final = look_for (site.fd, intent->final_name, intent);
  if (part < 0 || final < 0)
    return TRD_SEAL_UNKNOWN;
  /* Under both names (a crash between link and unlink) sealing again drops the first. */
  if (part > 0 && !g_str_equal (site.part_name, intent->final_name))
    return TRD_SEAL_PART_THERE;
  return final > 0 ? TRD_SEAL_DONE : TRD_SEAL_MOVED;
}

/* Parts that another task goes on with */

gboolean
trd_spool_rename_part (TrdSpool *self,
                       const TrdPlace *from,
                       const TrdPlace *to,
                       GError **error)
{
  g_auto (TrdSite) source = { -1, NULL };
  g_auto (TrdSite) target = { -1, NULL };
  gboolean synced;
  int error_number;
  int fd;

  g_return_val_if_fail (TRD_IS_SPOOL (self), FALSE);
  g_return_val_if_fail (from != NULL && to != NULL, FALSE);

  if (!trd_site_open (self->spool_fd, from, &source, error)
      || !trd_site_open (self->spool_fd, to, &target, error))
    return FALSE;

  fd = trd_files_open_regular (source.fd, source.part_name, O_RDONLY, error);
  if (fd < 0)
    return FALSE;
  error_number = trd_files_publish_new (
      TRD_PUBLISH_RENAME, source.fd, source.part_name, target.fd, target.part_name);
  synced = error_number == 0 ? trd_files_sync_directory (target.fd, fd, error)
                             : trd_files_set_error (error, error_number, "Part");
  close (fd);
  return synced;
}

/* Moving */

/* Publishes @from_name under the first name the policy lets it have.  (transfer full) */
static char *
take_name (const Job *job, int from_fd, const char *from_name, int *out_error_number)
{
  guint last = job->if_exists == TRUNDLE_IF_EXISTS_RENAME ? TRD_SPOOL_NAMES_MAX : 1;

  for (guint n = 0; n < last; n++)
    {
      g_autofree char *name = trd_place_nth_name (job->name, n);

      *out_error_number = trd_files_publish (
          from_fd, from_name, job->directory_fd, name, job->if_exists);
      if (*out_error_number == 0)
        return g_steal_pointer (&name);
      if (*out_error_number != EEXIST)
        return NULL;
    }
  return NULL;
}

static gboolean
fill_copy (int from_fd, int to_fd, const Job *job, GError **error)
{
  struct stat facts;

  if (fstat (from_fd, &facts) != 0)
    return trd_files_set_error (error, errno, job->name);
  if (!trd_files_copy (from_fd, to_fd, (guint64)facts.st_size, error))
    return FALSE;
  if (fchmod (to_fd, job->mode) != 0)
    g_debug ("Mode of %s: %s", job->name, g_strerror (errno));
  return trd_files_sync (to_fd, job->name, error);
}

static char *
move_by_copy (const Job *job, int from_fd, GError **error)
{
  g_autofree char *temporary = trd_spool_make_part_name (job->place->task_id);
  g_autofree char *name = NULL;
  int error_number = 0;
  gboolean good;
  int fd = trd_files_open_regular (
      job->directory_fd, temporary, O_RDWR | O_CREAT | O_EXCL, error);

  if (fd < 0)
    return NULL;

  good = fill_copy (from_fd, fd, job, error);
  if (good)
    {
      name = take_name (job, job->directory_fd, temporary, &error_number);
      good = name != NULL || trd_files_set_error (error, error_number, job->name);
    }
  if (name == NULL)
    unlinkat (job->directory_fd, temporary, 0);
  else
    good = trd_files_sync_directory (job->directory_fd, fd, error);
  close (fd);
  return good ? g_steal_pointer (&name) : NULL;
}

/* Sets *@out_gone when the source went with the rename. */
static char *
move_opened (
    const Job *job, const TrdSite *site, int from_fd, gboolean *out_gone, GError **error)
{
  g_autofree char *name = NULL;
  int error_number;

  if (!trd_files_sync (from_fd, site->part_name, error))
    return NULL;
  name = take_name (job, site->fd, site->part_name, &error_number);
  if (name == NULL && error_number == EXDEV)
    return move_by_copy (job, from_fd, error);
  if (name == NULL)
    {
      trd_files_set_error (error, error_number, job->name);
      return NULL;
    }

  *out_gone = TRUE;
  if (fchmod (from_fd, job->mode) != 0)
    g_debug ("Mode of %s: %s", name, g_strerror (errno));
  if (!trd_files_sync (from_fd, name, error)
      || !trd_files_sync_directory (job->directory_fd, from_fd, error))
    return NULL;
  return g_steal_pointer (&name);
}

static char *
move (const Job *job, GError **error)
{
  g_auto (TrdSite) site = { -1, NULL };
  g_autoptr (GError) local_error = NULL;
  g_autofree char *name = NULL;
  struct stat facts;
  gboolean gone = FALSE;
  int from_fd;

  if (!trd_spool_check_name (job->name, error)
      || !trd_spool_stat_directory (job->directory_fd, &facts, error)
      || !trd_site_open (job->spool_fd, job->place, &site, error))
    return NULL;
  from_fd = trd_files_open_regular (site.fd, site.part_name, O_RDONLY, error);
  if (from_fd < 0)
    return NULL;

  name = move_opened (job, &site, from_fd, &gone, error);
  /* The source goes last, and only once the copy is safe. */
  if (name != NULL && !gone && unlinkat (site.fd, site.part_name, 0) != 0)
    g_warning ("Cannot remove %s: %s", site.part_name, g_strerror (errno));
  if (name != NULL && !trd_files_sync_directory (site.fd, from_fd, &local_error))
    g_warning ("Spool: %s", local_error->message);
  close (from_fd);
  return g_steal_pointer (&name);
}

static void
run_move (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  GError *local_error = NULL;
  char *name = move (task_data, &local_error);

  if (name != NULL)
    g_task_return_pointer (task, name, g_free);
  else
    g_task_return_error (task, local_error);
}

void
trd_spool_move_async (TrdSpool *self,
                      const TrdPlace *place,
                      int directory_fd,
                      const char *name,
                      TrundleIfExists if_exists,
                      GAsyncReadyCallback callback,
                      gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  Job *job;

  g_return_if_fail (TRD_IS_SPOOL (self));
  g_return_if_fail (place != NULL && name != NULL);

  job = job_new (self, place);
  job->directory_fd = directory_fd;
  job->name = g_strdup (name);
  job->if_exists = if_exists;
  task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (task, trd_spool_move_async);
  g_task_set_task_data (task, job, (GDestroyNotify)job_free);
  g_task_run_in_thread (task, run_move);
}

char *
trd_spool_move_finish (TrdSpool *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
