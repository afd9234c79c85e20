/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the TLS of a hop has to say: whether its certificate is taken, and the challenge
 * when it is not.  A hop that is refused never gets a byte of the question. */

#include "config.h"

#include "attempt-private.h"

#include "common/url.h"
#include "errors.h"
#include "identity.h"
#include "tls.h"
#include "token.h"

/* Names of issuers: as many as a challenge should carry. */
#define ISSUERS_MAX 100
#define ISSUERS_SIZE_MAX (64 * 1024)

/* The facts of a challenge by who is at @uri, but for what it is about. */
static void
begin_challenge (GVariantDict *challenge,
                 GUri *uri,
                 gboolean is_proxy,
                 const char *method)
{
  g_autofree char *host = g_ascii_strdown (g_uri_get_host (uri), -1);
  g_auto (GVariantDict) offer = G_VARIANT_DICT_INIT (NULL);
  GVariant *offers[1];

  g_variant_dict_insert (challenge, "protocol", "s", g_uri_get_scheme (uri));
  g_variant_dict_insert (challenge, "host", "s", host);
  g_variant_dict_insert (challenge, "port", "u", trundle_url_get_port (uri));
  g_variant_dict_insert (challenge, "is-proxy", "b", is_proxy);
  g_variant_dict_insert (&offer, "method", "s", method);
  offers[0] = g_variant_dict_end (&offer);
  g_variant_dict_insert_value (
      challenge, "offers", g_variant_new_array (G_VARIANT_TYPE_VARDICT, offers, 1));
}

static void
take_challenge (TrwAttempt *self, GVariantDict *challenge)
{
  g_clear_pointer (&self->challenge, g_variant_unref);
  self->challenge = g_variant_ref_sink (g_variant_dict_end (challenge));
}

static void
ask_for_trust (TrwAttempt *self,
               GUri *uri,
               gboolean is_proxy,
               GTlsCertificate *chain,
               GTlsCertificateFlags flags)
{
  g_auto (GVariantDict) challenge = G_VARIANT_DICT_INIT (NULL);

  begin_challenge (&challenge, uri, is_proxy, "server-trust");
  g_variant_dict_insert_value (
      &challenge, "certificates", trw_tls_describe_chain (chain));
  g_variant_dict_insert (&challenge, "tls-flags", "u", (guint)flags);
  take_challenge (self, &challenge);
}

static void
refuse_certificate (TrwAttempt *self, GTlsCertificate *chain, GTlsCertificateFlags flags)
{
  self->tls_flags = flags;
  ask_for_trust (self, self->way.uri, FALSE, chain, flags);
}

gboolean
trw_attempt_judge_proxy (TrwAttempt *self,
                         GUri *proxy,
                         GTlsCertificate *chain,
                         GTlsCertificateFlags *flags)
{
  if (trw_trust_accepts (&self->request->trust, proxy, TRUE, chain, flags))
    return TRUE;
  ask_for_trust (self, proxy, TRUE, chain, *flags);
  return FALSE;
}

/* Whether one with which @flags is wrong is taken. Nobody is asked about keys: whoever
 * has told which they are has answered. */
static gboolean
judge (TrwAttempt *self, GTlsCertificate *chain, GTlsCertificateFlags flags)
{
  if (self->request->pins != NULL
      && trw_pins_refuse (self->request->pins, self->way.uri, chain))
    {
      self->is_unpinned = TRUE;
      return FALSE;
    }
  if (trw_trust_accepts (&self->request->trust, self->way.uri, FALSE, chain, &flags))
    return TRUE;
  refuse_certificate (self, chain, flags);
  return FALSE;
}

/* The trust store has refused it. */
static gboolean
on_certificate (SoupMessage *message,
                GTlsCertificate *chain,
                GTlsCertificateFlags flags,
                gpointer user_data)
{
  TrwAttempt *self = user_data;

  self->is_excepted = judge (self, chain, flags);
  return self->is_excepted;
}

