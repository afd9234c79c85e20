/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "common/enums.h"

/* What the spool does with files, over plain values, fit for any thread.  Names are
 * single path elements, and a symbolic link under one is never followed.  Errors are
 * TRUNDLE_ERROR by errno. */

/* Sets @error by @error_number; always returns FALSE. */
gboolean
trd_files_set_error (GError **error, int error_number, const char *what);
/* The same with a G_IO_ERROR, for what no app is told. */
gboolean
trd_files_set_io_error (GError **error, int error_number, const char *what);

/* What tells one file system from another, across reboots too: its f_fsid (statfs(2)).  A
 * device number is no such thing: a USB disk, btrfs and FUSE get another one each time.
 * 0 where the file system knows nothing better (vfat, XFS: the same number again). */
guint64
trd_files_file_system (int fd);

/* An O_PATH descriptor of a directory that must still be @inode on the file system
 * @device, else TRUNDLE_ERROR_DESTINATION_GONE.  Returns -1 on error. */
int
trd_files_open_directory (const char *path,
                          guint64 device,
                          guint64 inode,
                          GError **error);

/* Opens an existing regular file.  Returns -1 on error. */
int
trd_files_open_regular (int directory_fd, const char *name, int flags, GError **error);

gboolean
trd_files_sync (int fd, const char *name, GError **error);
/* Makes what was renamed in the directory (an O_PATH descriptor will do) last; @file_fd
 * is any file in it. */
gboolean
trd_files_sync_directory (int directory_fd, int file_fd, GError **error);

/* How a file gets its final name without taking one that is in use: each way is tried
 * when the file system knows nothing of the one before. */
typedef enum
{
  TRD_PUBLISH_RENAME, /* renameat2 with RENAME_NOREPLACE */
  TRD_PUBLISH_LINK,   /* linkat, unlinkat */
  TRD_PUBLISH_LOOK,   /* look, then rename: not safe against who takes the name between */
} TrdPublishWay;

/* 0, or an errno: EEXIST, EXDEV, … */
int
trd_files_publish_new (TrdPublishWay way,
                       int from_fd,
                       const char *from_name,
                       int to_fd,
                       const char *to_name);
/* The same under @if_exists: replaces what is there only with REPLACE. */
int
trd_files_publish (int from_fd,
                   const char *from_name,
                   int to_fd,
                   const char *to_name,
                   TrundleIfExists if_exists);

/* Copies @size bytes: reflink, else in the kernel, else by hand. */
gboolean
trd_files_copy (int from_fd, int to_fd, guint64 size, GError **error);
