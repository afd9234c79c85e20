/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What uploads send, as their callers say it: judged, and each source named once, however
 * many tasks or parts name it.  Short texts stay in the row; others go to a file of the
 * spool, all those of a form to one. */

#include "config.h"

#include "face/bodies-private.h"

#include "common/vocabulary.h"
#include "face/query.h"
#include "value/multipart.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Texts of one body that stay in its row. */
#define ROW_BYTES_MAX (64 * 1024)

static gboolean
fail_key (GError **error, const char *key, const char *why)
{
  g_set_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT, "%s: %s", key, why);
  return FALSE;
}

/* ---- sources ---- */

static TrdBodySource *
add_source (TrdBodies *self, const char *where)
{
  TrdBodySource *source = g_new0 (TrdBodySource, 1);

  source->where = g_strdup (where);
  source->handle = -1;
  source->fd = -1;
  g_ptr_array_add (self->sources, source);

  return source;
}

/* What is read to its end is there once. */
static gboolean
check_handle (TrdBodies *self, int handle, const char *where, GError **error)
{
  int fd = trd_call_peek_fd (self->call, handle, where, error);
  struct stat facts;

  if (fd < 0)
    return FALSE;
  if (fstat (fd, &facts) != 0 || S_ISREG (facts.st_mode))
    return TRUE;

  self->has_stream = TRUE;
  for (guint i = 0; i < self->sources->len; i++)
    if (((TrdBodySource *)g_ptr_array_index (self->sources, i))->handle == handle)
      return fail_key (error, where, "a pipe or socket can be sent in one way only");

  return TRUE;
}

/* The source that `body` or `body-path` of @dict names. */
static TrdBodySource *
plan_source (TrdBodies *self,
             GVariant *dict,
             const char *where,
             TrdSnapshot snapshot,
             GError **error)
{
  g_autofree char *key = NULL;
  const char *path = NULL;
  int handle = -1;
  guint64 first = 0;
  guint64 length = 0;
  gboolean has_range = g_variant_lookup (dict, "range", "(tt)", &first, &length);
  TrdBodySource *source;

  g_variant_lookup (dict, "body", "h", &handle);
  g_variant_lookup (dict, "body-path", "&s", &path);
  key = g_strdup_printf ("%d %d %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %u %s",
                         handle,
                         has_range,
                         first,
                         length,
                         (guint)snapshot,
                         path != NULL ? path : "");
  source = g_hash_table_lookup (self->known, key);
  if (source != NULL)
    return source;

  if (path != NULL && !self->may_watch)
    {
      g_set_error (error,
                   TRUNDLE_ERROR,
                   TRUNDLE_ERROR_NOT_ALLOWED,
                   "%s: a sandboxed app hands over what it sends as descriptors",
                   where);
      return NULL;
    }
  if (path == NULL && !check_handle (self, handle, where, error))
    return NULL;

  source = add_source (self, where);
  source->handle = handle;
  source->path = g_strdup (path);
  source->has_range = has_range;
  source->first = first;
  source->length = length;
  source->snapshot = snapshot;
  g_hash_table_insert (self->known, g_steal_pointer (&key), source);
  return source;
}

static gboolean
write_all (int fd, GBytes *bytes)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  while (size > 0)
    {
      gssize n = write (fd, data, size);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return FALSE;
      data += n;
      size -= (gsize)n;
    }

  return TRUE;
}

/* ---- plans ---- */

static void
stretch_free (TrdBodyStretch *self)
{
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_free (self);
}

static void
add_stretch (TrdBodyPlan *plan, GBytes *bytes, TrdBodySource *source)
{
  TrdBodyStretch *stretch = g_new0 (TrdBodyStretch, 1);

  stretch->bytes = bytes;
  stretch->source = source;
  g_ptr_array_add (plan->stretches, stretch);
}

