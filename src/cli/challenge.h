/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* What a server or proxy asks, as the property Challenge of a task tells it. */
typedef enum
{
  TRC_ASKS_PASSWORD, /* with a user name; also by methods that we have not heard of */
  TRC_ASKS_TOKEN,
  TRC_ASKS_CERTIFICATE, /* of ours */
  TRC_ASKS_TRUST,       /* in one of its own */
} TrcAsks;

typedef struct
{
  GVariant *dict;  /* (owned) */
  GVariant *space; /* (owned) */

  /* Parts of these; "" where there is nothing. */
  const char *id;
  const char *host;
  const char *realm;
  const char *method;
  const char *proposed_user;
  TrcAsks asks;
  guint port;
  gboolean is_proxy;
  gboolean is_secure;
  gboolean is_in_keyring; /* perhaps: it is locked.  Not of the property: set by whoever
                             knows why the task waits */
  guint n_failures;
  guint n_tasks;
} TrcChallenge;

/* Of that property; NULL when nothing is asked.  (transfer full) */
TrcChallenge *
trc_challenge_new (GVariant *dict);
void
trc_challenge_free (TrcChallenge *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrcChallenge, trc_challenge_free)

/* Whether WaitReasons (as, nullable) say that the keyring is locked. */
gboolean
trc_challenge_waits_for_keyring (GVariant *reasons);

/* A phrase, as "password for “realm” at host:port".  (transfer full) */
char *
trc_challenge_summarize (const TrcChallenge *self);
/* Lines that say all that somebody must know who answers it.  (transfer full) */
char *
trc_challenge_describe (const TrcChallenge *self);

/* "host:port", or "[host]:port" of an IPv6 address.  (transfer full) */
char *
trc_challenge_place (const char *host, guint port);
