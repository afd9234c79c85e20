/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "port/spool.h"

/* Space on the disk where a part grows. */
typedef struct
{
  guint64 device;    /* st_dev: holds while the service runs */
  guint64 available; /* bytes that we may still take */
  guint64 size;      /* of the whole file system */
  guint64 taken;     /* by the part, what is reserved for it included; 0 when it is not
                      * there */
} TrdRoom;

/* Errors: TRUNDLE_ERROR DESTINATION_GONE, else by errno. */
gboolean
trd_spool_measure (TrdSpool *self,
                   const TrdPlace *place,
                   TrdRoom *out_room,
                   GError **error);

/* What of a disk is left free in any case, for the database if for nothing else. */
guint64
trd_room_kept_free (const TrdRoom *self);

/* Whether @bytes more may be put into the spool, by what its disk says now: else
 * NO_SPACE. From any thread. */
gboolean
trd_spool_check_room (TrdSpool *self, guint64 bytes, GError **error);

/* Whether the directory of @place is there, and not read-only: else DESTINATION_GONE. */
gboolean
trd_spool_check_place (TrdSpool *self, const TrdPlace *place, GError **error);

/* Reserves bytes @from to @to of the part, in a thread, without changing its length (law
 * 4).  @part_fd: borrowed, of who holds the lock; what was reserved before it failed is
 * then given back.  With -1 the part is opened once more, and no lock is touched: another
 * may write meanwhile.  Finish fails with NO_SPACE only: a file system that cannot do it
 * says nothing, and any other trouble will be told by writing. *@out_error_number tells
 * quota from disk. */
void
trd_spool_reserve_async (TrdSpool *self,
                         const TrdPlace *place,
                         int part_fd,
                         guint64 from,
                         guint64 to,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data);
gboolean
trd_spool_reserve_finish (TrdSpool *self,
                          GAsyncResult *result,
                          int *out_error_number,
                          GError **error);

/* Tries whether @bytes more may be had, which is all that tells of a quota.  FALSE only
 * when they may not.  What it gets it keeps: somebody is about to write. */
gboolean
trd_spool_probe (TrdSpool *self, const TrdPlace *place, guint64 bytes);

/* Gives back what is reserved beyond the part's end; nobody may be writing. */
void
trd_spool_trim (TrdSpool *self, const TrdPlace *place);
/* The same in a thread, and only if nobody holds the part's lock. */
void
trd_spool_trim_later (TrdSpool *self, const TrdPlace *place);
