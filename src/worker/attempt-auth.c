/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an attempt says of itself to those it meets on the way, at each hop: to the
 * server, to a proxy that passes the request on, and to one that is asked for a tunnel.
 * A hop is asked again when there is something else to be said; else what they want to
 * know is one of the facts the attempt ends with. */

#include "config.h"

#include "attempt-private.h"

#include "errors.h"
#include "proxy.h"
#include "tls-proxy.h"

static gboolean
is_https (TrwAttempt *self)
{
  return g_str_equal (g_uri_get_scheme (self->way.uri), "https");
}

/* Whether a proxy reads @message, and which. */
static gboolean
get_reader (TrwAttempt *self, SoupMessage *message, TrwParty *out_party)
{
  gboolean is_for_proxy = !is_https (self)
                          || g_str_equal (soup_message_get_method (message), "CONNECT");

  return is_for_proxy
         && trw_proxy_get_party (
             soup_message_get_remote_address (message), "http", out_party);
}

static void
keep_challenge (TrwAttempt *self, GVariant *challenge)
{
  g_clear_pointer (&self->challenge, g_variant_unref);
  if (challenge != NULL)
    self->challenge = g_variant_take_ref (challenge);
}

/* Each time it is written. */
void
trw_attempt_sign (TrwAttempt *self)
{
  g_auto (TrwParty) server = { 0 };
  g_auto (TrwParty) proxy = { 0 };

  if (trw_party_init (&server, self->way.uri, FALSE))
    trw_auth_sign (self->auth, &server, self->message);
  trw_attempt_show_ticket (self);
  if (get_reader (self, self->message, &proxy))
    trw_auth_sign (self->auth, &proxy, self->message);
  else
    trw_auth_bypass_proxy (self->message);
}

static gboolean
take_refusal (TrwAttempt *self, const TrwParty *party, SoupMessage *message)
{
  GVariant *challenge;

  if (trw_auth_take_refusal (self->auth, party, message))
    return TRUE;
  challenge = trw_auth_describe (self->auth, party, message);
  if (challenge != NULL && !party->is_proxy)
    challenge = trw_attempt_add_ticket_tried (self, challenge);
  keep_challenge (self, challenge);
  return FALSE;
}

gboolean
trw_attempt_has_other_word (TrwAttempt *self)
{
  guint status = trw_attempt_get_status (self);
  g_auto (TrwParty) server = { 0 };
  g_auto (TrwParty) proxy = { 0 };
  gboolean has_reader = get_reader (self, self->message, &proxy);

  /* Who led us here is content, or we found a way around. */
  keep_challenge (self, NULL);
  if (status == SOUP_STATUS_PROXY_AUTHENTICATION_REQUIRED)
    return has_reader && take_refusal (self, &proxy, self->message);
  if (has_reader)
    trw_auth_take_success (self->auth, &proxy, self->message);
  if (!trw_party_init (&server, self->way.uri, FALSE))
    return FALSE;
  if (status == SOUP_STATUS_UNAUTHORIZED)
    return take_refusal (self, &server, self->message);
  trw_auth_take_success (self->auth, &server, self->message);
  return FALSE;
}

/* Tunnels */

static void
take_tunnel_answer (TrwAttempt *self,
                    const TrwParty *proxy,
                    SoupMessage *connect,
                    guint status)
{
  if (status == SOUP_STATUS_PROXY_AUTHENTICATION_REQUIRED)
    self->has_tunnel_word = take_refusal (self, proxy, connect);
  else
    trw_auth_take_success (self->auth, proxy, connect);
}

static void
on_tunnel_asking (SoupMessage *connect, gpointer user_data)
{
  TrwAttempt *self = user_data;
  g_auto (TrwParty) proxy = { 0 };

  self->has_tunnel_word = FALSE;
  if (get_reader (self, connect, &proxy))
    trw_auth_sign (self->auth, &proxy, connect);
}

/* Now or never: libsoup (3.2.3) hands nothing on but the status. */
static void
on_tunnel_answered (SoupMessage *connect, gpointer user_data)
{
  TrwAttempt *self = user_data;
  g_auto (TrwParty) proxy = { 0 };

  if (get_reader (self, connect, &proxy))
    take_tunnel_answer (self, &proxy, connect, soup_message_get_status (connect));
}

