/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Negotiate by GSSAPI itself: libsoup (3.2.3) does it on the main loop, for connections,
 * and for every host alike.  Of the mechanisms that SPNEGO would choose from only
 * Kerberos is left, so that it never becomes NTLM; tickets are not delegated; the server
 * is asked to prove itself, too.
 *
 * GSSAPI blocks, for half a minute or more when no server of the realm answers, and
 * cannot be interrupted: it works in threads of our own, on what is copied for it, and
 * whoever waited may be gone when it is done.
 *
 * Tickets are not written back to a cache in a file, which the profile does not allow.
 * Where there is a keytab for the user instead of a cache, they are got into memory. */

#include "config.h"

#include "negotiate.h"

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <string.h>

#define SCHEME "Negotiate"

/* More would only wait together. */
#define THREADS_MAX 4

/* No header is longer. */
#define ANSWER_MAX (64 * 1024)

struct _TrwNegotiate
{
  char *name; /* (owned): of the service */
  TrwNegotiateReady ready;
  gpointer user_data;  /* (unowned) */
  gboolean is_dropped; /* on the main loop only */

  /* Of the thread, until it is ready. */
  gss_cred_id_t credential;
  gss_name_t target;
  gss_ctx_id_t context;
  gboolean is_established;
  char *words; /* (owned) (nullable) */
};

/* 1.3.6.1.5.5.2 and 1.2.840.113554.1.2.2; GSSAPI wants them not const. */
static gss_OID_desc spnego = { 6, (void *)"\x2b\x06\x01\x05\x05\x02" };
static gss_OID_desc kerberos = { 9, (void *)"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02" };

static void
free_contents (gpointer data)
{
  TrwNegotiate *self = data;
  OM_uint32 minor;

  gss_delete_sec_context (&minor, &self->context, GSS_C_NO_BUFFER);
  gss_release_name (&minor, &self->target);
  gss_release_cred (&minor, &self->credential);
  g_free (self->name);
  g_free (self->words);
}

static void
unref (TrwNegotiate *self)
{
  g_atomic_rc_box_release_full (self, free_contents);
}

/* In a thread */

/* From the user's cache, or by a keytab of his, which the library would use to fill that
 * cache. */
static gboolean
acquire (TrwNegotiate *self, gboolean in_memory)
{
  gss_key_value_element_desc elements[] = { { "ccache", "MEMORY:trundle" } };
  gss_key_value_set_desc memory = { G_N_ELEMENTS (elements), elements };
  gss_OID_set_desc mechanisms = { 1, &spnego };
  gss_OID_set_desc only = { 1, &kerberos };
  OM_uint32 minor;

  gss_release_cred (&minor, &self->credential);
  return !GSS_ERROR (gss_acquire_cred_from (&minor,
                                            GSS_C_NO_NAME,
                                            GSS_C_INDEFINITE,
                                            &mechanisms,
                                            GSS_C_INITIATE,
                                            in_memory ? &memory : GSS_C_NO_CRED_STORE,
                                            &self->credential,
                                            NULL,
                                            NULL))
         && !GSS_ERROR (gss_set_neg_mechs (&minor, self->credential, &only));
}

static gboolean
import_target (TrwNegotiate *self)
{
  gss_buffer_desc name = { strlen (self->name), self->name };
  OM_uint32 minor;

  return !GSS_ERROR (
      gss_import_name (&minor, &name, GSS_C_NT_HOSTBASED_SERVICE, &self->target));
}

/* One step.  @out: to be released. */
static OM_uint32
step (TrwNegotiate *self, gss_buffer_t in, gss_buffer_t out)
{
  OM_uint32 minor;

  return gss_init_sec_context (&minor,
                               self->credential,
                               &self->context,
                               self->target,
                               &spnego,
                               GSS_C_MUTUAL_FLAG,
                               0,
                               GSS_C_NO_CHANNEL_BINDINGS,
                               in,
                               NULL,
                               out,
                               NULL,
                               NULL);
}

