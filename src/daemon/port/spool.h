/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "value/place.h"

/* Files: parts, results, and the one directory that is ours.  Law 4, 6, 16. */
#define TRD_TYPE_SPOOL (trd_spool_get_type ())
G_DECLARE_FINAL_TYPE (TrdSpool, trd_spool, TRD, SPOOL, GObject)

/* Takes the state directory, making it (0700) and its "spool" when missing, and locks it
 * for life: G_IO_ERROR_BUSY when another daemon has it. */
TrdSpool *
trd_spool_new (const char *state_directory, GError **error);

/* (transfer none) */
const char *
trd_spool_get_state_directory (TrdSpool *self);
/* The directory "spool" has been moved away, or another into its place: opens it again,
 * making it when missing. */
gboolean
trd_spool_reopen (TrdSpool *self, GError **error);
/* The highest number of a file there is, 0 for none. */
gint64
trd_spool_find_last (TrdSpool *self);

/* A destination as the app named it, made into a place: @directory_fd (borrowed) or, when
 * -1, the directory part of @path.  Errors: TRUNDLE_ERROR FILE_NOT_FOUND, FILE_PERMISSION
 * (cannot be written), FILE_IS_DIRECTORY, FILE_EXISTS (with if-exists=fail),
 * INVALID_ARGUMENT (a name with a slash, empty, "." or "..", over 255 bytes; an fd that
 * is no directory).  @task_id is filled in later by the caller, as is part_name by
 * trd_spool_name_part().  (transfer full) */
TrdPlace *
trd_spool_resolve (TrdSpool *self,
                   int directory_fd,
                   const char *path,
                   const char *name,
                   TrundleIfExists if_exists,
                   GError **error);

/* Gives a foreign place its part name: ".trundle-<id>-<random>.part". */
void
trd_spool_name_part (TrdSpool *self, TrdPlace *place);

/* Opens the part for reading and writing, makes it when missing, locks it (flock) and,
 * once locked, cuts it to @keep bytes.  Errors: G_IO_ERROR_BUSY while another description
 * holds the lock; TRUNDLE_ERROR DESTINATION_GONE when the directory is not the one that
 * was named; else TRUNDLE_ERROR by errno.  Returns an fd that the caller owns. */
int
trd_spool_open_part (TrdSpool *self, const TrdPlace *place, guint64 keep, GError **error);

/* The same for what the part decodes to: always empty. */
int
trd_spool_open_decoded (TrdSpool *self, const TrdPlace *place, GError **error);

/* Deletes it. */
void
trd_spool_discard_decoded (TrdSpool *self, const TrdPlace *place);

/* Lets the decoded file, of @size bytes and synced, take the place of the part, for good;
 * in a thread.  Errors: TRUNDLE_ERROR DESTINATION_GONE, NO_SPACE, WRITE_FAILED. */
void
trd_spool_adopt_decoded_async (TrdSpool *self,
                               const TrdPlace *place,
                               guint64 size,
                               GAsyncReadyCallback callback,
                               gpointer user_data);
gboolean
trd_spool_adopt_decoded_finish (TrdSpool *self, GAsyncResult *result, GError **error);

/* What stands in the part now, by fstat: the daemon believes no worker.  */
gboolean
trd_spool_stat_part (TrdSpool *self,
                     const TrdPlace *place,
                     TrdIntent *out_found,
                     GError **error);

/* The name to try: the one asked for, or with if-exists=rename the first that is free,
 * counting on from @out_n (0 at first).  (transfer full) */
char *
trd_spool_choose_name (TrdSpool *self,
                       const TrdPlace *place,
                       guint *inout_n,
                       GError **error);

/* Makes a synced part visible: checks that the part is @intent's inode, renames it to
 * intent->final_name (RENAME_NOREPLACE unless replace; fallback linkat+unlinkat where the
 * file system has no such flag) and syncs the directory; in a thread.  Errors:
 * TRUNDLE_ERROR FILE_EXISTS, DESTINATION_GONE, NO_SPACE, FILE_PERMISSION, WRITE_FAILED.
 */
void
trd_spool_seal_async (TrdSpool *self,
                      const TrdPlace *place,
                      const TrdIntent *intent,
                      GAsyncReadyCallback callback,
                      gpointer user_data);
gboolean
trd_spool_seal_finish (TrdSpool *self, GAsyncResult *result, GError **error);

/* What a crash left of an intent. */
typedef enum
{
  TRD_SEAL_PART_THERE, /* redo the rename */
  TRD_SEAL_DONE,       /* the inode stands under its final name */
  TRD_SEAL_MOVED,      /* neither: somebody took the file away: a success all the same */
  TRD_SEAL_UNKNOWN,    /* the directory cannot be reached now: ask again later */
} TrdSealState;
TrdSealState
trd_spool_inspect (TrdSpool *self, const TrdPlace *place, const TrdIntent *intent);

/* A result for reading, from the spool or, when @final_path is given, from there: a
 * regular file, O_NOFOLLOW.  Returns an fd that the caller owns. */
int
trd_spool_open_result (TrdSpool *self,
                       const TrdPlace *place,
                       const char *final_path,
                       GError **error);

/* Moves the part (a result kept in the spool, or one whose rename failed) to
 * @directory_fd (consumed): rename, else reflink, else copy (synced, then renamed into
 * place), so that it appears whole or not at all; in a thread.  Finish returns the name
 * taken. (transfer full) */
void
trd_spool_move_async (TrdSpool *self,
                      const TrdPlace *place,
                      int directory_fd,
                      const char *name,
                      TrundleIfExists if_exists,
                      GAsyncReadyCallback callback,
                      gpointer user_data);
char *
trd_spool_move_finish (TrdSpool *self, GAsyncResult *result, GError **error);

/* Gives the part of @from the name and place of @to's, which has none yet; on disk when
 * it returns.  Errors: TRUNDLE_ERROR FILE_EXISTS when it has one, FILE_NOT_FOUND,
 * DESTINATION_GONE, by errno, as when the file systems are not the same. */
gboolean
trd_spool_rename_part (TrdSpool *self,
                       const TrdPlace *from,
                       const TrdPlace *to,
                       GError **error);

/* Deletes the part of @place and what it decoded to, in the spool or beside its
 * destination.  A part that is gone is fine; anything else is logged. */
void
trd_spool_discard (TrdSpool *self, const TrdPlace *place);

/* Deletes every file of the spool for whose id @is_known says FALSE, but for those of
 * bodies: trd_sources_sweep(). */
void
trd_spool_sweep (TrdSpool *self,
                 gboolean (*is_known) (gint64 task_id, gpointer user_data),
                 gpointer user_data);
