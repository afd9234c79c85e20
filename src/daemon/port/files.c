/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names, syncs and copies: the system calls under the spool and the ways around file
 * systems that lack one of them (law 6). */

#include "config.h"

#include "port/files.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/error.h"

#define COPY_BUFFER (1024 * 1024)
/* What one copy_file_range() is asked for; the kernel takes less than 2 GiB at a time. */
#define COPY_RANGE (G_GUINT64_CONSTANT (1) << 30)

static const struct
{
  int error_number;
  TrundleError code;
} error_codes[] = {
  { ENOENT, TRUNDLE_ERROR_FILE_NOT_FOUND },
  { ENOTDIR, TRUNDLE_ERROR_FILE_NOT_FOUND },
  { EACCES, TRUNDLE_ERROR_FILE_PERMISSION },
  { EPERM, TRUNDLE_ERROR_FILE_PERMISSION },
  { EROFS, TRUNDLE_ERROR_FILE_PERMISSION },
  { EISDIR, TRUNDLE_ERROR_FILE_IS_DIRECTORY },
  { EEXIST, TRUNDLE_ERROR_FILE_EXISTS },
  { ENOTEMPTY, TRUNDLE_ERROR_FILE_EXISTS },
  { ENOSPC, TRUNDLE_ERROR_NO_SPACE },
  { EDQUOT, TRUNDLE_ERROR_NO_SPACE },
  { EFBIG, TRUNDLE_ERROR_TOO_LARGE },
  { ENAMETOOLONG, TRUNDLE_ERROR_INVALID_ARGUMENT },
};

gboolean
trd_files_set_error (GError **error, int error_number, const char *what)
{
  TrundleError code = TRUNDLE_ERROR_WRITE_FAILED;

  for (guint i = 0; i < G_N_ELEMENTS (error_codes); i++)
    {
      if (error_codes[i].error_number == error_number)
        code = error_codes[i].code;
    }
  g_set_error (error, TRUNDLE_ERROR, code, "%s: %s", what, g_strerror (error_number));
  return FALSE;
}

gboolean
trd_files_set_io_error (GError **error, int error_number, const char *what)
{
  g_set_error (error,
               G_IO_ERROR,
               g_io_error_from_errno (error_number),
               "%s: %s",
               what,
               g_strerror (error_number));
  return FALSE;
}

guint64
trd_files_file_system (int fd)
{
  struct statfs facts;
  struct stat file;
  guint32 id[2];

  if (fstatfs (fd, &facts) != 0 || fstat (fd, &file) != 0)
    return 0;

  memcpy (id, &facts.f_fsid, sizeof id);
  if (id[0] == (guint32)file.st_dev)
    return 0;

  return (guint64)id[1] << 32 | id[0];
}

static gboolean
is_on (int fd, guint64 file_system)
{
  guint64 found = trd_files_file_system (fd);

  return found == 0 || file_system == 0 || found == file_system;
}

int
trd_files_open_directory (const char *path, guint64 device, guint64 inode, GError **error)
{
  struct stat facts;
  int fd = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
    {
      trd_files_set_error (error, errno, path);
      return -1;
    }
  if (fd >= 0 && fstat (fd, &facts) == 0 && facts.st_ino == inode && is_on (fd, device))
    return fd;

  if (fd >= 0)
    close (fd);
  g_set_error (error,
               TRUNDLE_ERROR,
               TRUNDLE_ERROR_DESTINATION_GONE,
               "%s is not the directory that was named",
               path);
  return -1;
}

