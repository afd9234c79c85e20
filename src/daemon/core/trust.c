/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Decisions about certificates.  They are no secrets and stand in the store; the worker
 * is told those of its task's session with every attempt. */

#include "config.h"

#include "core/trust.h"

#include "port/store-trust.h"
#include "value/challenge.h"

#define KEY "trusted-certificates"

gboolean
trd_trust_add (TrdRegistry *registry,
               TrdSession *session,
               const char *host,
               guint port,
               gboolean is_proxy,
               GBytes *sha256,
               gboolean for_good,
               GError **error)
{
  const TrdEnv *env = trd_registry_get_env (registry);
  g_autofree char *lower = g_ascii_strdown (host, -1);
  TrdTrustRow row = {
    .session_id = for_good ? 0 : session->row->id,
    .host = lower,
    .port = port,
    .is_proxy = is_proxy,
    .certificate = sha256,
    .created_us = trd_clock_now_us (env->clock),
  };

  g_return_val_if_fail (g_bytes_get_size (sha256) == TRD_TRUST_SHA256_SIZE, FALSE);

  return trd_store_add_trust (env->store, session->row->owner, &row, error);
}

GBytes *
trd_trust_digest_facts (GVariant *facts)
{
  g_autoptr (GVariant) chain = g_variant_lookup_value (
      facts, "certificates", G_VARIANT_TYPE ("aay"));
  g_autoptr (GVariant) own = NULL;
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  guint8 digest[TRD_TRUST_SHA256_SIZE];
  gsize size = sizeof digest;

  if (chain == NULL || g_variant_n_children (chain) == 0)
    return NULL;

  own = g_variant_get_child_value (chain, 0);
  g_checksum_update (
      checksum, g_variant_get_data (own), (gssize)g_variant_get_size (own));
  g_checksum_get_digest (checksum, digest, &size);
  return g_bytes_new (digest, size);
}

GVariant *
trd_trust_describe (const char *host, guint port, gboolean is_proxy, GBytes *sha256)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&dict, "host", "s", host);
  g_variant_dict_insert (&dict, "port", "u", port);
  if (is_proxy)
    g_variant_dict_insert (&dict, "is-proxy", "b", TRUE);
  g_variant_dict_insert_value (
      &dict,
      "sha256",
      g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, sha256, TRUE));
  return g_variant_dict_end (&dict);
}

static GPtrArray *
list_rows (TrdRegistry *registry, TrdSession *session, GError **error)
{
  return trd_store_list_trust (trd_registry_get_env (registry)->store,
                               session->row->owner,
                               session->row->id,
                               NULL,
                               0,
                               FALSE,
                               error);
}

gboolean
trd_trust_add_to_request (TrdRegistry *registry,
                          TrdSession *session,
                          GVariantDict *request,
                          GError **error)
{
  g_autoptr (GPtrArray) rows = list_rows (registry, session, error);
  g_autoptr (GVariant) given = NULL;
  g_auto (GVariantBuilder) all = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  if (rows == NULL)
    return FALSE;
  if (rows->len == 0)
    return TRUE;

  given = g_variant_dict_lookup_value (request, KEY, G_VARIANT_TYPE ("aa{sv}"));
  for (gsize i = 0; given != NULL && i < g_variant_n_children (given); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (given, i);

      g_variant_builder_add_value (&all, row);
    }
  for (guint i = 0; i < rows->len; i++)
    {
      const TrdTrustRow *row = g_ptr_array_index (rows, i);

      g_variant_builder_add_value (
          &all,
          trd_trust_describe (row->host, row->port, row->is_proxy, row->certificate));
    }
  g_variant_dict_insert_value (request, KEY, g_variant_builder_end (&all));
  return TRUE;
}

static GVariant *
describe_decision (const TrdTrustRow *row)
{
  TrdSpace space = { .protocol = (char *)"https",
                     .host = row->host,
                     .port = row->port,
                     .is_proxy = row->is_proxy,
                     .method = (char *)"server-trust" };
  g_autoptr (GVariant) keys = g_variant_ref_sink (trd_space_to_dict (&space));
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (keys);

  g_variant_dict_insert (
      &dict, "persistence", "s", row->session_id != 0 ? "session" : "permanent");
  g_variant_dict_insert_value (
      &dict,
      "sha256",
      g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, row->certificate, TRUE));
  return g_variant_dict_end (&dict);
}

GVariant *
trd_trust_list (TrdRegistry *registry, TrdSession *session, GError **error)
{
  g_autoptr (GPtrArray) rows = list_rows (registry, session, error);
  g_auto (GVariantBuilder) all = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  if (rows == NULL)
    return NULL;
  for (guint i = 0; i < rows->len; i++)
    g_variant_builder_add_value (&all, describe_decision (rows->pdata[i]));
  return g_variant_builder_end (&all);
}

gboolean
trd_trust_remove (TrdRegistry *registry,
                  TrdSession *session,
                  const char *host,
                  guint port,
                  gboolean is_proxy,
                  guint *out_n,
                  GError **error)
{
  g_autofree char *lower = g_ascii_strdown (host, -1);

  return trd_store_remove_trust (trd_registry_get_env (registry)->store,
                                 session->row->owner,
                                 session->row->id,
                                 lower,
                                 port,
                                 is_proxy,
                                 out_n,
                                 error);
}
