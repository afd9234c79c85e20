/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <sys/stat.h>

#include "port/spool.h"

/* What the files of the spool share: spool.c, spool-seal.c, space.c. */
struct _TrdSpool
{
  GObject parent_instance;

  char *state_directory; /* (owned) */
  int lock_fd;           /* locked for life */
  int spool_fd;
  mode_t umask;

  /* Files of bodies that this process has made, and that are there: any thread. */
  GMutex bodies_lock;
  GHashTable *bodies; /* (owned) (element-type utf8) */
};

/* Names tried for if-exists=rename before we believe that none will be free. */
#define TRD_SPOOL_NAMES_MAX 10000

/* A place opened for one use. */
typedef struct
{
  int fd;          /* of its directory; owned */
  char *part_name; /* (owned) */
} TrdSite;

gboolean
trd_site_open (int spool_fd, const TrdPlace *place, TrdSite *out_site, GError **error);
void
trd_site_clear (TrdSite *site);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TrdSite, trd_site_clear)

/* From the part's name to that of what it decodes to. */
void
trd_site_turn_to_decoded (TrdSite *site);

gboolean
trd_spool_check_name (const char *name, GError **error);
gboolean
trd_spool_stat_directory (int fd, struct stat *out_facts, GError **error);
