/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The place of an upload.  What is in it is the worker's and opaque, but for `url` and
 * `dialect`; our own keys begin with a dot, which none of the worker's does. */

#include "config.h"

#include "value/upload.h"

/* Bytes (t) that were confirmed at the best of the places that were lost. */
#define LOST ".lost"
/* It is a request that may not be repeated, and may have been received (b). */
#define SENT ".sent"

gboolean
trd_upload_has_place (GVariant *self)
{
  return self != NULL && g_variant_lookup (self, "url", "&s", NULL);
}

const char *
trd_upload_get_dialect (GVariant *self)
{
  const char *dialect = NULL;

  if (self != NULL)
    g_variant_lookup (self, "dialect", "&s", &dialect);
  return dialect;
}

static void
copy (GVariantDict *to, GVariant *from, gboolean notes)
{
  GVariantIter iter;
  const char *key;
  GVariant *value;

  if (from == NULL)
    return;

  g_variant_iter_init (&iter, from);
  while (g_variant_iter_loop (&iter, "{&sv}", &key, &value))
    if ((*key == '.') == notes)
      g_variant_dict_insert_value (to, key, value);
}

GVariant *
trd_upload_get_place (GVariant *self)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  if (!trd_upload_has_place (self))
    return NULL;

  copy (&dict, self, FALSE);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

gboolean
trd_upload_is_same (GVariant *first, GVariant *second)
{
  if (first == NULL || second == NULL)
    return first == second;

  return g_variant_equal (first, second);
}

GVariant *
trd_upload_with_place (GVariant *self, GVariant *place)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  copy (&dict, place, FALSE);
  copy (&dict, self, TRUE);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

static gboolean
find_lost (GVariant *self, guint64 *out_bytes)
{
  return self != NULL && g_variant_lookup (self, LOST, "t", out_bytes);
}

GVariant *
trd_upload_without_place (GVariant *self, guint64 confirmed)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  const char *dialect = trd_upload_get_dialect (self);
  guint64 lost = 0;

  find_lost (self, &lost);
  copy (&dict, self, TRUE);
  g_variant_dict_insert (&dict, LOST, "t", MAX (lost, confirmed));
  if (dialect != NULL)
    g_variant_dict_insert (&dict, "dialect", "s", dialect);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

gboolean
trd_upload_is_hopeless (GVariant *self, guint64 confirmed)
{
  guint64 lost;

  return find_lost (self, &lost) && confirmed <= lost;
}

GVariant *
trd_upload_with_dialect (GVariant *self, const char *dialect)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  copy (&dict, self, TRUE);
  g_variant_dict_insert (&dict, "dialect", "s", dialect);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

GVariant *
trd_upload_with_sent (GVariant *self, gboolean sent)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (self);

  g_variant_dict_insert (&dict, SENT, "b", sent);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

GVariant *
trd_upload_without_sent (GVariant *self, gboolean *out_sent)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (self);

  *out_sent = FALSE;
  g_variant_dict_lookup (&dict, SENT, "b", out_sent);
  g_variant_dict_remove (&dict, SENT);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}
