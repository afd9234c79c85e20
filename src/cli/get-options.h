/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "cli/command.h"
#include "cli/credential.h"
#include "cli/secret.h"

/* What nobody gives on a command line, not even by mistake. */
#define TRC_RETRIES_NONE G_MININT
#define TRC_PRIORITY_NONE (-G_MAXDOUBLE)

/* The command line; strings are owned. */
typedef struct
{
  char **urls;
  char *output;
  char *directory;
  char *if_exists;
  char **headers;
  char *header_file;
  char **mirrors;
  char **digests;
  char *resume_file;
  char *range;
  int retries; /* TRC_RETRIES_NONE: as the service does by itself */
  char *session;
  char *description;
  char *max_size;
  double priority; /* TRC_PRIORITY_NONE: as the service does by itself */
  char *at;
  char *in;
  char *user;
  char *password_file;
  char *certificate_file;
  char *proxy;
  char **pins;
  gboolean allow_insecure_auth;
  gboolean decode;
  gboolean wait;
  gboolean json;
  gboolean quiet;

  gint64 earliest_begin_us; /* 0: at once */
  char **destinations;      /* one a URL */
  TrcSecret *header_lines;  /* (nullable): "Name: value", a line each */
  GVariant *digest_list;
  GBytes *resume_data;
  guint64 max_bytes;
  GVariant *wanted_range;
  TrcCredential login;       /* for `user` */
  TrcCredential certificate; /* for `certificate_file` */
} TrcGetOptions;

void
trc_get_options_clear (TrcGetOptions *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TrcGetOptions, trc_get_options_clear)

/* From the command line, checked; files are read, and passwords that no file holds are
 * asked for on the terminal.  What is wrong is told on standard error. */
TrcExit
trc_get_options_read (TrcGetOptions *self, int *argc, char ***argv);

/* Whether --priority was given. */
gboolean
trc_get_options_has_priority (const TrcGetOptions *self);
