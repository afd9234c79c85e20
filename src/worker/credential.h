/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* The strongest first. */
typedef enum
{
  TRW_METHOD_NEGOTIATE,
  TRW_METHOD_DIGEST,
  TRW_METHOD_BEARER,
  TRW_METHOD_BASIC,
} TrwMethod;

/* (transfer none): "negotiate", "digest", "bearer", "basic". */
const char *
trw_method_to_word (TrwMethod method);
gboolean
trw_method_from_word (const char *word, TrwMethod *out_method);

/* Who may ask for a credential: an origin or a proxy. */
typedef struct
{
  gboolean is_proxy;
  char *protocol; /* (owned) */
  char *host;     /* (owned): lower case, of IPv6 without brackets */
  guint port;
} TrwParty;

/* Of an origin, or the address of a proxy.  FALSE when there is no port to be known. */
gboolean
trw_party_init (TrwParty *self, GUri *uri, gboolean is_proxy);
void
trw_party_clear (TrwParty *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TrwParty, trw_party_clear)
void
trw_party_free (TrwParty *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrwParty, trw_party_free)
gboolean
trw_party_equal (const TrwParty *first, const TrwParty *second);
/* Whether what is said to it is read by nobody on the way. */
gboolean
trw_party_is_secure (const TrwParty *self);

/* For one protection space of one party. */
typedef struct
{
  TrwParty party;
  char *realm;         /* (owned) (nullable): any */
  gboolean has_method; /* else basic and digest */
  TrwMethod method;
  char *user;       /* (owned) */
  char *password;   /* (owned) */
  char *token;      /* (owned) (nullable): of bearer */
  guint generation; /* told back when it is refused; 0 for none */
  gboolean is_preemptive;
  gboolean is_explicit; /* goes out without TLS too, whatever the request says */
} TrwCredential;

TrwCredential *
trw_credential_copy (const TrwCredential *self);
void
trw_credential_free (TrwCredential *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrwCredential, trw_credential_free)

/* From Begin's aa{sv}.  (element-type TrwCredential) (transfer full).  Errors:
 * TRUNDLE_ERROR_INVALID_ARGUMENT naming the key. */
GPtrArray *
trw_credentials_read (GVariant *given, GError **error);

/* The user info in the address of a proxy.  (transfer full) (nullable) */
TrwCredential *
trw_credential_new_from_proxy (const char *url);

gboolean
trw_credential_fits (const TrwCredential *self,
                     const TrwParty *party,
                     TrwMethod method,
                     const char *realm);
/* Whether it can be written down in a header of @method: what has no place there would be
 * another header, or another user (RFC 7617 §2, RFC 6750 §2.1). */
gboolean
trw_credential_can_be_said (const TrwCredential *self, TrwMethod method);
/* The header's value of basic or bearer.  (transfer full) */
char *
trw_credential_say (const TrwCredential *self, TrwMethod method);
