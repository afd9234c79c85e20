/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Forms, as browsers write them (HTML, "multipart/form-data encoding algorithm"), whose
 * way servers know: names in UTF-8, with what would end them or their line in percent
 * signs, and no charset anywhere.  Texts are sent as they were given. */

#include "config.h"

#include "value/multipart.h"

#include <string.h>

#define CRLF "\r\n"
#define OF_FILES "application/octet-stream"

static void
append_name (GString *text, const char *key, const char *name)
{
  g_string_append_printf (text, "; %s=\"", key);
  for (const char *p = name; *p != '\0'; p++)
    {
      if (*p == '"' || *p == '\r' || *p == '\n')
        g_string_append_printf (text, "%%%02X", (guint)*p);
      else
        g_string_append_c (text, *p);
    }
  g_string_append_c (text, '"');
}

static void
append_head (GString *text, const TrdField *field, const char *boundary)
{
  const char *content_type = field->content_type;

  if (content_type == NULL && field->file_name != NULL)
    content_type = OF_FILES;

  g_string_append_printf (text, "--%s" CRLF, boundary);
  g_string_append (text, "Content-Disposition: form-data");
  append_name (text, "name", field->name);
  if (field->file_name != NULL)
    append_name (text, "filename", field->file_name);
  g_string_append (text, CRLF);
  if (content_type != NULL)
    g_string_append_printf (text, "Content-Type: %s" CRLF, content_type);
  g_string_append (text, CRLF);
}

GPtrArray *
trd_multipart_assemble (const TrdField *fields, gsize n_fields, const char *boundary)
{
  GPtrArray *pieces = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  GString *text = g_string_new (NULL);

  for (gsize i = 0; i < n_fields; i++)
    {
      append_head (text, &fields[i], boundary);
      if (fields[i].content != NULL)
        {
          gsize size;
          const char *data = g_bytes_get_data (fields[i].content, &size);

          g_string_append_len (text, data, (gssize)size);
        }
      else
        {
          g_ptr_array_add (pieces, g_string_free_to_bytes (text));
          g_ptr_array_add (pieces, NULL);
          text = g_string_new (NULL);
        }
      g_string_append (text, CRLF);
    }
  g_string_append_printf (text, "--%s--" CRLF, boundary);
  g_ptr_array_add (pieces, g_string_free_to_bytes (text));

  return pieces;
}

char *
trd_multipart_content_type (const char *boundary)
{
  return g_strdup_printf ("multipart/form-data; boundary=%s", boundary);
}

static gboolean
is_in (const char *needle, const void *data, gsize size)
{
  return data != NULL && memmem (data, size, needle, strlen (needle)) != NULL;
}

static gboolean
is_in_field (const char *boundary, const TrdField *field)
{
  gsize size = 0;
  const void *data = field->content != NULL ? g_bytes_get_data (field->content, &size)
                                            : NULL;
  const char *const texts[] = { field->name, field->file_name, field->content_type };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    if (texts[i] != NULL && strstr (texts[i], boundary) != NULL)
      return TRUE;

  return is_in (boundary, data, size);
}

char *
trd_multipart_new_boundary (const TrdField *fields, gsize n_fields)
{
  while (TRUE)
    {
      g_autofree char *uuid = g_uuid_string_random ();
      g_autofree char *boundary = g_strconcat ("TrundleForm-", uuid, NULL);
      gboolean occurs = FALSE;

      for (gsize i = 0; i < n_fields && !occurs; i++)
        occurs = is_in_field (boundary, &fields[i]);
      if (!occurs)
        return g_steal_pointer (&boundary);
    }
}