static void
begin (TrwNegotiate *self)
{
  gss_buffer_desc token = GSS_C_EMPTY_BUFFER;
  OM_uint32 major;
  OM_uint32 minor;

  gss_delete_sec_context (&minor, &self->context, GSS_C_NO_BUFFER);
  major = step (self, GSS_C_NO_BUFFER, &token);
  if (!GSS_ERROR (major) && token.length > 0)
    {
      g_autofree char *text = g_base64_encode (token.value, token.length);

      self->is_established = major == GSS_S_COMPLETE;
      self->words = g_strconcat (SCHEME " ", text, NULL);
    }
  gss_release_buffer (&minor, &token);
}

static gboolean
on_ready (gpointer user_data)
{
  TrwNegotiate *self = user_data;

  if (!self->is_dropped)
    self->ready (self, self->user_data);
  unref (self);
  return G_SOURCE_REMOVE;
}

static void
work (gpointer data, gpointer user_data)
{
  TrwNegotiate *self = data;

  if (import_target (self))
    {
      if (acquire (self, FALSE))
        begin (self);
      /* With a keytab only this step shows that the cache cannot be filled. */
      if (self->words == NULL && acquire (self, TRUE))
        begin (self);
    }
  g_idle_add_full (G_PRIORITY_DEFAULT, on_ready, self, NULL);
}

/* On the main loop */

static GThreadPool *
get_pool (void)
{
  static GThreadPool *pool;

  if (pool == NULL)
    pool = g_thread_pool_new (work, NULL, THREADS_MAX, FALSE, NULL);
  return pool;
}

TrwNegotiate *
trw_negotiate_new (const char *host, TrwNegotiateReady ready, gpointer user_data)
{
  TrwNegotiate *self = g_atomic_rc_box_new0 (TrwNegotiate);

  self->name = g_strconcat ("HTTP@", host, NULL);
  self->ready = ready;
  self->user_data = user_data;
  self->credential = GSS_C_NO_CREDENTIAL;
  self->target = GSS_C_NO_NAME;
  self->context = GSS_C_NO_CONTEXT;
  g_thread_pool_push (get_pool (), g_atomic_rc_box_acquire (self), NULL);
  return self;
}

void
trw_negotiate_drop (TrwNegotiate *self)
{
  self->is_dropped = TRUE;
  unref (self);
}

const char *
trw_negotiate_get_words (TrwNegotiate *self)
{
  return self->words;
}

/* What follows the name of the method; NULL for another one. */
static const char *
skip_scheme (const char *value)
{
  const char *rest = value + strlen (SCHEME);

  if (g_ascii_strncasecmp (value, SCHEME, strlen (SCHEME)) != 0
      || (*rest != '\0' && *rest != ' ' && *rest != ',' && *rest != '\t'))
    return NULL;
  return rest + strspn (rest, " \t");
}

gboolean
trw_negotiate_is_offer (const char *value)
{
  return skip_scheme (value) != NULL;
}

/* The last step of Kerberos asks nobody: the ticket holds the key that only the server
 * knows besides. */
gboolean
trw_negotiate_check (TrwNegotiate *self, const char *value)
{
  const char *text = value != NULL ? skip_scheme (value) : NULL;
  g_autofree guchar *bytes = NULL;
  gss_buffer_desc in = GSS_C_EMPTY_BUFFER;
  gss_buffer_desc out = GSS_C_EMPTY_BUFFER;
  OM_uint32 major;
  OM_uint32 minor;

  if (self->is_established || text == NULL || *text == '\0')
    return TRUE;
  if (strlen (text) > ANSWER_MAX)
    return FALSE;
  bytes = g_base64_decode (text, &in.length);
  in.value = bytes;
  major = step (self, &in, &out);
  gss_release_buffer (&minor, &out);
  self->is_established = major == GSS_S_COMPLETE;
  return self->is_established;
}
