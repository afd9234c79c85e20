/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker that was sent a jar as it was in version 5 and then tells a change has what we
 * make of version 5 with that change, and need not be sent it.  One that tells a change
 * of version 5 after it was sent version 6 has thrown that change away when version 6
 * came: we keep it, and the worker is sent the jar again.
 *
 * A jar that is forgotten stays here by its number, so that what was on its way is no
 * violation of the protocol. */

#include "config.h"

#include "port/worker-jars.h"

typedef struct
{
  guint64 number;
  guint64 sent;  /* the last version in a Begin */
  guint64 known; /* that it has now; 0: none of ours */
} Jar;

struct _TrdWorkerJars
{
  GHashTable *jars; /* (owned): by number */
};

TrdWorkerJars *
trd_worker_jars_new (void)
{
  TrdWorkerJars *self = g_new0 (TrdWorkerJars, 1);

  self->jars = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
  return self;
}

void
trd_worker_jars_free (TrdWorkerJars *self)
{
  g_hash_table_unref (self->jars);
  g_free (self);
}

static Jar *
ensure (TrdWorkerJars *self, guint64 number)
{
  Jar *jar = g_hash_table_lookup (self->jars, &number);

  if (jar == NULL)
    {
      jar = g_new0 (Jar, 1);
      jar->number = number;
      g_hash_table_insert (self->jars, &jar->number, jar);
    }
  return jar;
}

GVariant *
trd_worker_jars_complete (TrdWorkerJars *self,
                          GVariant *request,
                          guint64 jar_number,
                          guint64 version,
                          GVariant *cookies)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  Jar *jar = ensure (self, jar_number);

  if (jar->known == version)
    return g_variant_ref (request);

  jar->sent = version;
  jar->known = version;
  g_variant_dict_init (&dict, request);
  g_variant_dict_insert (&dict, "jar-version", "t", version);
  g_variant_dict_insert_value (&dict, "cookies", cookies);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

gboolean
trd_worker_jars_find (TrdWorkerJars *self,
                      guint64 jar_number,
                      guint64 base,
                      guint64 *out_version)
{
  Jar *jar = g_hash_table_lookup (self->jars, &jar_number);

  if (jar == NULL)
    return FALSE;
  *out_version = jar->sent == base ? jar->known : 0;
  return TRUE;
}

void
trd_worker_jars_note (TrdWorkerJars *self, guint64 jar_number, guint64 version)
{
  ensure (self, jar_number)->known = version;
}
