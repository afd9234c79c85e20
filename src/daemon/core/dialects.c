/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The dialects of uploads.  Those of the IETF draft cost nothing where nobody speaks
 * them, since they go with the request itself; tus is a request of its own, and asked for
 * only where it was heard before, or the app says so.  A row that has a place, or has
 * been told by its server, knows better than the session. */

#include "config.h"

#include "core/dialects.h"

#include "common/url.h"
#include "core/upload-options.h"
#include "port/store-dialects.h"
#include "value/upload.h"

#define AUTO "auto"
#define NONE "none"
#define TUS "tus"

/* A server that spoke nothing may have learned something. */
#define NONE_KEPT_US (7 * 24 * 3600 * (gint64)G_USEC_PER_SEC)
/* What is known already is noted again only when it has become so old. */
#define FRESH_US (24 * 3600 * (gint64)G_USEC_PER_SEC)

static const char *const of_ietf[] = { "ietf-8", "ietf-6" };

/* @first of the IETF's in front. */
static GVariant *
list_ietf (const char *first)
{
  const char *list[G_N_ELEMENTS (of_ietf)];
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (of_ietf); i++)
    if (g_strcmp0 (of_ietf[i], first) == 0)
      list[n++] = of_ietf[i];
  for (guint i = 0; i < G_N_ELEMENTS (of_ietf); i++)
    if (g_strcmp0 (of_ietf[i], first) != 0)
      list[n++] = of_ietf[i];

  return g_variant_new_strv (list, n);
}

GVariant *
trd_dialects_offer (const char *wanted, const char *known)
{
  static const char *const tus[] = { TUS };

  const char *choice = g_str_equal (wanted, AUTO) ? known : wanted;

  if (g_strcmp0 (choice, "off") == 0 || g_strcmp0 (choice, NONE) == 0)
    return g_variant_new_strv (NULL, 0);
  if (g_strcmp0 (choice, TUS) == 0)
    return g_variant_new_strv (tus, 1);
  return list_ietf (known);
}

/* (transfer full) (nullable) */
static char *
find_origin (const char *url)
{
  g_autoptr (GUri) uri = trundle_url_parse (url, NULL);

  return uri != NULL ? trundle_url_origin (uri) : NULL;
}

/* (transfer full) (nullable) */
static char *
recall (TrdRegistry *registry, TrdSession *session, const char *url, gint64 *out_age_us)
{
  const TrdEnv *env = trd_registry_get_env (registry);
  g_autofree char *origin = find_origin (url);
  g_autofree char *word = NULL;
  g_autoptr (GError) error = NULL;

  if (origin == NULL)
    return NULL;
  if (!trd_store_find_dialect (env->store,
                               session->row->id,
                               origin,
                               trd_clock_now_us (env->clock),
                               &word,
                               out_age_us,
                               &error))
    g_warning ("Cannot look up what a server speaks: %s", error->message);
  if (g_strcmp0 (word, NONE) == 0 && *out_age_us >= NONE_KEPT_US)
    return NULL;

  return g_steal_pointer (&word);
}

static const char *
find_wanted (TrdSession *session, const TrdTaskRow *row)
{
  const char *wanted = AUTO;

  if (!g_variant_lookup (row->options, "resumable", "&s", &wanted))
    g_variant_lookup (session->row->configuration, "resumable", "&s", &wanted);
  return wanted;
}

/* A tus server would keep the text of a form as if that were a file. */
static gboolean
is_form (const TrdTaskRow *row)
{
  return trd_upload_options_are_of_form (row->options);
}

gboolean
trd_dialects_may_choose (TrdSession *session, const TrdTaskRow *row)
{
  return !is_form (row) && g_str_equal (find_wanted (session, row), AUTO);
}

GVariant *
trd_dialects_find (TrdRegistry *registry, TrdSession *session, const TrdTaskRow *row)
{
  const char *noted = trd_upload_get_dialect (row->upload);
  const char *wanted = find_wanted (session, row);
  g_autofree char *known = NULL;
  gint64 age_us;

  known = noted != NULL ? g_strdup (noted)
                        : recall (registry, session, row->url, &age_us);
  if (is_form (row) && g_str_equal (wanted, TUS))
    wanted = AUTO;
  if (is_form (row) && g_strcmp0 (known, TUS) == 0)
    g_clear_pointer (&known, g_free);
  return g_variant_ref_sink (trd_dialects_offer (wanted, known));
}

void
trd_dialects_add_to_request (TrdRegistry *registry,
                             TrdSession *session,
                             const TrdTaskRow *row,
                             GVariantDict *request)
{
  g_autoptr (GVariant) offer = trd_dialects_find (registry, session, row);
  g_autoptr (GVariant) place = trd_upload_get_place (row->upload);

  g_variant_dict_insert_value (request, "resumable", offer);
  if (place != NULL && g_variant_n_children (offer) > 0)
    g_variant_dict_insert_value (request, "upload", place);
}

void
trd_dialects_learn (TrdRegistry *registry,
                    TrdSession *session,
                    const char *url,
                    const char *word)
{
  const TrdEnv *env = trd_registry_get_env (registry);
  g_autofree char *origin = find_origin (url);
  g_autofree char *known = NULL;
  g_autoptr (GError) error = NULL;
  gint64 age_us;

  known = recall (registry, session, url, &age_us);
  if (origin == NULL || (g_strcmp0 (known, word) == 0 && age_us < FRESH_US))
    return;
  if (!trd_store_put_dialect (env->store,
                              session->row->id,
                              origin,
                              word,
                              trd_clock_now_us (env->clock),
                              &error))
    g_warning ("Cannot note what a server speaks: %s", error->message);
}
