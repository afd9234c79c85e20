/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* The keys of all our a{sv}, in one table: key, type, default, bounds, where allowed. */

typedef enum /*< flags >*/
{
  TRUNDLE_SCOPE_CONFIGURATION = 1 << 0, /* OpenSession, Configure */
  TRUNDLE_SCOPE_TASK = 1 << 1,          /* downloads: CreateDownloadTask, CreateTasks */
  TRUNDLE_SCOPE_BATCH = 1 << 2,         /* a dictionary of CreateTasks: also url, kind */
  TRUNDLE_SCOPE_ATTACH = 1 << 3,        /* Attach */
  TRUNDLE_SCOPE_FILTER = 1 << 4,        /* ListTasks, CancelTasks */
  TRUNDLE_SCOPE_MOVE = 1 << 5,          /* MoveFile */
  TRUNDLE_SCOPE_OPEN = 1 << 6,    /* OpenSession only, not kept: update-configuration */
  TRUNDLE_SCOPE_RETRY = 1 << 7,   /* the value of `retry` */
  TRUNDLE_SCOPE_REQUEST = 1 << 8, /* UpdateRequest */
  TRUNDLE_SCOPE_HISTORY = 1 << 9, /* ListHistory, ClearHistory */
  TRUNDLE_SCOPE_SPACE = 1 << 10,  /* whom a credential is for: SetCredential */
  TRUNDLE_SCOPE_CREDENTIAL = 1 << 11, /* SetCredential, RespondToChallenge */
  TRUNDLE_SCOPE_COOKIE = 1 << 12,     /* SetCookies */
  TRUNDLE_SCOPE_OAUTH2 = 1 << 13,     /* the value of `oauth2` */
  TRUNDLE_SCOPE_UPLOAD = 1 << 14,     /* uploads: CreateUploadTask, CreateTasks */
  TRUNDLE_SCOPE_PART = 1 << 15,       /* a dictionary of `parts` */
} TrundleScope;

/* One row of the table. */
typedef struct
{
  const char *key;
  const char *type;        /* GVariant type string */
  const char *alternative; /* (nullable): a second type that is accepted */
  guint scopes;            /* TrundleScope */
  const char *fallback;    /* (nullable): default as GVariant text of `type` */
  double min;              /* numbers: bounds; strings and arrays: of the length */
  double max;
  gboolean (*check) (GVariant *value, GError **error); /* (nullable) */
  const char *summary; /* one sentence, for the manual and error messages */
} TrundleWord;

/* The table, for the manual and its tests.  (transfer none) */
const TrundleWord *
trundle_vocabulary_words (gsize *out_n_words);

/* Checks @dict: every key known in one of @scopes, given once, of its type, in its
 * bounds, accepted by its validator.  Else TRUNDLE_ERROR_INVALID_ARGUMENT with a message
 * that names the key.  Returns the dictionary in normal form, alternatives brought to
 * `type`. (transfer full), never floating */
GVariant *
trundle_vocabulary_check (GVariant *dict, guint scopes, GError **error);

/* Values, looked up in @first, then in @second (both nullable), then the table's default.
 * The key must be in the table and of that type: anything else is a programmer's error.
 */
gboolean
trundle_options_get_boolean (GVariant *first, GVariant *second, const char *key);
guint
trundle_options_get_uint (GVariant *first, GVariant *second, const char *key);
guint64
trundle_options_get_uint64 (GVariant *first, GVariant *second, const char *key);
gint64
trundle_options_get_int64 (GVariant *first, GVariant *second, const char *key);
double
trundle_options_get_double (GVariant *first, GVariant *second, const char *key);
/* (transfer full) (nullable) */
char *
trundle_options_get_string (GVariant *first, GVariant *second, const char *key);
/* (transfer full) (nullable) */
GVariant *
trundle_options_get_value (GVariant *first, GVariant *second, const char *key);

/* @dict with @key set to @value (consumed if floating), or without it for NULL; a new
 * dictionary.  (transfer full), never floating */
GVariant *
trundle_options_with (GVariant *dict, const char *key, GVariant *value);
