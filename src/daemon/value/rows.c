/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The ends of rows; in the order of their structs. */

#include "config.h"

#include "value/rows.h"

void
trd_session_row_free (TrdSessionRow *self)
{
  if (self == NULL)
    return;

  g_clear_pointer (&self->owner, trd_owner_unref);
  g_clear_pointer (&self->identifier, g_free);
  g_clear_pointer (&self->configuration, g_variant_unref);
  g_clear_pointer (&self->secrets_id, g_free);
  g_free (self);
}

void
trd_task_row_free (TrdTaskRow *self)
{
  if (self == NULL)
    return;

  g_clear_pointer (&self->uuid, g_free);
  g_clear_pointer (&self->place, trd_place_free);
  g_clear_pointer (&self->dedup_key, g_free);
  g_clear_pointer (&self->body, g_variant_unref);
  g_clear_pointer (&self->url, g_free);
  g_clear_pointer (&self->options, g_variant_unref);
  g_clear_pointer (&self->secrets_id, g_free);
  g_clear_pointer (&self->description, g_free);
  g_clear_pointer (&self->user_data, g_bytes_unref);
  g_clear_pointer (&self->group, g_free);
  trd_intent_clear (&self->intent);
  g_clear_pointer (&self->current_url, g_free);
  g_clear_pointer (&self->response, g_variant_unref);
  g_clear_pointer (&self->error_name, g_free);
  g_clear_pointer (&self->error_details, g_variant_unref);
  g_clear_pointer (&self->transient_name, g_free);
  g_clear_pointer (&self->transient_details, g_variant_unref);
  g_clear_pointer (&self->error_body, g_bytes_unref);
  g_clear_pointer (&self->proof, g_free);
  g_clear_pointer (&self->digest_state, g_variant_unref);
  g_clear_pointer (&self->integrity, g_variant_unref);
  g_clear_pointer (&self->metrics, g_variant_unref);
  g_clear_pointer (&self->upload, g_variant_unref);
  g_clear_pointer (&self->final_path, g_free);
  g_free (self);
}

void
trd_challenge_row_free (TrdChallengeRow *self)
{
  if (self == NULL)
    return;

  g_clear_pointer (&self->space, g_free);
  g_clear_pointer (&self->facts, g_variant_unref);
  g_clear_pointer (&self->answer, g_variant_unref);
  g_free (self);
}

void
trd_trust_row_free (TrdTrustRow *self)
{
  if (self == NULL)
    return;

  g_clear_pointer (&self->host, g_free);
  g_clear_pointer (&self->certificate, g_bytes_unref);
  g_free (self);
}

void
trd_event_free (TrdEvent *self)
{
  if (self == NULL)
    return;

  g_clear_pointer (&self->details, g_variant_unref);
  g_free (self);
}

void
trd_task_row_forget_end (TrdTaskRow *self)
{
  trd_intent_clear (&self->intent);
  g_clear_pointer (&self->current_url, g_free);
  g_clear_pointer (&self->error_name, g_free);
  g_clear_pointer (&self->error_details, g_variant_unref);
  g_clear_pointer (&self->error_body, g_bytes_unref);
  g_clear_pointer (&self->proof, g_free);
  g_clear_pointer (&self->integrity, g_variant_unref);
  g_clear_pointer (&self->final_path, g_free);
  self->file_moved = FALSE;
  self->finished_us = 0;
}
