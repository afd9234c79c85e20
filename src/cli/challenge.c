/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Challenges in words.  Realms are a stranger's words: cleaned, and in quotes. */

#include "config.h"

#include "cli/challenge.h"

#include <glib/gi18n.h>
#include <string.h>

#include "cli/bus.h"
#include "cli/certificate.h"
#include "cli/print.h"

/* Of a chain, the server's own certificate and whoever vouches for it say enough. */
#define CERTIFICATES_SHOWN 3

static TrcAsks
find_kind (const char *method)
{
  static const struct
  {
    const char *method;
    TrcAsks asks;
  } known[] = {
    { "bearer", TRC_ASKS_TOKEN },
    { "client-certificate", TRC_ASKS_CERTIFICATE },
    { "server-trust", TRC_ASKS_TRUST },
  };

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    if (g_str_equal (known[i].method, method))
      return known[i].asks;
  return TRC_ASKS_PASSWORD;
}

TrcChallenge *
trc_challenge_new (GVariant *dict)
{
  g_autoptr (GVariant) tasks = NULL;
  TrcChallenge *self;

  if (dict == NULL || trc_bus_lookup_string (dict, "challenge")[0] == '\0')
    return NULL;

  self = g_new0 (TrcChallenge, 1);
  self->dict = g_variant_ref (dict);
  self->space = g_variant_lookup_value (dict, "space", G_VARIANT_TYPE_VARDICT);
  if (self->space == NULL)
    self->space = g_variant_ref_sink (g_variant_new_parsed ("@a{sv} {}"));
  self->id = trc_bus_lookup_string (self->dict, "challenge");
  self->proposed_user = trc_bus_lookup_string (self->dict, "proposed-user");
  self->host = trc_bus_lookup_string (self->space, "host");
  self->realm = trc_bus_lookup_string (self->space, "realm");
  self->method = trc_bus_lookup_string (self->space, "method");
  self->asks = find_kind (self->method);
  g_variant_lookup (self->space, "port", "u", &self->port);
  g_variant_lookup (self->space, "is-proxy", "b", &self->is_proxy);
  g_variant_lookup (self->dict, "secure", "b", &self->is_secure);
  g_variant_lookup (self->dict, "previous-failure-count", "u", &self->n_failures);
  tasks = g_variant_lookup_value (self->dict, "tasks", G_VARIANT_TYPE_OBJECT_PATH_ARRAY);
  self->n_tasks = tasks != NULL ? (guint)g_variant_n_children (tasks) : 0;
  return self;
}

void
trc_challenge_free (TrcChallenge *self)
{
  if (self == NULL)
    return;
  g_variant_unref (self->dict);
  g_variant_unref (self->space);
  g_free (self);
}

char *
trc_challenge_place (const char *host, guint port)
{
  g_autofree char *clean = trc_print_clean (host);

  return g_strdup_printf (strchr (clean, ':') != NULL ? "[%s]:%u" : "%s:%u", clean, port);
}

char *
trc_challenge_summarize (const TrcChallenge *self)
{
  g_autofree char *place = trc_challenge_place (self->host, self->port);
  g_autofree char *realm = trc_print_clean (self->realm);

  switch (self->asks)
    {
    case TRC_ASKS_TRUST:
      /* Translators: what is asked for, here and below; %s is a server */
      return g_strdup_printf (_ ("trust in the certificate of %s"), place);
    case TRC_ASKS_CERTIFICATE:
      return g_strdup_printf (_ ("a certificate for %s"), place);
    case TRC_ASKS_TOKEN:
      return g_strdup_printf (_ ("a token for %s"), place);
    case TRC_ASKS_PASSWORD:
      break;
    }
  if (realm[0] == '\0')
    return g_strdup_printf (self->is_proxy ? _ ("a password for the proxy %s")
                                           : _ ("a password for %s"),
                            place);
  return g_strdup_printf (self->is_proxy ? _ ("a password for “%s” of the proxy %s")
                                         : _ ("a password for “%s” at %s"),
                          realm,
                          place);
}