/* O_NONBLOCK: a pipe that took the name must not hold us up. */
int
trd_files_open_regular (int directory_fd, const char *name, int flags, GError **error)
{
  struct stat facts;
  int fd;

  fd = openat (
      directory_fd, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
  if (fd < 0)
    {
      trd_files_set_error (error, errno == ELOOP ? ENOENT : errno, name);
      return -1;
    }
  if (fstat (fd, &facts) == 0 && S_ISREG (facts.st_mode))
    {
      g_unix_set_fd_nonblocking (fd, FALSE, NULL);
      return fd;
    }

  trd_files_set_error (error, S_ISDIR (facts.st_mode) ? EISDIR : ENOENT, name);
  close (fd);
  return -1;
}

gboolean
trd_files_sync (int fd, const char *name, GError **error)
{
  while (fsync (fd) != 0)
    {
      if (errno != EINTR)
        return trd_files_set_error (error, errno, name);
    }
  return TRUE;
}

gboolean
trd_files_sync_directory (int directory_fd, int file_fd, GError **error)
{
  int fd = openat (directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int result;
  int error_number;

  /* A directory we may write and not read (a drop box) cannot be opened for fsync(). */
  if (fd < 0)
    result = syncfs (file_fd);
  else
    result = fsync (fd);
  error_number = errno;
  if (fd >= 0)
    close (fd);

  /* EINVAL: a file system whose directories need no sync, such as many over FUSE. */
  if (result == 0 || error_number == EINVAL || error_number == ENOTSUP)
    return TRUE;
  return trd_files_set_error (error, error_number, "Directory");
}

/* Publishing */

static int
rename_new (int from_fd, const char *from_name, int to_fd, const char *to_name)
{
  if (renameat2 (from_fd, from_name, to_fd, to_name, RENAME_NOREPLACE) == 0)
    return 0;
  return errno;
}

static int
link_new (int from_fd, const char *from_name, int to_fd, const char *to_name)
{
  if (linkat (from_fd, from_name, to_fd, to_name, 0) != 0)
    return errno;
  /* The file is visible and whole; a second name for it is the lesser evil. */
  if (unlinkat (from_fd, from_name, 0) != 0)
    g_warning ("Cannot remove %s: %s", from_name, g_strerror (errno));
  return 0;
}

static int
look_and_rename (int from_fd, const char *from_name, int to_fd, const char *to_name)
{
  struct stat facts;

  if (fstatat (to_fd, to_name, &facts, AT_SYMLINK_NOFOLLOW) == 0)
    return EEXIST;
  if (errno != ENOENT)
    return errno;
  return renameat (from_fd, from_name, to_fd, to_name) == 0 ? 0 : errno;
}

static const struct
{
  int (*publish) (int from_fd, const char *from_name, int to_fd, const char *to_name);
  int unknown[6]; /* errno by which a file system says that it has no such thing */
} ways[] = {
  [TRD_PUBLISH_RENAME] = { rename_new, { EINVAL, ENOSYS, ENOTSUP } },
  [TRD_PUBLISH_LINK] = { link_new, { EPERM, ENOSYS, ENOTSUP, EMLINK, EINVAL } },
  [TRD_PUBLISH_LOOK] = { look_and_rename, { 0 } },
};

static gboolean
is_unknown (TrdPublishWay way, int error_number)
{
  for (guint i = 0; ways[way].unknown[i] != 0; i++)
    {
      if (ways[way].unknown[i] == error_number)
        return TRUE;
    }
  return FALSE;
}

int
trd_files_publish_new (
    TrdPublishWay way, int from_fd, const char *from_name, int to_fd, const char *to_name)
{
  int error_number = 0;

  for (guint i = way; i < G_N_ELEMENTS (ways); i++)
    {
      error_number = ways[i].publish (from_fd, from_name, to_fd, to_name);
      if (error_number == 0 || !is_unknown ((TrdPublishWay)i, error_number))
        break;
    }
  return error_number;
}

int
trd_files_publish (int from_fd,
                   const char *from_name,
                   int to_fd,
                   const char *to_name,
                   TrundleIfExists if_exists)
{
  if (if_exists != TRUNDLE_IF_EXISTS_REPLACE)
    return trd_files_publish_new (TRD_PUBLISH_RENAME, from_fd, from_name, to_fd, to_name);
  return renameat (from_fd, from_name, to_fd, to_name) == 0 ? 0 : errno;
}

/* Copying */

static gboolean
write_all (int fd, const char *data, gsize length, GError **error)
{
  while (length > 0)
    {
      ssize_t written = write (fd, data, length);

      if (written < 0 && errno == EINTR)
        continue;
      if (written < 0)
        return trd_files_set_error (error, errno, "Copying");
      data += written;
      length -= written;
    }
  return TRUE;
}

static gboolean
copy_by_hand (int from_fd, int to_fd, GError **error)
{
  g_autofree char *buffer = g_malloc (COPY_BUFFER);

  while (TRUE)
    {
      ssize_t got = read (from_fd, buffer, COPY_BUFFER);

      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        return trd_files_set_error (error, errno, "Copying");
      if (got == 0)
        return TRUE;
      if (!write_all (to_fd, buffer, got, error))
        return FALSE;
    }
}

/* Goes on from where both descriptors stand; what this cannot copy is copied by hand,
 * which also says why when that cannot be done either. */
static void
copy_in_kernel (int from_fd, int to_fd)
{
  ssize_t got;

  do
    got = copy_file_range (from_fd, NULL, to_fd, NULL, COPY_RANGE, 0);
  while (got > 0 || (got < 0 && errno == EINTR));
}

gboolean
trd_files_copy (int from_fd, int to_fd, guint64 size, GError **error)
{
  struct stat facts;

  if (ioctl (to_fd, FICLONE, from_fd) != 0)
    {
      copy_in_kernel (from_fd, to_fd);
      if (!copy_by_hand (from_fd, to_fd, error))
        return FALSE;
    }

  if (fstat (to_fd, &facts) == 0 && (guint64)facts.st_size == size)
    return TRUE;
  g_set_error_literal (error,
                       TRUNDLE_ERROR,
                       TRUNDLE_ERROR_WRITE_FAILED,
                       "The copy is not as long as the file");
  return FALSE;
}