static const TrwTunnelHooks tunnel_hooks = { on_tunnel_asking, on_tunnel_answered };

/* Tunnels of our own, through a proxy that is reached by TLS */

static gpointer
ref_attempt (gpointer user_data)
{
  return trw_attempt_ref (user_data);
}

static void
unref_attempt (gpointer user_data)
{
  trw_attempt_unref (user_data);
}

static void
set_tunnel_error (TrwAttempt *self, TrundleError code, const char *message)
{
  g_clear_error (&self->tunnel_error);
  self->tunnel_error = g_error_new_literal (TRUNDLE_ERROR, code, message);
}

static gboolean
accept_proxy (GUri *proxy,
              GTlsCertificate *chain,
              GTlsCertificateFlags flags,
              gpointer user_data)
{
  TrwAttempt *self = user_data;
  g_autofree char *words = NULL;
  g_autofree char *message = NULL;

  if (trw_attempt_judge_proxy (self, proxy, chain, &flags))
    return TRUE;
  words = trw_tls_flags_describe (flags);
  message = g_strdup_printf ("The proxy's certificate is not trusted: %s", words);
  set_tunnel_error (self, TRUNDLE_ERROR_TLS_FAILED, message);
  return FALSE;
}

/* GIO tries each of a proxy's addresses: none of them is asked what another refused. */
static gboolean
sign_tunnel (const TrwParty *proxy, SoupMessage *connect, gpointer user_data)
{
  TrwAttempt *self = user_data;

  if (self->is_over || self->tunnel_error != NULL)
    return FALSE;
  trw_auth_sign (self->auth, proxy, connect);
  return TRUE;
}

static void
take_answer_of_tls (const TrwParty *proxy,
                    SoupMessage *connect,
                    guint status,
                    gpointer user_data)
{
  TrwAttempt *self = user_data;

  take_tunnel_answer (self, proxy, connect, status);
  if (status == SOUP_STATUS_PROXY_AUTHENTICATION_REQUIRED)
    set_tunnel_error (
        self, TRUNDLE_ERROR_AUTHENTICATION_REQUIRED, "The proxy wants credentials");
  else if (!SOUP_STATUS_IS_SUCCESSFUL (status))
    set_tunnel_error (
        self, TRUNDLE_ERROR_CANNOT_CONNECT, "The proxy refused the connection");
}

static const TrwTlsProxyHooks tls_hooks
    = { ref_attempt, unref_attempt, accept_proxy, sign_tunnel, take_answer_of_tls };

void
trw_attempt_begin_auth (TrwAttempt *self)
{
  self->has_tunnel_word = FALSE;
  g_clear_error (&self->tunnel_error);
  trw_auth_begin (self->auth, self->message);
  trw_session_watch (self->session, self->message, &tunnel_hooks, self);
}

/* What a SOCKS5 proxy says GIO (2.74) tells by its errors alone. */
static GError *
explain_socks (TrwAttempt *self, const GError *error)
{
  if (self->socks == NULL
      || (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PROXY_NEED_AUTH)
          && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PROXY_AUTH_FAILED)))
    return NULL;
  keep_challenge (self, trw_auth_describe_socks (self->auth, self->socks));
  return g_error_new_literal (TRUNDLE_ERROR,
                              TRUNDLE_ERROR_AUTHENTICATION_REQUIRED,
                              "The proxy wants credentials");
}

GError *
trw_attempt_explain_proxy (TrwAttempt *self, const GError *error)
{
  if (self->tunnel_error != NULL)
    return g_steal_pointer (&self->tunnel_error);
  return explain_socks (self, error);
}

void
trw_attempt_note_proxy (TrwAttempt *self, GIOStream *connection)
{
  g_autoptr (GSocketAddress) address = NULL;
  g_autoptr (TrwParty) party = g_new0 (TrwParty, 1);

  g_clear_pointer (&self->socks, trw_party_free);
  if (!G_IS_SOCKET_CONNECTION (connection))
    return;
  address = g_socket_connection_get_remote_address (G_SOCKET_CONNECTION (connection),
                                                    NULL);
  if (trw_proxy_get_party (address, "https", NULL))
    trw_tls_proxy_attend (connection, &tls_hooks, self);
  else if (trw_proxy_get_party (address, "socks5", party))
    self->socks = g_steal_pointer (&party);
}