gboolean
trc_challenge_waits_for_keyring (GVariant *reasons)
{
  g_autofree const char **words = NULL;

  if (reasons == NULL)
    return FALSE;
  words = g_variant_get_strv (reasons, NULL);
  return g_strv_contains (words, "keyring-locked");
}

static void
append_certificates (GString *out, const TrcChallenge *self)
{
  g_autoptr (GVariant) chain = g_variant_lookup_value (
      self->dict, "certificates", G_VARIANT_TYPE ("aay"));
  gsize n = chain != NULL ? g_variant_n_children (chain) : 0;

  for (gsize i = 0; i < MIN (n, CERTIFICATES_SHOWN); i++)
    {
      g_autoptr (GVariant) der = g_variant_get_child_value (chain, i);

      if (i > 0)
        g_string_append (out, _ ("Vouched for by:\n"));
      trc_certificate_describe (out, der, "  ");
    }
}

static void
append_trust (GString *out, const TrcChallenge *self, const char *place)
{
  guint flags = 0;

  g_variant_lookup (self->dict, "tls-flags", "u", &flags);
  g_string_append_printf (out,
                          self->is_proxy
                              ? _ ("The certificate of the proxy %s is not trusted:\n")
                              : _ ("The certificate of the server %s is not trusted:\n"),
                          place);
  trc_certificate_describe_flags (out, flags, "  - ");
  append_certificates (out, self);
  g_string_append (out,
                   _ ("Compare the SHA-256 with one that you have from elsewhere.\n"));
}

static void
append_wish (GString *out, const TrcChallenge *self, const char *place)
{
  g_autofree char *realm = trc_print_clean (self->realm);
  g_autofree char *method = trc_print_clean (self->method);
  const char *what = NULL;

  switch (self->asks)
    {
    case TRC_ASKS_TOKEN:
      what = _ ("a token");
      break;
    case TRC_ASKS_CERTIFICATE:
      what = _ ("a certificate of yours");
      break;
    case TRC_ASKS_PASSWORD:
    case TRC_ASKS_TRUST:
      what = _ ("a user name and a password");
      break;
    }
  /* Translators: the second %s is something like “a user name and a password” */
  g_string_append_printf (out,
                          self->is_proxy ? _ ("The proxy %s wants %s")
                                         : _ ("The server %s wants %s"),
                          place,
                          what);
  if (realm[0] != '\0')
    /* Translators: goes on the sentence before, for a protected part of a server */
    g_string_append_printf (out, _ (" for “%s”"), realm);
  if (method[0] != '\0' && self->asks != TRC_ASKS_CERTIFICATE)
    g_string_append_printf (out, " (%s)", method);
  g_string_append (out, ".\n");
  if (!self->is_secure && self->asks != TRC_ASKS_CERTIFICATE)
    g_string_append (out, _ ("It would be sent without encryption.\n"));
}

char *
trc_challenge_describe (const TrcChallenge *self)
{
  g_autofree char *place = trc_challenge_place (self->host, self->port);
  GString *out = g_string_new (NULL);

  if (self->asks == TRC_ASKS_TRUST)
    append_trust (out, self, place);
  else
    append_wish (out, self, place);
  if (self->n_failures > 0)
    g_string_append_printf (out,
                            ngettext ("%u answer was refused.\n",
                                      "%u answers were refused.\n",
                                      self->n_failures),
                            self->n_failures);
  if (self->n_tasks > 1)
    g_string_append_printf (out,
                            ngettext ("%u transfer waits for the answer.\n",
                                      "%u transfers wait for the answer.\n",
                                      self->n_tasks),
                            self->n_tasks);
  if (self->is_in_keyring)
    g_string_append (out,
                     _ ("The keyring is locked. When it is unlocked and has the answer, "
                        "none is needed here.\n"));
  return g_string_free (out, FALSE);
}
