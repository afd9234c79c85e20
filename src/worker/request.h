/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "credential.h"
#include "jars.h"
#include "pieces.h"
#include "pins.h"
#include "redirect.h"
#include "trust.h"

/* What Begin asks for, checked. */
typedef struct
{
  GUri *uri;                /* (owned), without user info */
  const char *method;       /* (unowned), interned */
  GVariant *headers;        /* (owned): a(ss) for every hop */
  GVariant *secret_headers; /* (owned): a(ss) for the first origin */
  char *body;               /* (owned) (nullable): what is sent, a form */
  TrwPieces *pieces;        /* (owned) (nullable): or this, and then what is beside it */
  gboolean expect_continue;
  char **resumable; /* (owned) (nullable): words of dialects */
  GVariant *place;  /* (owned) (nullable): where an upload is gone on with */
  const struct _TrwDialect *dialect; /* (unowned) (nullable): no other */
  char **accept_status;              /* (owned) */
  TrwRedirectRules redirects;
  gboolean allow_unframed;
  guint64 timeout_ms;            /* without a byte; 0 for none, as the next two */
  guint64 connect_timeout_ms;    /* until the question can be written */
  guint64 first_byte_timeout_ms; /* from then until the head of the answer is there */
  char *partition;               /* (owned): whose connections it may use */
  TrwTrust trust;
  TrwPins *pins;        /* (owned) (nullable): of the first origin */
  GVariant *identities; /* (owned) (nullable): identity.h */
  guint error_body_max;
  gboolean set_cookies; /* take and send any */
  TrwJar *jar;          /* (owned) (nullable): of the session */
  guint64 offset;       /* of the part that is there already; 0 for none */
  guint64 total;        /* of the file, as known from before; 0 unknown */
  char *validator;      /* (owned) (nullable): for If-Range, not NULL with an offset */
  gboolean has_range;   /* the file is to be a part of the resource: */
  guint64 first;        /* from this byte, 0 without a range */
  guint64 length;       /* so many; 0 for all that follow */

  /* What the file must be. */
  guint64 max_bytes; /* G_MAXUINT64 for no limit */
  gboolean has_expected_bytes;
  guint64 expected_bytes;
  char **digests;         /* (owned): names of algorithms to compute of it */
  GVariant *digest_state; /* (owned) (nullable): of a beginning of the part */

  /* Who we are, and through whom. */
  GPtrArray *credentials; /* (owned) (element-type TrwCredential) */
  GPtrArray *of_proxies;  /* (owned) (element-type TrwCredential): of proxies */
  gboolean allow_insecure_auth;
  char **negotiate_hosts;  /* (owned) (nullable): that may have a ticket of the user's */
  gboolean is_local;       /* tickets and tokens of the user may be used */
  char **proxies;          /* (owned) (nullable): the daemon is asked */
  char **proxy_exclusions; /* (owned) (nullable) */

  int decode_fd; /* (owned): where to decode to, -1 for not to */
} TrwRequest;

/* Errors: TRUNDLE_ERROR_INVALID_ARGUMENT and those of trundle_url_parse(). */
TrwRequest *
trw_request_new (GVariant *dict, GError **error);
void
trw_request_free (TrwRequest *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrwRequest, trw_request_free)

/* Reads what is to be sent; what of @files it names is taken.  Errors: as above. */
gboolean
trw_request_take_body (TrwRequest *self, GVariant *dict, TrwFiles *files, GError **error);

/* Closes what is open. */
void
trw_request_close (TrwRequest *self);

/* Whether an answer with @status goes into the file: by the words "*", "2xx", "404". */
gboolean
trw_request_accepts (const TrwRequest *self, guint status);
