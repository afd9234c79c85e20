/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* One followed task: what the service told of it, and words for that. */

#include "config.h"

#include "cli/job.h"

#include <glib/gi18n.h>

#include "cli/bus.h"
#include "cli/print.h"
#include "common/url.h"

/* "12 file.iso": by the file where one is known, else by the address. */
static void
update_label (TrcJob *self)
{
  g_autofree char *name = NULL;
  g_autofree char *clean = NULL;

  if (self->name != NULL)
    name = g_strdup (self->name);
  /* That of an upload is where the answer goes. */
  else if (self->destination[0] != '\0' && !self->is_upload)
    name = g_path_get_basename (self->destination);
  else if (self->url[0] != '\0')
    name = trundle_url_file_name (self->url);
  else
    return;
  clean = trc_print_clean (name);
  g_free (self->label);
  self->label = g_strdup_printf ("%s %s", trc_bus_task_number (self->path), clean);
}

TrcJob *
trc_job_new (const char *session_path, const char *path, const char *name)
{
  TrcJob *self = g_new0 (TrcJob, 1);

  self->path = g_strdup (path);
  self->session_path = g_strdup (session_path);
  self->url = g_strdup ("");
  self->destination = g_strdup ("");
  self->name = g_strdup (name);
  self->label = g_strdup (trc_bus_task_number (path));
  self->state = g_strdup ("queued");
  self->expected = -1;
  self->expected_to_send = -1;
  self->error = g_strdup ("");
  self->message = g_strdup ("");
  self->refusal = g_strdup ("");
  update_label (self);
  return self;
}

void
trc_job_free (TrcJob *self)
{
  g_free (self->path);
  g_free (self->session_path);
  g_free (self->url);
  g_free (self->destination);
  g_free (self->name);
  g_free (self->label);
  g_free (self->state);
  g_free (self->wait);
  g_clear_pointer (&self->challenge, trc_challenge_free);
  g_free (self->error);
  g_free (self->message);
  g_free (self->refusal);
  g_free (self);
}

static void
replace_text (char **field, const char *text)
{
  char *copy = g_strdup (text);

  g_free (*field);
  *field = copy;
}

static void
update_error (TrcJob *self, GVariant *error)
{
  g_autoptr (GVariant) details = NULL;
  const char *name;

  g_variant_get (error, "(&s@a{sv})", &name, &details);
  replace_text (&self->error, name);
  replace_text (&self->message, trc_bus_lookup_string (details, "message"));
}

static void
update_one (TrcJob *self, const char *name, GVariant *value)
{
  if (g_str_equal (name, "State"))
    replace_text (&self->state, g_variant_get_string (value, NULL));
  else if (g_str_equal (name, "Url"))
    {
      g_free (self->url);
      self->url = trundle_url_without_user_info (g_variant_get_string (value, NULL),
                                                 NULL);
    }
  else if (g_str_equal (name, "Destination"))
    replace_text (&self->destination, g_variant_get_string (value, NULL));
  else if (g_str_equal (name, "BytesReceived"))
    self->received = g_variant_get_uint64 (value);
  else if (g_str_equal (name, "BytesExpectedToReceive"))
    self->expected = g_variant_get_int64 (value);
  else if (g_str_equal (name, "BytesSent"))
    self->sent = g_variant_get_uint64 (value);
  else if (g_str_equal (name, "BytesExpectedToSend"))
    self->expected_to_send = g_variant_get_int64 (value);
  else if (g_str_equal (name, "BytesConfirmed"))
    self->confirmed = g_variant_get_uint64 (value);
  else if (g_str_equal (name, "Kind"))
    self->is_upload = g_str_equal (g_variant_get_string (value, NULL), "upload");
  else if (g_str_equal (name, "ErrorBody"))
    {
      g_free (self->refusal);
      self->refusal = trc_print_first_line (value);
    }
  else if (g_str_equal (name, "WaitReasons"))
    {
      self->keyring_locked = trc_challenge_waits_for_keyring (value);
      g_free (self->wait);
      self->wait = g_variant_n_children (value) > 0 ? trc_print_wait_reasons (value)
                                                    : NULL;
    }
  else if (g_str_equal (name, "Challenge"))
    {
      g_clear_pointer (&self->challenge, trc_challenge_free);
      self->challenge = trc_challenge_new (value);
    }
  else if (g_str_equal (name, "Error"))
    update_error (self, value);
}

