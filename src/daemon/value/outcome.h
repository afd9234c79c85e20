/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "common/error.h"
#include "value/retry.h"

/* How an attempt ended, as facts; what to do about it is trd_outcome_judge(). */
typedef struct
{
  gboolean complete;  /* the whole answer is in the part, and it was an accepted one */
  TrundleError code;  /* when not complete */
  char *message;      /* (owned) (nullable): a sentence without secrets */
  guint status;       /* HTTP status of the last answer, 0 for none */
  int error_number;   /* errno, 0 for none */
  char *error_url;    /* (owned) (nullable): what it is about, when not what was asked */
  guint tls_flags;    /* GTlsCertificateFlags of a certificate that was refused */
  gboolean busy;      /* the part was still locked by another attempt: our own doing */
  guint64 received;   /* body bytes written to the part */
  char *proof;        /* (owned) (nullable): "content-length", "chunked", … (law 10) */
  GVariant *response; /* (owned) (nullable): a{sv} as the property Response */
  gboolean sent;      /* the server may have seen the request, or some of it */
  gboolean definite;  /* HOST_NOT_FOUND: the name service says that there is none */
  gboolean has_retry_after;
  guint64 retry_after_ms; /* what the server asked for, not clamped */
  GVariant *transactions; /* (owned) (nullable): aa{sv}, one for each hop */
  guint n_hops;           /* in all: of many the first and the last are told */
  GVariant *digests; /* (owned) (nullable): a{say}: of the whole, as computed, by name */
  GVariant
      *declared_digests;  /* (owned) (nullable): a{say}: as the server declared them */
  GVariant *digest_state; /* (owned) (nullable): a{sv}: to go on hashing from */
  gboolean has_decoded;
  guint64 decoded;           /* bytes of the decoded file, with has_decoded */
  GVariant *decoded_digests; /* (owned) (nullable): a{say}: of the decoded file */
  GVariant *challenge;       /* (owned) (nullable): a{sv}: value/challenge.h */
  GVariant *details;      /* (owned) (nullable): a{sv}: more for trd_outcome_details() */
  guint64 body_sent;      /* bytes of what is uploaded that went out */
  guint64 body_confirmed; /* of these, bytes the server says it keeps */
  GVariant *upload;       /* (owned) (nullable): a{sv}: where it keeps them; without keys:
                           * nowhere       any more */
  char *dialect;          /* (owned) (nullable): what the server turned out to speak */
  GBytes *error_body; /* (owned) (nullable): body of an answer that was not accepted */
} TrdOutcome;

typedef enum
{
  TRD_VERDICT_SUCCEED,
  TRD_VERDICT_FAIL,
  TRD_VERDICT_CHALLENGE,        /* somebody wants to know who is there */
  TRD_VERDICT_RETRY,            /* with back-off */
  TRD_VERDICT_RETRY_AFTER,      /* when the server said */
  TRD_VERDICT_RETRY_AFRESH,     /* with back-off, and nothing of the part is believed */
  TRD_VERDICT_RETRY_AT_ONCE,    /* our own doing: nobody's fault */
  TRD_VERDICT_WAIT_DISK,        /* WaitReasons disk-space */
  TRD_VERDICT_WAIT_DESTINATION, /* WaitReasons destination-gone */
} TrdVerdict;

TrdOutcome *
trd_outcome_new_complete (guint64 received, const char *proof);
TrdOutcome *
trd_outcome_new_failed (TrundleError code, const char *message);
/* From an error of ours, GIO's or SQLite's file work (ENOSPC, EACCES, ENOENT, …).  GLib
 * 2.74 makes G_IO_ERROR_FAILED of EDQUOT: who meets it says NO_SPACE by himself. */
TrdOutcome *
trd_outcome_new_from_error (const GError *error);
/* From the worker's Done (a{sv}); a dictionary that makes no sense is NULL with an error:
 * a violation of the protocol. */
TrdOutcome *
trd_outcome_new_from_wire (GVariant *facts, GError **error);
/* Whether what a worker tells of an upload may be kept: opaque, but for `url` and
 * `dialect`, and not large. */
gboolean
trd_upload_check (GVariant *upload);
/* Whether the `digest-state` of Done, or what came with Digested, may be kept: it is
 * opaque, but not large, and tells of which offset it is. */
gboolean
trd_digest_state_check (GVariant *state);
TrdOutcome *
trd_outcome_copy (const TrdOutcome *self);
void
trd_outcome_free (TrdOutcome *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdOutcome, trd_outcome_free)

/* What another attempt would repeat of what the server has seen. */
typedef enum
{
  TRD_REPEAT_WHOLE,   /* the request */
  TRD_REPEAT_NOTHING, /* of an upload: it goes on where the server keeps what it has */
  TRD_REPEAT_ANEW,    /* the server has lost that, and cannot have had all of it */
  TRD_REPEAT_NEVER,   /* likewise, but it may have, or has lost it too often */
} TrdRepeat;

/* What is known besides when an ending is judged. */
typedef struct
{
  TrdRetry retry;
  gboolean redirected;    /* another address was asked than the task's own */
  gboolean idempotent;    /* the request may be repeated whatever the server has seen */
  TrdRepeat repeat;       /* what of it would be */
  gboolean network;       /* is there */
  guint n_addresses;      /* of the file: its own and its mirrors */
  guint attempts;         /* before this one */
  guint streak;           /* of these, the last ones that ended alike */
  gboolean has_last;      /* there is an earlier ending to compare with */
  TrundleError last_code; /* of the attempt before */
  guint last_status;
} TrdContext;

/* RFC 9110 §9.2.2. */
gboolean
trd_method_is_idempotent (const char *method);

/* The one table of what each ending means.  Pure. */
TrdVerdict
trd_outcome_judge (const TrdOutcome *self, const TrdContext *context);

/* How many attempts in a row have ended alike, this one included.  What ended without
 * anybody being to blame is not counted: a server that says when to come again, a name
 * that could not be asked for.  Pure. */
guint
trd_outcome_streak (const TrdOutcome *self, const TrdContext *context);

/* The details of TaskFinished, and of the property Error, for a task that failed so: keys
 * `url`, `reason`, `status`, `errno`, `message`.  (transfer full), not floating */
GVariant *
trd_outcome_details (const TrdOutcome *self, const char *url);
