/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "face/bodies.h"
#include "port/sources.h"

/* What the rooms named bodies share. */

/* One that is to be taken. */
typedef struct
{
  char *where; /* (owned): the key that names it, for errors */
  int handle;  /* in the message; -1: @path or @fd */
  char *path;  /* (owned) (nullable) */
  int fd;      /* (owned): of our own making; -1 */
  gboolean has_range;
  guint64 first;
  guint64 length;
  TrdSnapshot snapshot;
  TrdPiece *piece; /* (owned) (nullable): once it is taken */
  gboolean is_used;
} TrdBodySource;

/* What a body is made of, in order. */
typedef struct
{
  GBytes *bytes;         /* (owned) (nullable): or of a source */
  TrdBodySource *source; /* (unowned) */
  gboolean is_text;      /* of a source that holds texts: */
  guint64 offset;
  guint64 length;
} TrdBodyStretch;

typedef struct
{
  gboolean is_given;
  char *content_type;   /* (owned) (nullable) */
  GPtrArray *stretches; /* (owned) (element-type TrdBodyStretch) */
  TrdBody *body;        /* (owned) (nullable): put together, and named by no row */
} TrdBodyPlan;

struct _TrdBodies
{
  TrdCall *call;       /* (unowned): while it is planned */
  TrdSpool *spool;     /* (owned) */
  gboolean may_watch;  /* the caller is no sandbox */
  gboolean has_stream; /* something was read to its end */
  GPtrArray *plans;    /* (owned) (element-type TrdBodyPlan): in the order of the tasks */
  GPtrArray *sources;  /* (owned) (element-type TrdBodySource) */
  GHashTable *known;   /* (owned) (element-type utf8 TrdBodySource, unowned): by all that
                        * makes two of them the same one */
  GCancellable *cancellable; /* (owned) */
  guint n_begun;
  guint n_pending;
  GError *error; /* (owned) (nullable): the first */
};

/* Plans the bodies of @value, which is as at trd_bodies_adopt_async(), and what they are
 * made from.  Errors name task and key. */
gboolean
trd_bodies_plan (TrdBodies *self, GVariant *value, GError **error);