/* The texts of a body that are too long for its row become a source. */
static gboolean
move_texts (TrdBodies *self, TrdBodyPlan *plan, const char *where, GError **error)
{
  guint64 size = 0;
  TrdBodySource *source;

  for (guint i = 0; i < plan->stretches->len; i++)
    {
      const TrdBodyStretch *stretch = g_ptr_array_index (plan->stretches, i);

      if (stretch->bytes != NULL)
        size += g_bytes_get_size (stretch->bytes);
    }
  if (size <= ROW_BYTES_MAX)
    return TRUE;

  source = add_source (self, where);
  source->snapshot = TRD_SNAPSHOT_COPY;
  source->fd = memfd_create ("trundle-body", MFD_CLOEXEC);
  size = 0;
  for (guint i = 0; i < plan->stretches->len; i++)
    {
      TrdBodyStretch *stretch = g_ptr_array_index (plan->stretches, i);

      if (stretch->bytes == NULL)
        continue;
      if (source->fd < 0 || !write_all (source->fd, stretch->bytes))
        {
          g_set_error (error,
                       TRUNDLE_ERROR,
                       TRUNDLE_ERROR_FAILED,
                       "%s: there is no memory for it",
                       where);
          return FALSE;
        }
      stretch->source = source;
      stretch->is_text = TRUE;
      stretch->offset = size;
      stretch->length = g_bytes_get_size (stretch->bytes);
      size += stretch->length;
      g_clear_pointer (&stretch->bytes, g_bytes_unref);
    }

  return TRUE;
}

/* (transfer full) */
static GBytes *
get_bytes (GVariant *dict, const char *key)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (
      dict, key, G_VARIANT_TYPE_BYTESTRING);

  return g_variant_get_data_as_bytes (value);
}

/* What is in a field, unless it is a file.  (transfer full) (nullable) */
static GBytes *
find_content (GVariant *part)
{
  const char *value;

  if (g_variant_lookup (part, "body-bytes", "@ay", NULL))
    return get_bytes (part, "body-bytes");
  if (g_variant_lookup (part, "value", "&s", &value))
    return g_bytes_new (value, strlen (value));

  return NULL;
}

static void
clear_field (gpointer data)
{
  g_clear_pointer (&((TrdField *)data)->content, g_bytes_unref);
}

/* Borrows from @parts.  (element-type TrdField) */
static GArray *
read_fields (GVariant *parts)
{
  GArray *fields = g_array_new (FALSE, TRUE, sizeof (TrdField));

  g_array_set_clear_func (fields, clear_field);
  for (gsize i = 0; i < g_variant_n_children (parts); i++)
    {
      g_autoptr (GVariant) part = g_variant_get_child_value (parts, i);
      TrdField field = { .content = find_content (part) };

      g_variant_lookup (part, "name", "&s", &field.name);
      g_variant_lookup (part, "file-name", "&s", &field.file_name);
      g_variant_lookup (part, "content-type", "&s", &field.content_type);
      g_array_append_val (fields, field);
    }

  return fields;
}

static gboolean
plan_parts (TrdBodies *self,
            TrdBodyPlan *plan,
            GVariant *parts,
            TrdSnapshot snapshot,
            GError **error)
{
  g_autoptr (GArray) fields = read_fields (parts);
  const TrdField *data = (const TrdField *)(gpointer)fields->data;
  g_autofree char *boundary = trd_multipart_new_boundary (data, fields->len);
  g_autoptr (GPtrArray) texts = trd_multipart_assemble (data, fields->len, boundary);
  gsize index = 0;

  plan->content_type = trd_multipart_content_type (boundary);
  for (guint i = 0; i < texts->len; i++)
    {
      GBytes *text = g_ptr_array_index (texts, i);
      g_autoptr (GVariant) part = NULL;
      TrdBodySource *source;

      if (text != NULL)
        {
          add_stretch (plan, g_bytes_ref (text), NULL);
          continue;
        }

      while (data[index].content != NULL)
        index++;
      part = g_variant_get_child_value (parts, index++);
      source = plan_source (self, part, "parts", snapshot, error);
      if (source == NULL)
        return FALSE;
      add_stretch (plan, NULL, source);
    }

  return TRUE;
}

static const char *const content_keys[] = { "body", "body-path", "body-bytes", "parts" };

static gboolean
fail_beside (GError **error, const char *key, const char *other)
{
  g_set_error (error,
               TRUNDLE_ERROR,
               TRUNDLE_ERROR_INVALID_ARGUMENT,
               "%s: cannot be given together with %s",
               key,
               other);
  return FALSE;
}

