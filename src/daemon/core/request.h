/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "common/enums.h"
#include "value/rows.h"

/* What an app asked for, taken apart: what may be stored, and what may not (law 9). */
typedef struct
{
  char *url;         /* (owned): without user info */
  GRefString *host;  /* (owned): what slots per host count */
  GVariant *options; /* (owned): a{sv} without secrets, handles and what has a column */
  GVariant *secrets; /* (owned) (nullable): core/secret-options.h */
  gboolean keeps_secrets; /* of an update: what was secret before is part of it still */
  gboolean same_origin;   /* likewise: as before */
  gboolean same_secrets;  /* likewise: those it has, whatever they are */
} TrdRequestParts;

void
trd_request_parts_clear (TrdRequestParts *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TrdRequestParts, trd_request_parts_clear)

/* Takes @url and the checked options of a task of @kind apart, and judges what they mean
 * to one another.  Errors: INVALID_URL, UNSUPPORTED_SCHEME, INVALID_ARGUMENT. */
gboolean
trd_request_take_apart (TrundleKind kind,
                        const char *url,
                        GVariant *options,
                        TrdRequestParts *out_parts,
                        GError **error);

/* The request of @row after @changes (checked, TRUNDLE_SCOPE_REQUEST), whole: each key
 * replaces the task's, `headers` as a whole.  @secrets (nullable) are those it has now;
 * they stay, unless `headers` are given or the address leads to another origin: what was
 * meant for one server goes to no other.  Pure.  Errors: as above. */
gboolean
trd_request_update (const TrdTaskRow *row,
                    GVariant *secrets,
                    GVariant *changes,
                    TrdRequestParts *out_parts,
                    GError **error);

/* The request of @row to @url, for showing: `url`, `method`, `headers`, none of them
 * secret.  Floating. */
GVariant *
trd_request_describe (const TrdTaskRow *row, const char *url);

/* @changes over @options, headers merged by name.  (transfer full), not floating */
GVariant *
trd_request_merge (GVariant *options, GVariant *changes);

/* A configuration or options without its secrets; these in @out_secrets, a{sv} as in
 * core/secret-options.h, or NULL.  (transfer full), not floating, both */
GVariant *
trd_request_without_secrets (GVariant *options, GVariant **out_secrets);

/* Whether @url is of the origin that @row asks first. */
gboolean
trd_request_is_same_origin (const TrdTaskRow *row, const char *url);
/* The secrets of a task to come, as trd_request_take_apart() finds them; NULL for none,
 * and for what it would refuse.  (transfer full) */
GVariant *
trd_request_find_secrets (const char *url, GVariant *options);
/* Whether it is worth a look: @url and @options, which may be unchecked, have what can be
 * one. */
gboolean
trd_request_may_bring_secrets (const char *url, GVariant *options);

/* Whether the app has said that the request may be repeated, whatever its method is: by
 * an option, or by a key of its own, by which the server tells repetitions. */
gboolean
trd_request_says_repeatable (const TrdTaskRow *row);

/* Addresses of the file: its own and its mirrors. */
guint
trd_request_count_addresses (const TrdTaskRow *row);
/* The address that is asked, by row->mirror; (transfer full), without user info. */
char *
trd_request_find_url (const TrdTaskRow *row);
/* Its host, as slots count it.  (transfer full) */
GRefString *
trd_request_find_host (const TrdTaskRow *row);

/* The dictionary of Begin: the task's options over the session's, headers merged (a name
 * of the task's replaces all of that name of the session's, RFC 9110 §5.1: in any case).
 * Secrets (nullable, both) reach only whom they are for.  (transfer full), not floating
 */
GVariant *
trd_request_compose (const TrdTaskRow *row,
                     GVariant *configuration,
                     GVariant *task_secrets,
                     GVariant *session_secrets);
