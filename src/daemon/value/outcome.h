/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "common/error.h"

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
  GVariant *digests; /* (owned) (nullable): a{say}: of the whole, as computed, by name */
  GVariant
      *declared_digests;  /* (owned) (nullable): a{say}: as the server declared them */
  GVariant *digest_state; /* (owned) (nullable): a{sv}: to go on hashing from */
  guint64 decoded;        /* bytes of the decoded file, 0 for none */
  GBytes *error_body; /* (owned) (nullable): body of an answer that was not accepted */
} TrdOutcome;

typedef enum
{
  TRD_VERDICT_SUCCEED,
  TRD_VERDICT_FAIL,
  TRD_VERDICT_RETRY,            /* with back-off */
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
TrdOutcome *
trd_outcome_copy (const TrdOutcome *self);
void
trd_outcome_free (TrdOutcome *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdOutcome, trd_outcome_free)

/* The one table of what each ending means.  Pure. */
TrdVerdict
trd_outcome_judge (const TrdOutcome *self);

/* The details of TaskFinished, and of the property Error, for a task that failed so: keys
 * `url`, `reason`, `status`, `errno`, `message`.  (transfer full), not floating */
GVariant *
trd_outcome_details (const TrdOutcome *self, const char *url);

/* Wait before attempt @attempts + 1: doubling from 1 s to 15 min, ±25 %.  @unit_random is
 * uniform in [0, 1). */
gint64
trd_back_off_us (guint attempts, double unit_random);
