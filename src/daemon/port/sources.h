/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "port/spool.h"
#include "value/body.h"

/* What is to be sent, from where an app says it is to where it is sent from. */
typedef struct
{
  int fd;           /* consumed; -1: @path */
  const char *path; /* (nullable): absolute; only of callers who may watch */
  gboolean has_range;
  guint64 first;  /* with has_range */
  guint64 length; /* likewise; 0: all that follows */
  TrdSnapshot snapshot;
  gboolean may_watch; /* the caller sees files by the same paths as we do, and a path may
                       * be remembered for him */
  guint idle_ms;      /* 0: TRD_SOURCE_IDLE_MS */
} TrdSource;

/* Takes what is to be sent, in a thread: a regular file shares its blocks with a copy in
 * the spool, is copied or is watched, as `snapshot` says; what has no path that leads
 * back to it is never watched, and pipes and stream sockets are read to their end, or to
 * that of the range.  Nothing of a source is changed, nor the position of its
 * description.  What is in the spool is on disk when this has ended (law 1): its names
 * belong to a row that is stored now, or it is discarded.  Errors: TRUNDLE_ERROR
 * FILE_NOT_FOUND, FILE_PERMISSION, FILE_IS_DIRECTORY; INVALID_ARGUMENT (what is no file,
 * pipe or stream; an fd that cannot be read; a range beyond the end; a snapshot of "none"
 * of what cannot be watched); NO_SPACE, TIMED_OUT (a pipe that says nothing),
 * SOURCE_CHANGED (while it was copied), WRITE_FAILED, FAILED; G_IO_ERROR_CANCELLED.
 *
 * A file that was changed just now cannot be told from one that is changed again: it is
 * looked at until its time is older than times of its file system are exact, which are
 * milliseconds, or two seconds. */
void
trd_sources_adopt_async (TrdSpool *spool,
                         const TrdSource *source,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data);
/* (transfer full).  One without length is of bytes. */
TrdPiece *
trd_sources_adopt_finish (GAsyncResult *result, GError **error);

/* Opens the file of a piece that is not of bytes, for reading; it is what it was.  No
 * message names a file that the app has not named.  Errors: TRUNDLE_ERROR SOURCE_CHANGED
 * (of what is watched also when it is not there), FILE_NOT_FOUND, FILE_PERMISSION,
 * FAILED.  Returns an fd that the caller owns. */
int
trd_sources_open (TrdSpool *spool, const TrdPiece *piece, GError **error);

/* Whether a piece can be opened now; one of bytes always. */
gboolean
trd_sources_check (TrdSpool *spool, const TrdPiece *piece, GError **error);

/* What another body may have of the same source: a file of the spool gets a further name,
 * of which trd_sources_sync() is to make sure before a row names it. (transfer full) */
TrdPiece *
trd_sources_share (TrdSpool *spool, const TrdPiece *piece, GError **error);
TrdBody *
trd_sources_share_body (TrdSpool *spool, const TrdBody *body, GError **error);
gboolean
trd_sources_sync (TrdSpool *spool, GError **error);

/* Deletes what of it is in the spool.  What is gone is fine; anything else is logged. */
void
trd_sources_discard (TrdSpool *spool, const TrdBody *body);

/* Whether this process has made the file of the spool, so that it is somebody's, or soon
 * will be.  From any thread. */
gboolean
trd_sources_is_ours (TrdSpool *spool, const char *name);

/* Whether there is a file of a body in the spool, whosever it is. */
gboolean
trd_sources_are_there (TrdSpool *spool);

/* Deletes every file of a body in the spool, but for those whose names @known has,
 * and for those this process has made.  (element-type utf8) */
void
trd_sources_sweep (TrdSpool *spool, GHashTable *known);
