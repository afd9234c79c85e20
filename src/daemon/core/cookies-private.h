/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "common/cookies.h"
#include "core/cookies.h"

/* What cookies.c (who has which) and cookies-keep.c (the keyring) share. */

typedef struct
{
  TrdCookies *owner; /* (unowned), outlives us */
  gint64 session_id;
  guint64 number;
  guint64 version;
  TrundleCookies *cookies; /* (owned) */
  GVariant *all;           /* (owned) (nullable): the same, as it is told */
  char *app_id;            /* (owned): for the label */
  GPtrArray *waiters;      /* (owned) (element-type GTask): until it is kept */
  guint alarm;             /* to keep it; 0 for none */
  gint64 alarm_us;
  guint loaded : 1;     /* what the keyring had is known */
  guint locked : 1;     /* it has something, and is locked */
  guint unread : 1;     /* the keyring did not answer when it was to be read */
  guint maybe_kept : 1; /* it may have something */
  guint dirty : 1;      /* and something else than this */
  guint minor : 1;      /* … of no great matter */
  guint busy : 1;       /* it is being told */
  guint failed : 1;     /* it did not take it */
} TrdJar;

struct _TrdCookies
{
  GObject parent;
  TrdRegistry *registry;     /* (unowned), outlives us unless closed */
  const TrdEnv *env;         /* (unowned), likewise */
  GHashTable *jars;          /* (owned) (element-type gint64 TrdJar): by session */
  GPtrArray *readers;        /* (owned) (element-type GTask): until it is read */
  GPtrArray *flushes;        /* (owned) (element-type GTask) */
  guint flush_alarm;         /* 0 while there is none */
  GCancellable *cancellable; /* (owned) */
  gulong changed_id;
  guint64 last_number;
  gboolean reading;
  gboolean stale; /* the keyring has changed meanwhile */
  gboolean closed;
};

TrdJar *
trd_cookies_find_session (TrdCookies *self, gint64 session_id);
void
trd_cookies_note_changed (TrdJar *jar);
/* It was read, as far as it can be. */
void
trd_cookies_emit_loaded (TrdCookies *self);

/* core/cookies-keep.c */
gboolean
trd_cookies_has_vault (TrdCookies *self);
void
trd_cookies_watch_vault (TrdCookies *self);
/* Reads what is kept of all sessions. */
void
trd_cookies_read (TrdCookies *self);
void
trd_cookies_keep_now (TrdJar *jar);
void
trd_cookies_keep_later (TrdJar *jar, gint64 delay_us);
void
trd_cookies_drop_alarm (TrdJar *jar);
/* The session is gone. */
void
trd_cookies_abandon (TrdJar *jar);