/* Of a connection that was resumed after all nobody has asked us.  What is cancelled here
 * writes nothing, and is not kept for another (libsoup 3.2.3). */
static void
on_network_event (SoupMessage *message,
                  GSocketClientEvent event,
                  GIOStream *connection,
                  gpointer user_data)
{
  TrwAttempt *self = user_data;
  GTlsCertificate *chain;
  GTlsCertificateFlags flags;

  /* libsoup may ask again on another connection: what was said of the last is over. */
  if (event == G_SOCKET_CLIENT_TLS_HANDSHAKING)
    {
      self->is_excepted = FALSE;
      trw_asked_clear (&self->asked);
    }
  if (event != G_SOCKET_CLIENT_TLS_HANDSHAKED || self->is_excepted)
    return;
  chain = g_tls_connection_get_peer_certificate (G_TLS_CONNECTION (connection));
  flags = g_tls_connection_get_peer_certificate_errors (G_TLS_CONNECTION (connection));
  if (flags != 0 && !judge (self, chain, flags))
    g_cancellable_cancel (self->cancellable);
}

static GVariant *
describe_issuers (GTlsClientConnection *tls)
{
  GList *issuers = g_tls_client_connection_get_accepted_cas (tls);
  GVariantBuilder builder;
  gsize size = 0;
  guint n = 0;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("aay"));
  for (GList *l = issuers; l != NULL && n < ISSUERS_MAX; l = l->next, n++)
    {
      const GByteArray *name = l->data;

      size += name->len;
      if (size > ISSUERS_SIZE_MAX)
        break;
      g_variant_builder_add_value (
          &builder,
          g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, name->data, name->len, 1));
    }
  g_list_free_full (issuers, (GDestroyNotify)g_byte_array_unref);
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

/* Consumes @error, if there is no @certificate. */
static void
take_identity (TrwAttempt *self, GTlsCertificate *certificate, GError *error)
{
  if (certificate != NULL)
    return;
  self->asked.error = error;
  g_cancellable_cancel (self->cancellable);
}

typedef struct
{
  TrwAttempt *attempt;  /* (owned) */
  SoupMessage *message; /* (owned) */
} TokenUse;

/* Answered whatever has become of the attempt: a thread of the handshake waits for it. */
static void
on_token_loaded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree TokenUse *use = user_data;
  g_autoptr (TrwAttempt) self = use->attempt;
  g_autoptr (SoupMessage) message = use->message;
  g_autoptr (GError) error = NULL;
  g_autoptr (GTlsCertificate) certificate = trw_token_load_finish (result, &error);

  if (self->message == message && !self->is_over)
    take_identity (self, certificate, g_steal_pointer (&error));
  soup_message_set_tls_client_certificate (message, certificate);
}

/* FALSE when @identity is not in a token that we may use. */
static gboolean
ask_token (TrwAttempt *self, SoupMessage *message, GVariant *identity)
{
  const char *uri = NULL;
  const char *pin = NULL;
  TokenUse *use;

  if (!self->request->is_local || !g_variant_lookup (identity, "pkcs11-uri", "&s", &uri))
    return FALSE;
  g_variant_lookup (identity, "password", "&s", &pin);
  use = g_new0 (TokenUse, 1);
  use->attempt = trw_attempt_ref (self);
  use->message = g_object_ref (message);
  trw_token_load_async (uri, pin, on_token_loaded, use);
  return TRUE;
}

/* Unanswered, libsoup would wait for ever. With TLS 1.3 we are asked before the server's
 * certificate is known; what we answer is sent once that is accepted. */
static gboolean
on_certificate_wanted (SoupMessage *message,
                       GTlsClientConnection *tls,
                       gpointer user_data)
{
  TrwAttempt *self = user_data;
  TrwAsked *asked = &self->asked;
  g_autoptr (GTlsCertificate) certificate = NULL;
  GError *error = NULL;

  trw_asked_clear (asked);
  asked->is_asked = TRUE;
  asked->is_early = !self->has_written;
  asked->issuers = describe_issuers (tls);
  asked->identity = trw_identity_find (self->request->identities, self->way.uri);
  if (asked->identity != NULL)
    {
      if (ask_token (self, message, asked->identity))
        return TRUE;
      certificate = trw_identity_load (asked->identity, &error);
      take_identity (self, certificate, error);
    }
  soup_message_set_tls_client_certificate (message, certificate);
  return TRUE;
}

