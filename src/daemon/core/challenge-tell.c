/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an app is told of a challenge: all it needs to answer, and nothing secret. */

#include "config.h"

#include "core/challenges.h"

#include "common/error.h"
#include "common/url.h"
#include "core/registry-internal.h"

static void
copy_fact (GVariantDict *dict, GVariant *facts, const char *from, const char *to)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (facts, from, NULL);

  if (value != NULL)
    g_variant_dict_insert_value (dict, to, value);
}

/* Who was there before, or is named in the address. */
static void
add_proposal (GVariantDict *dict,
              TrdChallenges *self,
              const TrdChallenge *challenge,
              const TrdTaskRow *row)
{
  const TrdCredential *last = trd_credentials_find_last (
      trd_challenges_get_credentials (self), challenge->session, &challenge->space);
  TrdTask *task = trd_registry_find_task (trd_challenges_get_registry (self), row->id);
  GVariant *secrets = task != NULL ? trd_secrets_get_value (task->secrets) : NULL;
  const char *user = "";
  const char *password = "";
  gboolean has_password = FALSE;

  if (last != NULL && last->user != NULL)
    {
      user = last->user;
      has_password = g_variant_n_children (last->secret) > 0;
    }
  else if (secrets != NULL && g_variant_lookup (secrets, "user", "&s", &user))
    has_password = g_variant_lookup (secrets, "password", "&s", &password)
                   && *password != '\0';

  g_variant_dict_insert (dict, "proposed-user", "s", user);
  g_variant_dict_insert (dict, "has-stored-password", "b", has_password);
}

/* Those that wait, and the one that is about to. */
static GVariant *
list_tasks (const TrdChallenge *challenge, gint64 task_id)
{
  g_autoptr (GPtrArray) waiting = trd_challenge_list_waiting (challenge);
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (
      G_VARIANT_TYPE_OBJECT_PATH_ARRAY);
  gboolean is_there = FALSE;

  for (guint i = 0; i < waiting->len; i++)
    {
      const TrdTask *task = g_ptr_array_index (waiting, i);
      g_autofree char *path = trd_task_object_path (task->id);

      is_there |= task->id == task_id;
      g_variant_builder_add (&builder, "o", path);
    }
  if (!is_there)
    {
      g_autofree char *path = trd_task_object_path (task_id);

      g_variant_builder_add (&builder, "o", path);
    }

  return g_variant_builder_end (&builder);
}

static void
add_task (GVariantDict *dict,
          const TrdChallenge *challenge,
          const TrdTaskRow *row,
          const char *name)
{
  g_autofree char *url = trundle_url_redact (row->url);
  const char *http = trundle_error_to_name (TRUNDLE_ERROR_HTTP_STATUS);

  g_variant_dict_insert (dict, "url", "s", url);
  g_variant_dict_insert (dict, "identifier", "t", row->number);
  g_variant_dict_insert_value (dict, "tasks", list_tasks (challenge, row->id));
  if (name != NULL && !g_str_equal (name, http))
    g_variant_dict_insert (dict, "error", "s", name);
}

GVariant *
trd_challenge_describe (TrdChallenges *self,
                        const TrdChallenge *challenge,
                        const TrdChallengeRow *standing,
                        gint64 deadline_us,
                        const TrdTaskRow *row,
                        const char *name)
{
  TrdClock *clock = trd_registry_get_env (trd_challenges_get_registry (self))->clock;
  g_autofree char *id = g_strdup_printf ("%" G_GINT64_FORMAT, challenge->row->id);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&dict, "challenge", "s", id);
  g_variant_dict_insert_value (&dict, "space", trd_space_to_dict (&challenge->space));
  add_proposal (&dict, self, challenge, row);
  g_variant_dict_insert (&dict, "previous-failure-count", "u", standing->failures);
  g_variant_dict_insert (&dict, "secure", "b", !trd_space_is_clear (&challenge->space));
  copy_fact (&dict, standing->facts, "response", "failure-response");
  copy_fact (&dict, standing->facts, "tls-flags", "tls-flags");
  copy_fact (&dict, standing->facts, "certificates", "certificates");
  copy_fact (&dict, standing->facts, "accepted-issuers", "accepted-issuers");
  add_task (&dict, challenge, row, name);
  g_variant_dict_insert (
      &dict, "deadline", "x", trd_moment_date (trd_clock_now (clock), deadline_us));

  return g_variant_ref_sink (g_variant_dict_end (&dict));
}
