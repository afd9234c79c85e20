/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the file of an attempt has to be besides whole: as large as it may and must be,
 * and of which digests it is.  Those are computed that the app asks for, and the best of
 * those that the server declares; whether they are the right ones is for the daemon to
 * say.  A file that came encoded is decoded here, once it is whole, by a thread. */

#include "config.h"

#include "attempt-private.h"

#include "common/digest.h"
#include "declared.h"

/* Sizes */

gboolean
trw_attempt_check_size (TrwAttempt *self, guint64 size, gboolean is_all, GError **error)
{
  const TrwRequest *request = self->request;

  if (size > request->max_bytes)
    {
      g_set_error_literal (error,
                           TRUNDLE_ERROR,
                           TRUNDLE_ERROR_TOO_LARGE,
                           "The file is larger than it may be");
      return FALSE;
    }
  /* What is expected is the file, and this is not it yet. */
  if (!request->has_expected_bytes || self->coding != TRW_CODING_NONE)
    return TRUE;
  if (size == request->expected_bytes || (!is_all && size < request->expected_bytes))
    return TRUE;
  g_set_error_literal (error,
                       TRUNDLE_ERROR,
                       TRUNDLE_ERROR_INTEGRITY_FAILED,
                       "The file is not as large as it must be");
  return FALSE;
}

static gboolean
check_declared_size (TrwAttempt *self, guint64 length, GError **error)
{
  if (self->total > 0)
    return trw_attempt_check_size (self, self->total, TRUE, error);
  if (self->framing == TRW_FRAMING_LENGTH)
    return trw_attempt_check_size (self, length, TRUE, error);
  return TRUE;
}

/* Digests */

static gboolean
is_continued (const TrwAttempt *self)
{
  return self->request->offset > 0 && (self->total > 0 || self->has_no_rest);
}

static void
add_digests (GVariantBuilder *builder, GVariant *digests, GVariant *except)
{
  GVariantIter iter;
  const char *name;
  GVariant *value;

  g_variant_iter_init (&iter, digests);
  while (g_variant_iter_loop (&iter, "{&s@ay}", &name, &value))
    {
      g_autoptr (GVariant) other = g_variant_lookup_value (except, name, NULL);

      if (other == NULL && trundle_digest_find (name) != NULL)
        g_variant_builder_add (builder, "{s@ay}", name, value);
    }
}

/* What the server says now, and what it said of this version in earlier answers. */
static GVariant *
collect_declared (TrwAttempt *self)
{
  g_autoptr (GVariant) none = g_variant_ref_sink (g_variant_new ("a{say}", NULL));
  g_autoptr (GVariant) now = NULL;
  g_autoptr (GVariant) earlier = NULL;
  GVariantBuilder builder;

  /* An answer without a body describes what another one would have; and what a server
   * says of the whole it does not say of the range that is the file. */
  if (self->has_no_rest || self->framing == TRW_FRAMING_EMPTY || self->request->has_range)
    now = g_variant_ref (none);
  else
    now = trw_declared_parse (soup_message_get_response_headers (self->message),
                              trw_attempt_get_status (self)
                                  == SOUP_STATUS_PARTIAL_CONTENT);
  if (is_continued (self) && self->request->digest_state != NULL)
    earlier = g_variant_lookup_value (
        self->request->digest_state, "declared", G_VARIANT_TYPE ("a{say}"));
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{say}"));
  add_digests (&builder, now, none);
  if (earlier != NULL)
    add_digests (&builder, earlier, now);
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

/* What is asked for of the file, unless that is another one, and one of what is declared
 * that would be hard to forge: more would cost more and say no more. */
static GStrv
choose_algorithms (TrwAttempt *self, GVariant *declared)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  const char *best = trw_declared_choose (declared);

  if (self->coding == TRW_CODING_NONE)
    {
      g_strv_builder_addv (builder, (const char **)self->request->digests);
      for (guint i = 0; best != NULL && self->request->digests[i] != NULL; i++)
        {
          const char *name = self->request->digests[i];
          g_autoptr (GVariant) other = g_variant_lookup_value (declared, name, NULL);

          if (g_str_equal (name, best)
              || (other != NULL && !trundle_digest_find (name)->is_weak))
            best = NULL;
        }
    }
  if (best != NULL)
    g_strv_builder_add (builder, best);
  return g_strv_builder_end (builder);
}

void
trw_attempt_hash (TrwAttempt *self)
{
  g_autoptr (GVariant) declared = collect_declared (self);
  g_auto (GStrv) names = choose_algorithms (self, declared);
  TrwDigests *digests = NULL;

  if (names[0] == NULL)
    return;
  self->declared = g_steal_pointer (&declared);
  if (is_continued (self) && self->request->digest_state != NULL)
    digests = trw_digests_restore (self->request->digest_state,
                                   (const char *const *)names,
                                   trw_part_get_written (self->part));
  if (digests == NULL)
    digests = trw_digests_new ((const char *const *)names);
  trw_part_hash (self->part, digests);
}

