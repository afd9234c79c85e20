/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether an attempt may go on where an earlier one ended: only with a strong validator,
 * on which the server decides (If-Range, RFC 9110 §13.1.5), so that no two versions are
 * ever mixed (law 11).  Everything here is pure. */

#include "config.h"

#include "core/resume.h"

#include <string.h>

#include "common/vocabulary.h"

void
trd_resume_clear (TrdResume *self)
{
  g_clear_pointer (&self->validator, g_free);
  self->offset = 0;
  self->total = 0;
}

/* The only value of a header; NULL when it is not there, or there twice. */
static const char *
find_header (GVariant *headers, const char *wanted)
{
  const char *found = NULL;
  const char *name;
  const char *value;
  GVariantIter iter;

  g_variant_iter_init (&iter, headers);
  while (g_variant_iter_next (&iter, "(&s&s)", &name, &value))
    {
      if (g_ascii_strcasecmp (name, wanted) != 0)
        continue;
      if (found != NULL)
        return NULL;
      found = value;
    }

  return found;
}

static gboolean
is_strong (const char *tag)
{
  gsize length = tag != NULL ? strlen (tag) : 0;

  return length > 2 && tag[0] == '"' && tag[length - 1] == '"';
}

gboolean
trd_resume_is_possible (GVariant *response, char **out_validator, guint64 *out_total)
{
  g_autoptr (GVariant) headers = NULL;
  const char *tag;
  const char *ranges;
  gint64 length = -1;
  guint status = 0;

  if (response == NULL)
    return FALSE;
  headers = g_variant_lookup_value (response, "headers", G_VARIANT_TYPE ("a(ss)"));
  g_variant_lookup (response, "status", "u", &status);
  g_variant_lookup (response, "content-length", "x", &length);
  if (headers == NULL || (status != 200 && status != 206))
    return FALSE;

  tag = find_header (headers, "ETag");
  ranges = find_header (headers, "Accept-Ranges");
  if (!is_strong (tag) || g_variant_lookup (response, "content-encoding", "s", NULL)
      || (ranges != NULL && g_ascii_strcasecmp (ranges, "none") == 0))
    return FALSE;

  if (out_validator != NULL)
    *out_validator = g_strdup (tag);
  if (out_total != NULL)
    *out_total = length > 0 ? (guint64)length : 0;
  return TRUE;
}

void
trd_resume_plan (const TrdTaskRow *row, guint64 part_size, TrdResume *out_plan)
{
  g_autofree char *method = trundle_options_get_string (row->options, NULL, "method");
  g_autofree char *validator = NULL;
  guint64 total = 0;

  trd_resume_clear (out_plan);
  if (part_size == 0 || g_strcmp0 (method, "GET") != 0
      || !trd_resume_is_possible (row->response, &validator, &total))
    return;
  if (total != 0 && part_size > total)
    return;

  out_plan->offset = part_size;
  out_plan->validator = g_steal_pointer (&validator);
  out_plan->total = total;
}
