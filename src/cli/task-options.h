/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>
#include <gio/gunixfdlist.h>

#include "cli/command.h"
#include "cli/credential.h"
#include "cli/secret.h"

/* What nobody gives on a command line, not even by mistake. */
#define TRC_RETRIES_NONE G_MININT
#define TRC_PRIORITY_NONE (-G_MAXDOUBLE)

/* What `get` and `put` are told in the same words; strings are owned. */
typedef struct
{
  char **headers;
  char *header_file;
  char *resume_file;
  int retries; /* TRC_RETRIES_NONE: as the service does by itself */
  char *session;
  char *description;
  char *group;
  double priority; /* TRC_PRIORITY_NONE: as the service does by itself */
  char *at;
  char *in;
  char *user;
  char *password_file;
  char *certificate_file;
  char *proxy;
  char **pins;
  gboolean allow_insecure_auth;
  gboolean wait;
  gboolean json;
  gboolean quiet;

  gint64 earliest_begin_us; /* 0: at once */
  TrcSecret *header_lines;  /* (nullable): "Name: value", a line each */
  GBytes *resume_data;
  TrcCredential login;       /* for `user` */
  TrcCredential certificate; /* for `certificate_file` */
} TrcTaskOptions;

void
trc_task_options_clear (TrcTaskOptions *self);

/* The command line into @self and, for the entries @own, which end with one without a
 * name, into @base: their `arg_data` are offsets, but for callbacks, which get @base.
 * FALSE after it was told what is wrong, as for all below. */
gboolean
trc_task_options_parse (TrcTaskOptions *self,
                        const GOptionEntry *own,
                        gpointer base,
                        int *argc,
                        char ***argv);
/* Whether it makes sense, and @urls are addresses; "" is the one that the service has
 * with the resume data. */
gboolean
trc_task_options_check (const TrcTaskOptions *self, char **urls);
/* Reads files, and asks on the terminal for passwords that no file holds. */
TrcExit
trc_task_options_read (TrcTaskOptions *self);

/* Handles of what is secret in the options of all tasks; -1 for none. */
typedef struct
{
  int headers;
  int password;
} TrcTaskHandles;

gboolean
trc_task_options_append_secrets (const TrcTaskOptions *self,
                                 GUnixFDList *fds,
                                 TrcTaskHandles *handles,
                                 GError **error);
/* Options of each task into @dict. */
void
trc_task_options_describe (const TrcTaskOptions *self,
                           const TrcTaskHandles *handles,
                           GVariantDict *dict);
