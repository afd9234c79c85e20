/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Servers are asked for ourselves as they are asked for tasks, by an attempt: the same
 * TLS, proxies, limits and words for what goes wrong.  What they say goes into a file in
 * memory. */

#include "config.h"

#include "errand.h"

#include "attempt.h"

#include <fcntl.h>
#include <glib/gstdio.h>

typedef struct
{
  int fd; /* (owned): what came */
  TrwErrandFunc func;
  gpointer user_data;
} Errand;

void
trw_errand_pass_on (GVariantDict *dict, GVariant *request, const char *const *more)
{
  static const char *const always[] = {
    "ca-certificates", "trusted-certificates", "client-certificates", "credentials",
    "proxies",         "proxy-exclusions",     "allow-insecure-auth", "request-timeout",
    "connect-timeout", "first-byte-timeout",   "connections",         NULL,
  };
  const char *const *const lists[] = { always, more };

  for (guint i = 0; i < G_N_ELEMENTS (lists); i++)
    {
      for (guint j = 0; lists[i] != NULL && lists[i][j] != NULL; j++)
        {
          g_autoptr (GVariant) value = g_variant_lookup_value (
              request, lists[i][j], NULL);

          if (value != NULL)
            g_variant_dict_insert_value (dict, lists[i][j], value);
        }
    }
}

const char *
trw_errand_read_end (GVariant *facts, const char **out_message, guint32 *out_status)
{
  gboolean is_complete = FALSE;
  const char *error = "ConnectionLost";

  *out_message = "";
  *out_status = 0;
  if (facts == NULL)
    return error;
  g_variant_lookup (facts, "status", "u", out_status);
  g_variant_lookup (facts, "message", "&s", out_message);
  g_variant_lookup (facts, "error", "&s", &error);
  g_variant_lookup (facts, "complete", "b", &is_complete);
  return is_complete ? "" : error;
}

static void
on_responded (TrwAttempt *attempt, GVariant *response, gpointer user_data)
{
}

static void
on_redirected (TrwAttempt *attempt,
               const char *from,
               const char *to,
               guint status,
               gpointer user_data)
{
}

static void
on_moved (TrwAttempt *attempt, gpointer user_data)
{
}

static void
on_uploaded (TrwAttempt *attempt, GVariant *place, gpointer user_data)
{
}

static void
on_digested (TrwAttempt *attempt, GVariant *state, gpointer user_data)
{
}

static void
on_over (TrwAttempt *attempt, GVariant *facts, gpointer user_data)
{
  g_autofree Errand *self = user_data;

  self->func (facts, self->fd, self->user_data);
  g_close (self->fd, NULL);
  trw_attempt_unref (attempt);
}

static const TrwAttemptHooks hooks = { on_responded, on_redirected, on_moved,
                                       on_uploaded,  on_digested,   on_over };

void
trw_errand_begin (TrwRequest *request,
                  int room_fd,
                  TrwSessions *sessions,
                  TrwErrandFunc func,
                  gpointer user_data)
{
  Errand *self = g_new0 (Errand, 1);
  g_autoptr (TrwSession) session = trw_sessions_get (sessions, request);

  self->fd = fcntl (room_fd, F_DUPFD_CLOEXEC, 3);
  self->func = func;
  self->user_data = user_data;
  trw_attempt_new (0, request, room_fd, session, &hooks, self);
}