void
trw_asked_clear (TrwAsked *self)
{
  g_clear_pointer (&self->issuers, g_variant_unref);
  g_clear_pointer (&self->identity, g_variant_unref);
  g_clear_error (&self->error);
  *self = (TrwAsked){ 0 };
}

void
trw_attempt_watch_tls (TrwAttempt *self)
{
  self->tls_flags = 0;
  self->is_excepted = FALSE;
  self->is_unpinned = FALSE;
  trw_asked_clear (&self->asked);
  g_signal_connect (
      self->message, "accept-certificate", G_CALLBACK (on_certificate), self);
  g_signal_connect (self->message, "network-event", G_CALLBACK (on_network_event), self);
  g_signal_connect (
      self->message, "request-certificate", G_CALLBACK (on_certificate_wanted), self);
}

/* Who wanted a certificate and breaks off with an alert does so for want of it, or does
 * not like the one there was: glib-networking (2.74.0) has no code for either, and calls
 * CERTIFICATE_REQUIRED what ends without a word when none was sent. */
static gboolean
is_about_identity (TrwAttempt *self, const GError *error)
{
  return self->asked.is_asked
         && (g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_MISC)
             || g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_CERTIFICATE_REQUIRED));
}

static void
add_tried (GVariantDict *challenge, GVariant *identity)
{
  g_auto (GVariantDict) tried = G_VARIANT_DICT_INIT (NULL);
  guint generation = 0;

  g_variant_lookup (identity, "generation", "u", &generation);
  g_variant_dict_insert (&tried, "method", "s", "client-certificate");
  g_variant_dict_insert (&tried, "generation", "u", generation);
  g_variant_dict_insert_value (challenge, "tried", g_variant_dict_end (&tried));
}

static GError *
explain_identity (TrwAttempt *self, const GError *error)
{
  TrwAsked *asked = &self->asked;
  g_auto (GVariantDict) challenge = G_VARIANT_DICT_INIT (NULL);

  begin_challenge (&challenge, self->way.uri, FALSE, "client-certificate");
  g_variant_dict_insert_value (&challenge, "accepted-issuers", asked->issuers);
  if (asked->identity != NULL)
    add_tried (&challenge, asked->identity);
  take_challenge (self, &challenge);
  /* The request went out before the server said that it does not listen. */
  asked->is_unheard = asked->is_early
                      && g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_MISC);
  if (asked->error != NULL)
    return g_error_copy (asked->error);
  if (asked->identity != NULL)
    return g_error_new_literal (TRUNDLE_ERROR,
                                TRUNDLE_ERROR_CLIENT_CERTIFICATE_REJECTED,
                                "The server did not accept the client certificate");
  return g_error_new_literal (TRUNDLE_ERROR,
                              TRUNDLE_ERROR_CLIENT_CERTIFICATE_REQUIRED,
                              "The server wants a client certificate");
}

GError *
trw_attempt_explain_tls (TrwAttempt *self, const GError *error)
{
  g_autofree char *words = NULL;

  if (self->is_unpinned)
    return g_error_new_literal (TRUNDLE_ERROR,
                                TRUNDLE_ERROR_TLS_FAILED,
                                "The server's certificate has none of the keys of pins");
  if (self->tls_flags == 0)
    return self->asked.error != NULL || is_about_identity (self, error)
               ? explain_identity (self, error)
               : NULL;
  words = trw_tls_flags_describe (self->tls_flags);
  return g_error_new (TRUNDLE_ERROR,
                      TRUNDLE_ERROR_TLS_FAILED,
                      "The server's certificate is not trusted: %s",
                      words);
}
