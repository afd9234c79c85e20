/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who runs in the profile "local".  That a server wants a ticket is known once it said
 * so: the task that heard it is asked again there at once, and whatever the session wants
 * of that server later begins there.  Kept in memory: a daemon that is started again
 * hears it again. */

#include "config.h"

#include "core/runner-private.h"

#include "common/url.h"
#include "common/vocabulary.h"
#include "core/profile.h"

#include <string.h>

/* (transfer full) (nullable) */
static char *
make_key (const TrdRun *run, const char *url)
{
  g_autoptr (GUri) uri = trundle_url_parse (url, NULL);
  g_autofree char *origin = uri != NULL ? trundle_url_origin (uri) : NULL;

  return origin != NULL ? g_strdup_printf (
             "%" G_GINT64_FORMAT " %s", run->task->session->row->id, origin)
                        : NULL;
}

void
trd_run_choose_profile (TrdRun *run, GVariant *request, const TrdTaskRow *row)
{
  const char *url = "";
  g_autofree char *key = NULL;

  g_variant_lookup (request, "url", "&s", &url);
  key = make_key (run, url);
  run->certificates = g_variant_lookup_value (
      request, "client-certificates", G_VARIANT_TYPE ("aa{sv}"));
  run->allow_insecure = trundle_options_get_boolean (
      row->options, run->task->session->row->configuration, "allow-insecure-auth");
  if (run->task->local
      || (key != NULL && g_hash_table_contains (run->runner->locals, key)))
    run->profile = TRD_PROFILE_LOCAL;
  else
    run->profile = trd_profile_of_request (request);
  run->local_key = g_steal_pointer (&key);
}

/* What a redirect led to says nothing of the others that begin here. */
static gboolean
is_of_own_origin (TrdRun *run, GVariant *challenge)
{
  g_autofree char *url = NULL;
  g_autofree char *key = NULL;
  const char *protocol = "";
  const char *host = "";
  gboolean is_ipv6;
  guint port = 0;

  g_variant_lookup (challenge, "protocol", "&s", &protocol);
  g_variant_lookup (challenge, "host", "&s", &host);
  g_variant_lookup (challenge, "port", "u", &port);
  is_ipv6 = strchr (host, ':') != NULL;
  url = g_strdup_printf (is_ipv6 ? "%s://[%s]:%u/" : "%s://%s:%u/", protocol, host, port);
  key = make_key (run, url);
  return key != NULL && g_strcmp0 (key, run->local_key) == 0;
}

gboolean
trd_run_change_profile (TrdRun *run, const TrdOutcome *outcome)
{
  TrdProfileFacts facts = {
    .configuration = run->task->session->row->configuration,
    .certificates = run->certificates,
    .allow_insecure = run->allow_insecure,
  };

  if (outcome->challenge == NULL || run->profile == TRD_PROFILE_LOCAL
      || !trd_profile_is_wanted (outcome->challenge, &facts))
    return FALSE;

  run->task->local = TRUE;
  if (is_of_own_origin (run, outcome->challenge))
    g_hash_table_add (run->runner->locals, g_strdup (run->local_key));
  return TRUE;
}
