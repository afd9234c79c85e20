/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is said to a token server, and what of its answer is believed.  Nothing of an
 * answer is passed on but what it must have; not even its own words for what is wrong,
 * which may repeat what it was told (law 9). */

#include "config.h"

#include "grant.h"

#include "common/error.h"

#include <json-glib/json-glib.h>
#include <string.h>

/* json-glib (1.6.6) goes down into an answer by recursion, however deep that is. */
#define DEPTH_MAX 16

#define LIFE_S_MAX (100LL * 365 * 24 * 3600)

/* ---- asking ---- */

/* "" when it is not there. */
static const char *
get_text (GVariant *request, const char *key)
{
  const char *text = "";

  g_variant_lookup (request, key, "&s", &text);
  return text;
}

static void
add_field (GString *body, GVariant *request, const char *key, const char *name)
{
  const char *text = get_text (request, key);

  if (*text == '\0')
    return;
  g_string_append_printf (body, "&%s=", name);
  g_string_append_uri_escaped (body, text, NULL, FALSE);
}

char *
trw_grant_ask (GVariant *request)
{
  GString *body = g_string_new ("grant_type=refresh_token");

  add_field (body, request, "refresh-token", "refresh_token");
  add_field (body, request, "scope", "scope");
  /* RFC 6749 §2.3.1: once, and in the header if there is a secret. */
  if (*get_text (request, "client-secret") == '\0')
    add_field (body, request, "client-id", "client_id");
  return g_string_free (body, FALSE);
}

char *
trw_grant_say_client (GVariant *request)
{
  const char *secret = get_text (request, "client-secret");
  g_autofree char *user = NULL;
  g_autofree char *password = NULL;
  g_autofree char *both = NULL;
  g_autofree char *coded = NULL;

  if (*secret == '\0')
    return NULL;
  user = g_uri_escape_string (get_text (request, "client-id"), NULL, FALSE);
  password = g_uri_escape_string (secret, NULL, FALSE);
  both = g_strconcat (user, ":", password, NULL);
  coded = g_base64_encode ((const guchar *)both, strlen (both));
  return g_strconcat ("Basic ", coded, NULL);
}

/* ---- hearing ---- */

static gboolean
is_flat (const char *data, gsize length)
{
  gboolean in_text = FALSE;
  guint depth = 0;

  for (gsize i = 0; i < length; i++)
    {
      if (in_text && data[i] == '\\')
        i++;
      else if (data[i] == '"')
        in_text = !in_text;
      else if (!in_text && (data[i] == '{' || data[i] == '['))
        depth++;
      else if (!in_text && depth > 0 && (data[i] == '}' || data[i] == ']'))
        depth--;
      if (depth > DEPTH_MAX)
        return FALSE;
    }
  return TRUE;
}

/* (transfer full) (nullable): NULL for what is no object */
static JsonObject *
parse (const char *data, gsize length)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  JsonNode *root = NULL;

  if (length > 0 && length <= TRW_GRANT_ANSWER_MAX
      && g_utf8_validate (data, (gssize)length, NULL) && is_flat (data, length)
      && json_parser_load_from_data (parser, data, (gssize)length, NULL))
    root = json_parser_get_root (parser);
  return root != NULL && JSON_NODE_HOLDS_OBJECT (root)
             ? json_object_ref (json_node_get_object (root))
             : NULL;
}

/* "" for what is no text.  (transfer none) */
static const char *
get_word (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : "";
}

/* Seconds; 0 when it is not said.  Some say it as text. */
static guint64
get_life (JsonObject *object)
{
  JsonNode *node = json_object_get_member (object, "expires_in");
  gint64 life = 0;

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node))
    return 0;
  if (json_node_get_value_type (node) == G_TYPE_STRING)
    life = g_ascii_strtoll (json_node_get_string (node), NULL, 10);
  else if (json_node_get_value_type (node) == G_TYPE_DOUBLE)
    life = (gint64)CLAMP (json_node_get_double (node), 0, (double)LIFE_S_MAX);
  else
    life = json_node_get_int (node);
  return (guint64)CLAMP (life, 0, LIFE_S_MAX);
}

/* RFC 6750 §2.1: what fits into a header. */
static gboolean
is_token (const char *text)
{
  for (const char *p = text; *p != '\0'; p++)
    {
      if (!g_ascii_isgraph (*p))
        return FALSE;
    }
  return *text != '\0';
}

GVariant *
trw_grant_read_token (const char *data, gsize length, GError **error)
{
  g_autoptr (JsonObject) object = parse (data, length);
  g_auto (GVariantDict) answer = G_VARIANT_DICT_INIT (NULL);
  const char *token = object != NULL ? get_word (object, "access_token") : "";
  const char *type;
  const char *next;

  if (!is_token (token))
    {
      g_set_error_literal (error,
                           TRUNDLE_ERROR,
                           TRUNDLE_ERROR_PROTOCOL_ERROR,
                           "The token server's answer has no token");
      return NULL;
    }
  type = get_word (object, "token_type");
  if (*type != '\0' && g_ascii_strcasecmp (type, "bearer") != 0)
    {
      g_set_error_literal (error,
                           TRUNDLE_ERROR,
                           TRUNDLE_ERROR_PROTOCOL_ERROR,
                           "The token server's token is of another kind");
      return NULL;
    }

  g_variant_dict_insert (&answer, "access-token", "s", token);
  g_variant_dict_insert (&answer, "expires-in", "t", get_life (object));
  next = get_word (object, "refresh_token");
  if (*next != '\0')
    g_variant_dict_insert (&answer, "refresh-token", "s", next);
  return g_variant_ref_sink (g_variant_dict_end (&answer));
}

const char *
trw_grant_read_refusal (const char *data, gsize length)
{
  static const char *const words[] = {
    "invalid_request",     "invalid_client",         "invalid_grant",
    "unauthorized_client", "unsupported_grant_type", "invalid_scope",
  };
  g_autoptr (JsonObject) object = parse (data, length);
  const char *word = object != NULL ? get_word (object, "error") : "";

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      if (g_str_equal (word, words[i]))
        return words[i];
    }
  return "";
}
