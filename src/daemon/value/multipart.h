/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* A form as the body of a request: multipart/form-data (RFC 7578, RFC 2046 §5.1), in
 * pieces, so that its length is known and no file is read to put it together.  Pure, but
 * for the boundary, which is random. */

/* One field; strings are borrowed. */
typedef struct
{
  const char *name;         /* UTF-8 */
  const char *file_name;    /* (nullable): UTF-8 */
  const char *content_type; /* (nullable): one line of ASCII */
  GBytes *content;          /* (nullable): NULL for that of a file */
} TrdField;

/* A boundary that occurs in nothing of @fields that can be seen here.  What is in files
 * is not: that 122 random bits occur there is as unlikely as two equal UUIDs.  (transfer
 * full) */
char *
trd_multipart_new_boundary (const TrdField *fields, gsize n_fields);

/* The header Content-Type.  (transfer full) */
char *
trd_multipart_content_type (const char *boundary);

/* The body: GBytes, none of them empty, and NULL in the place of each file, in the order
 * of the fields.  (element-type GBytes) (transfer full) */
GPtrArray *
trd_multipart_assemble (const TrdField *fields, gsize n_fields, const char *boundary);
