/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Observers watch; they have no business with the tokens in addresses (law 9). */

#include "config.h"

#include "face/redact.h"

#include "common/url.h"

/* Keys whose values are addresses, in events, properties and requests. */
static gboolean
is_address (const char *key)
{
  static const char *const keys[] = { "url", "Url", "from", "to" };

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (g_str_equal (key, keys[i]))
      return TRUE;

  return FALSE;
}

static GVariant *
redact_dictionary (GVariant *dictionary)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  const char *key;
  GVariant *value;
  GVariantIter iter;

  g_variant_iter_init (&iter, dictionary);
  while (g_variant_iter_loop (&iter, "{&sv}", &key, &value))
    {
      g_autoptr (GVariant) shown = NULL;

      if (is_address (key) && g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
        shown = g_variant_ref_sink (g_variant_new_take_string (
            trundle_url_redact (g_variant_get_string (value, NULL))));
      else
        shown = trd_redact (value);
      g_variant_builder_add (&builder, "{sv}", key, shown);
    }

  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

static GPtrArray *
redact_children (GVariant *container)
{
  GPtrArray *children = g_ptr_array_new_with_free_func ((GDestroyNotify)g_variant_unref);

  for (gsize i = 0; i < g_variant_n_children (container); i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (container, i);

      g_ptr_array_add (children, trd_redact (child));
    }

  return children;
}

static GVariant *
redact_tuple (GVariant *tuple)
{
  g_autoptr (GPtrArray) children = redact_children (tuple);

  return g_variant_ref_sink (
      g_variant_new_tuple ((GVariant *const *)children->pdata, children->len));
}

/* Of dictionaries. */
static GVariant *
redact_list (GVariant *list)
{
  g_autoptr (GPtrArray) children = redact_children (list);

  return g_variant_ref_sink (g_variant_new_array (
      G_VARIANT_TYPE_VARDICT, (GVariant *const *)children->pdata, children->len));
}

GVariant *
trd_redact (GVariant *parameters)
{
  if (g_variant_is_of_type (parameters, G_VARIANT_TYPE_VARDICT))
    return redact_dictionary (parameters);
  if (g_variant_is_of_type (parameters, G_VARIANT_TYPE_TUPLE))
    return redact_tuple (parameters);
  if (g_variant_is_of_type (parameters, G_VARIANT_TYPE ("aa{sv}")))
    return redact_list (parameters);

  return g_variant_ref (parameters);
}