/* @state (nullable) is consumed. */
static GVariant *
with_declared (TrwAttempt *self, GVariant *state)
{
  g_autoptr (GVariant) owned = state;
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (owned);

  if (owned == NULL)
    return NULL;
  if (g_variant_n_children (self->declared) > 0)
    g_variant_dict_insert_value (&dict, "declared", self->declared);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

void
trw_attempt_tell_digests (TrwAttempt *self)
{
  g_autoptr (GVariant) state = with_declared (self,
                                              trw_part_take_synced_digests (self->part));

  if (state != NULL)
    self->hooks->digested (self, state, self->user_data);
}

/* Decoding */

static gboolean
read_coding (TrwAttempt *self, GError **error)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (self->message);

  self->coding = TRW_CODING_NONE;
  if (self->request->decode_fd < 0 || self->framing == TRW_FRAMING_EMPTY)
    return TRUE;
  self->coding = trw_coding_parse (
      soup_message_headers_get_list (headers, "Content-Encoding"));
  if (self->coding != TRW_CODING_OTHER)
    return TRUE;
  g_set_error_literal (error,
                       TRUNDLE_ERROR,
                       TRUNDLE_ERROR_DECODE_FAILED,
                       "The server uses an encoding that is not known");
  return FALSE;
}

gboolean
trw_attempt_begin_proof (TrwAttempt *self, guint64 length, GError **error)
{
  if (!read_coding (self, error) || !check_declared_size (self, length, error))
    return FALSE;
  trw_attempt_hash (self);
  return TRUE;
}

static void
run_decoding (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  TrwAttempt *self = task_data;
  TrwDecoding decoding = { .from_fd = trw_part_get_fd (self->part),
                           .to_fd = self->request->decode_fd,
                           .coding = self->coding,
                           .max_bytes = self->request->max_bytes,
                           .names = self->request->digests,
                           .stopper = cancellable };
  GError *error = NULL;

  if (trw_decode (&decoding, &self->decoded, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
check_decoded (TrwAttempt *self)
{
  g_autoptr (GError) error = NULL;

  self->coding = TRW_CODING_NONE;
  if (trw_attempt_check_size (self, self->decoded.size, TRUE, &error))
    trw_attempt_take_success (self);
  else
    trw_attempt_take_failure (self, g_steal_pointer (&error));
}

static void
on_decoded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  TrwAttempt *self = user_data;
  g_autoptr (GError) error = NULL;

  self->has_decoded = g_task_propagate_boolean (G_TASK (result), &error);
  g_clear_object (&self->decoder);
  if (self->is_over)
    trw_attempt_settle (self);
  else if (self->has_decoded)
    check_decoded (self);
  else
    trw_attempt_take_failure (self, g_steal_pointer (&error));
}

/* The thread looks at what nobody changes as long as it is there. */
static void
start_decoding (TrwAttempt *self)
{
  g_autoptr (GTask) task = NULL;

  self->decoder = g_cancellable_new ();
  task = g_task_new (NULL, self->decoder, on_decoded, self);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, self, NULL);
  g_task_run_in_thread (task, run_decoding);
}

/* The end */

void
trw_attempt_finish_proof (TrwAttempt *self)
{
  g_autoptr (GError) error = NULL;
  guint64 size = trw_part_get_written (self->part);

  if (!trw_attempt_check_size (self, size, TRUE, &error))
    trw_attempt_take_failure (self, g_steal_pointer (&error));
  else if (self->coding != TRW_CODING_NONE)
    start_decoding (self);
  else
    trw_attempt_take_success (self);
}

void
trw_attempt_stop_proof (TrwAttempt *self)
{
  if (self->part != NULL)
    trw_part_stop_hashing (self->part);
  if (self->decoder != NULL)
    g_cancellable_cancel (self->decoder);
}

static void
add_digest_facts (TrwAttempt *self, GVariantDict *facts)
{
  g_autoptr (GVariant) digests = trw_part_get_digests (self->part);
  g_autoptr (GVariant) state = NULL;

  if (!self->is_complete)
    {
      state = with_declared (self, trw_part_save_digests (self->part));
      if (state != NULL)
        g_variant_dict_insert_value (facts, "digest-state", state);
      return;
    }
  if (digests == NULL)
    return;
  g_variant_dict_insert_value (facts, "digests", digests);
  if (g_variant_n_children (self->declared) > 0)
    g_variant_dict_insert_value (facts, "declared-digests", self->declared);
}

void
trw_attempt_add_proof_facts (TrwAttempt *self, GVariantDict *facts)
{
  add_digest_facts (self, facts);
  if (self->decoded.error_number != 0)
    g_variant_dict_insert (facts, "errno", "i", self->decoded.error_number);
  if (!self->is_complete || !self->has_decoded)
    return;
  g_variant_dict_insert (facts, "decoded", "t", self->decoded.size);
  if (self->decoded.digests != NULL)
    g_variant_dict_insert_value (facts, "decoded-digests", self->decoded.digests);
}
