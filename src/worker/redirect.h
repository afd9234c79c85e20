/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* What an answer with status 3xx means for an attempt. */
typedef enum
{
  TRW_REDIRECT_FINAL,  /* not a redirect, or one we were told not to follow */
  TRW_REDIRECT_FOLLOW, /* ask again, elsewhere */
  TRW_REDIRECT_FAIL,   /* the attempt ends with the error */
} TrwRedirectVerdict;

typedef enum
{
  TRW_REDIRECTS_FOLLOW,
  TRW_REDIRECTS_SAME_ORIGIN,
  TRW_REDIRECTS_NONE,
} TrwRedirectPolicy;

/* What the task allows. */
typedef struct
{
  TrwRedirectPolicy policy;
  guint max;
  gboolean allow_insecure; /* https to http */
} TrwRedirectRules;

/* One answer.  Borrowed. */
typedef struct
{
  GUri *uri;          /* that answered */
  const char *method; /* it was asked with */
  guint status;
  const char *location; /* (nullable) */
  guint n_followed;     /* redirects of this attempt before this one */
} TrwHop;

/* Where a FOLLOW leads. */
typedef struct
{
  GUri *uri;            /* (owned) */
  const char *method;   /* (unowned), static or that of the hop */
  gboolean same_origin; /* with the hop that answered */
} TrwNextHop;

void
trw_next_hop_clear (TrwNextHop *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TrwNextHop, trw_next_hop_clear)

/* Judges an answer.  @out_next is set with FOLLOW, and with a FAIL for too many redirects
 * or an insecure one, where it tells the refused address.  Errors, with FAIL only:
 * TRUNDLE_ERROR_BAD_REDIRECT, _TOO_MANY_REDIRECTS, _INSECURE_TRANSPORT. */
TrwRedirectVerdict
trw_redirect_judge (const TrwRedirectRules *rules,
                    const TrwHop *hop,
                    TrwNextHop *out_next,
                    GError **error);

/* (transfer none): "follow", "same-origin", "none"; FALSE for another word. */
gboolean
trw_redirect_policy_from_word (const char *word, TrwRedirectPolicy *out_policy);
