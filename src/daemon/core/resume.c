/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether an attempt may go on where an earlier one ended: only with a strong validator,
 * on which the server decides (If-Range, RFC 9110 §13.1.5), so that no two versions are
 * ever mixed (law 11); behind a date, which servers give to files that are changed twice
 * a second too, the worker compares the bytes as well.  Everything here is pure. */

#include "config.h"

#include "core/resume.h"

#include <string.h>

#include "common/http-date.h"
#include "common/vocabulary.h"

void
trd_resume_clear (TrdResume *self)
{
  g_clear_pointer (&self->validator, g_free);
  self->offset = 0;
  self->total = 0;
}

static guint
count_header (GVariant *headers, const char *wanted)
{
  const char *name;
  GVariantIter iter;
  guint n = 0;

  g_variant_iter_init (&iter, headers);
  while (g_variant_iter_next (&iter, "(&s&s)", &name, NULL))
    n += g_ascii_strcasecmp (name, wanted) == 0;

  return n;
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

/* The date of the last change, when the answer was made a second later or more, by the
 * same clock (RFC 9110 §8.8.2.2): what was changed afterwards has another date then.
 * Without a Date nobody knows. */
static const char *
find_strong_date (GVariant *headers)
{
  const char *modified = find_header (headers, "Last-Modified");
  gint64 modified_s;
  gint64 answered_s;

  if (!trundle_http_date_parse (modified, &modified_s)
      || !trundle_http_date_parse (find_header (headers, "Date"), &answered_s))
    return NULL;
  return answered_s > modified_s ? modified : NULL;
}

/* A weak entity tag is a server's word that the bytes may differ, whatever the date. */
static const char *
find_validator (GVariant *headers)
{
  const char *tag = find_header (headers, "ETag");

  if (count_header (headers, "ETag") == 0)
    return find_strong_date (headers);
  return is_strong (tag) ? tag : NULL;
}

gboolean
trd_resume_is_possible (GVariant *response, char **out_validator, guint64 *out_total)
{
  g_autoptr (GVariant) headers = NULL;
  const char *validator;
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

  validator = find_validator (headers);
  ranges = find_header (headers, "Accept-Ranges");
  if (validator == NULL || g_variant_lookup (response, "content-encoding", "s", NULL)
      || (ranges != NULL && g_ascii_strcasecmp (ranges, "none") == 0))
    return FALSE;

  if (out_validator != NULL)
    *out_validator = g_strdup (validator);
  if (out_total != NULL)
    *out_total = length > 0 ? (guint64)length : 0;
  return TRUE;
}

/* About one answer's bytes or its way here, and of no later one. */
static gboolean
is_about_transfer (const char *name)
{
  static const char *const names[] = { "Content-Length",    "Content-Range",
                                       "Transfer-Encoding", "Trailer",
                                       "Connection",        "Keep-Alive",
                                       "Retry-After" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      if (g_ascii_strcasecmp (name, names[i]) == 0)
        return TRUE;
    }

  return FALSE;
}

static GVariant *
combine_headers (GVariant *first, GVariant *rest)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(ss)"));
  const char *name;
  const char *value;
  GVariantIter iter;

  g_variant_iter_init (&iter, rest);
  while (g_variant_iter_next (&iter, "(&s&s)", &name, &value))
    g_variant_builder_add (&builder, "(ss)", name, value);
  g_variant_iter_init (&iter, first);
  while (g_variant_iter_next (&iter, "(&s&s)", &name, &value))
    {
      if (!is_about_transfer (name) && count_header (rest, name) == 0)
        g_variant_builder_add (&builder, "(ss)", name, value);
    }

  return g_variant_builder_end (&builder);
}

GVariant *
trd_resume_combine (GVariant *first, GVariant *rest)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (rest);
  g_autoptr (GVariant) above = NULL;
  g_autoptr (GVariant) below = NULL;
  g_autoptr (GVariant) name = NULL;
  g_autoptr (GVariant) type = NULL;

  above = g_variant_lookup_value (rest, "headers", G_VARIANT_TYPE ("a(ss)"));
  below = g_variant_lookup_value (first, "headers", G_VARIANT_TYPE ("a(ss)"));
  if (above == NULL || below == NULL)
    return g_variant_ref (rest);

  g_variant_dict_insert_value (&dict, "headers", combine_headers (below, above));
  type = g_variant_lookup_value (first, "mime-type", G_VARIANT_TYPE_STRING);
  if (type != NULL && !g_variant_dict_contains (&dict, "mime-type"))
    g_variant_dict_insert_value (&dict, "mime-type", type);
  name = g_variant_lookup_value (first, "suggested-filename", G_VARIANT_TYPE_STRING);
  if (name != NULL && count_header (above, "Content-Disposition") == 0)
    g_variant_dict_insert_value (&dict, "suggested-filename", name);

  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* Of what was asked for; 0 when all that follows was. */
static guint64
range_length (GVariant *options)
{
  guint64 length = 0;

  g_variant_lookup (options, "range", "(tt)", NULL, &length);
  return length;
}

void
trd_resume_plan (const TrdTaskRow *row, guint64 part_size, TrdResume *out_plan)
{
  g_autofree char *method = trundle_options_get_string (row->options, NULL, "method");
  g_autofree char *validator = NULL;
  guint64 total = 0;
  guint64 limit;

  trd_resume_clear (out_plan);
  if (part_size == 0 || row->kind == TRUNDLE_KIND_UPLOAD || g_strcmp0 (method, "GET") != 0
      || !trd_resume_is_possible (row->response, &validator, &total))
    return;
  limit = total != 0 ? total : range_length (row->options);
  if (limit != 0 && part_size > limit)
    return;

  out_plan->offset = part_size;
  out_plan->validator = g_steal_pointer (&validator);
  out_plan->total = total;
}