void
trc_job_update (TrcJob *self, GVariant *properties)
{
  static const struct
  {
    const char *name;
    const char *type;
  } known[] = {
    { "State", "s" },
    { "Url", "s" },
    { "Destination", "s" },
    { "BytesReceived", "t" },
    { "WaitReasons", "as" },
    { "BytesExpectedToReceive", "x" },
    { "Error", "(sa{sv})" },
    { "Challenge", "a{sv}" },
    { "Kind", "s" },
    { "BytesSent", "t" },
    { "BytesExpectedToSend", "x" },
    { "BytesConfirmed", "t" },
    { "ErrorBody", "ay" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    {
      g_autoptr (GVariant) value = g_variant_lookup_value (
          properties, known[i].name, G_VARIANT_TYPE (known[i].type));

      if (value != NULL)
        update_one (self, known[i].name, value);
    }
  if (!g_str_equal (self->state, "challenged"))
    g_clear_pointer (&self->challenge, trc_challenge_free);
  if (self->challenge != NULL)
    self->challenge->is_in_keyring = self->keyring_locked;
  update_label (self);
}

void
trc_job_finish (TrcJob *self, GVariant *details)
{
  const char *path = trc_bus_lookup_string (details, "path");

  replace_text (&self->state, "finished");
  g_clear_pointer (&self->challenge, trc_challenge_free);
  replace_text (&self->error, trc_bus_lookup_string (details, "error"));
  replace_text (&self->message, trc_bus_lookup_string (details, "message"));
  g_variant_lookup (details, "received", "t", &self->received);
  g_variant_lookup (details, "sent", "t", &self->sent);
  if (path[0] != '\0')
    replace_text (&self->destination, path);
  update_label (self);
}

void
trc_job_lose (TrcJob *self, GVariant *past)
{
  if (past != NULL)
    {
      const char *result = trc_bus_lookup_string (past, "result");
      const char *error = trc_bus_lookup_string (past, "error");

      replace_text (&self->state, "finished");
      if (!g_str_equal (result, "succeeded"))
        replace_text (&self->error, error[0] != '\0' ? error : result);
      g_variant_lookup (past, "received", "t", &self->received);
      g_variant_lookup (past, "sent", "t", &self->sent);
      return;
    }
  replace_text (&self->state, "unknown");
  self->unknown = TRUE;
}

guint64
trc_job_get_moved (const TrcJob *self)
{
  return self->is_upload ? self->sent : self->received;
}

gint64
trc_job_get_all (const TrcJob *self)
{
  return self->is_upload ? self->expected_to_send : self->expected;
}

gboolean
trc_job_awaits_answer (const TrcJob *self)
{
  return self->is_upload && g_str_equal (self->state, "running")
         && self->expected_to_send >= 0 && self->sent == (guint64)self->expected_to_send;
}

char *
trc_job_describe (const TrcJob *self)
{
  if (g_str_equal (self->state, "queued") && self->wait != NULL)
    return g_strdup_printf ("%s: %s", trc_print_state (self->state), self->wait);
  if (self->challenge != NULL)
    {
      g_autofree char *summary = trc_challenge_summarize (self->challenge);

      return g_strdup_printf ("%s: %s", trc_print_state (self->state), summary);
    }
  return g_strdup (trc_print_state (self->state));
}

char *
trc_job_describe_end (const TrcJob *self)
{
  g_autofree char *size = trc_print_size ((gint64)trc_job_get_moved (self));
  g_autofree char *message = NULL;

  if (self->unknown && self->destination[0] == '\0')
    return g_strdup_printf (
        _ ("%s: what became of it is not known; see “trundle history”"), self->label);
  if (self->unknown)
    {
      message = trc_print_clean (self->destination);
      if (g_file_test (self->destination, G_FILE_TEST_EXISTS))
        return g_strdup_printf (
            _ ("%s: what became of it is not known, but the file is there: %s"),
            self->label,
            message);
      return g_strdup_printf (
          _ ("%s: what became of it is not known, and there is no file"), self->label);
    }
  if (self->error[0] == '\0')
    return g_strdup_printf (
        self->is_upload ? _ ("%s: sent, %s") : _ ("%s: done, %s"), self->label, size);
  message = trc_print_clean (self->message[0] != '\0' ? self->message : self->error);
  if (self->refusal[0] != '\0')
    return g_strdup_printf (
        /* Translators: name, sentence of ours, and what the server said */
        _ ("%s: failed: %s: “%s”"),
        self->label,
        message,
        self->refusal);
  return g_strdup_printf (_ ("%s: failed: %s"), self->label, message);
}

GVariant *
trc_job_to_json (const TrcJob *self, const char *event)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&dict, "event", "s", event);
  g_variant_dict_insert (
      &dict, "task", "t", g_ascii_strtoull (trc_bus_task_number (self->path), NULL, 10));
  g_variant_dict_insert (&dict, "path", "s", self->path);
  g_variant_dict_insert (&dict, "url", "s", self->url);
  g_variant_dict_insert (&dict, "destination", "s", self->destination);
  g_variant_dict_insert (&dict, "kind", "s", self->is_upload ? "upload" : "download");
  g_variant_dict_insert (&dict, "state", "s", self->state);
  g_variant_dict_insert (&dict, "bytes-received", "t", self->received);
  g_variant_dict_insert (&dict, "bytes-expected-to-receive", "x", self->expected);
  if (self->is_upload)
    {
      g_variant_dict_insert (&dict, "bytes-sent", "t", self->sent);
      g_variant_dict_insert (
          &dict, "bytes-expected-to-send", "x", self->expected_to_send);
      g_variant_dict_insert (&dict, "bytes-confirmed", "t", self->confirmed);
    }
  if (self->wait != NULL)
    g_variant_dict_insert (&dict, "waits", "s", self->wait);
  if (self->challenge != NULL)
    g_variant_dict_insert_value (&dict, "challenge", self->challenge->dict);
  if (self->error[0] != '\0')
    {
      g_variant_dict_insert (&dict, "error", "s", self->error);
      g_variant_dict_insert (&dict, "message", "s", self->message);
    }
  return g_variant_dict_end (&dict);
}