/* The key that says what is sent, in @out_key; NULL when resume data does. */
static gboolean
find_key (GVariant *options, const char **out_key, GError **error)
{
  g_autoptr (GVariant) resume_data = g_variant_lookup_value (
      options, "resume-data", NULL);
  g_autoptr (GVariant) range = g_variant_lookup_value (options, "range", NULL);
  const char *found = resume_data != NULL ? "resume-data" : NULL;

  for (guint i = 0; i < G_N_ELEMENTS (content_keys); i++)
    {
      g_autoptr (GVariant) value = g_variant_lookup_value (
          options, content_keys[i], NULL);

      if (value == NULL)
        continue;
      if (found != NULL)
        return fail_beside (error, content_keys[i], found);
      found = content_keys[i];
    }
  if (found == NULL)
    return fail_key (
        error, "body", "missing, and so are body-path, body-bytes and parts");
  if (range != NULL && !g_str_has_prefix (found, "body-p")
      && !g_str_equal (found, "body"))
    return fail_beside (error, "range", found);

  *out_key = resume_data != NULL ? NULL : found;
  return TRUE;
}

static gboolean
check_count (const TrdBodyPlan *plan, const char *key, GError **error)
{
  guint n = 0;

  for (guint i = 0; i < plan->stretches->len; i++)
    n += ((TrdBodyStretch *)g_ptr_array_index (plan->stretches, i))->source != NULL;

  return n <= TRD_BODY_FILES_MAX
         || fail_key (
             error,
             key,
             "at most " G_STRINGIFY (TRD_BODY_FILES_MAX) " of them may be files");
}

static gboolean
plan_content (TrdBodies *self, TrdBodyPlan *plan, GVariant *options, GError **error)
{
  g_autoptr (GVariant) parts = g_variant_lookup_value (
      options, "parts", G_VARIANT_TYPE ("aa{sv}"));
  g_autofree char *word = trundle_options_get_string (options, NULL, "snapshot");
  TrdSnapshot snapshot = TRD_SNAPSHOT_AUTO;
  const char *key;
  TrdBodySource *source;

  if (!find_key (options, &key, error))
    return FALSE;
  if (key == NULL)
    return TRUE;

  trd_snapshot_from_word (word, &snapshot);
  plan->is_given = TRUE;
  if (parts != NULL)
    {
      if (!plan_parts (self, plan, parts, snapshot, error))
        return FALSE;
    }
  else if (g_str_equal (key, "body-bytes"))
    add_stretch (plan, get_bytes (options, key), NULL);
  else
    {
      source = plan_source (self, options, key, snapshot, error);
      if (source == NULL)
        return FALSE;
      add_stretch (plan, NULL, source);
    }

  return move_texts (self, plan, key, error) && check_count (plan, key, error);
}

static gboolean
plan_task (
    TrdBodies *self, GVariant *dict, TrundleKind kind, guint scopes, GError **error)
{
  TrdBodyPlan *plan = g_new0 (TrdBodyPlan, 1);
  g_autoptr (GVariant) options = NULL;

  plan->stretches = g_ptr_array_new_with_free_func ((GDestroyNotify)stretch_free);
  g_ptr_array_add (self->plans, plan);
  if (kind != TRUNDLE_KIND_UPLOAD)
    return TRUE;

  options = trundle_vocabulary_check (dict, trd_draft_scope (kind) | scopes, error);
  return options != NULL && plan_content (self, plan, options, error);
}

gboolean
trd_bodies_plan (TrdBodies *self, GVariant *value, GError **error)
{
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_VARDICT))
    return plan_task (self, value, TRUNDLE_KIND_UPLOAD, 0, error);

  for (gsize i = 0; i < g_variant_n_children (value); i++)
    {
      g_autoptr (GVariant) dict = g_variant_get_child_value (value, i);
      guint n_before = self->sources->len;

      if (!plan_task (self, dict, trd_draft_kind_of (dict), TRUNDLE_SCOPE_BATCH, error))
        {
          g_prefix_error (error, "Task %" G_GSIZE_FORMAT ": ", i);
          return FALSE;
        }
      for (guint j = n_before; j < self->sources->len; j++)
        {
          TrdBodySource *source = g_ptr_array_index (self->sources, j);
          g_autofree char *where = g_steal_pointer (&source->where);

          source->where = g_strdup_printf ("Task %" G_GSIZE_FORMAT ": %s", i, where);
        }
    }

  return TRUE;
}
