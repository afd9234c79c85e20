/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* When an attempt is made again, and where: arithmetic on facts, without a clock and
 * without chance of its own, so that tests are exact. */

#include "config.h"

#include "value/retry.h"

#include "common/defaults.h"
#include "common/vocabulary.h"

/* Beyond this no wait grows: a millisecond doubled so often is above a day. */
#define DOUBLINGS_MAX 30

static GVariant *
lookup_retry (GVariant *dict)
{
  if (dict == NULL)
    return NULL;

  return g_variant_lookup_value (dict, "retry", G_VARIANT_TYPE_VARDICT);
}

void
trd_retry_init (TrdRetry *self, GVariant *options, GVariant *configuration)
{
  g_autoptr (GVariant) mine = lookup_retry (options);
  g_autoptr (GVariant) session = lookup_retry (configuration);
  g_autoptr (GVariant) statuses = NULL;
  GVariantIter iter;
  guint status;

  self->max_attempts = trundle_options_get_uint (mine, session, "max-attempts");
  self->max_status_attempts = trundle_options_get_uint (
      mine, session, "max-status-attempts");
  self->base_delay_us = (gint64)trundle_options_get_uint64 (mine, session, "base-delay")
                        * 1000;
  self->max_delay_us = (gint64)trundle_options_get_uint64 (mine, session, "max-delay")
                       * 1000;
  self->jitter = trundle_options_get_double (mine, session, "jitter");

  self->n_statuses = 0;
  statuses = trundle_options_get_value (mine, session, "statuses");
  g_variant_iter_init (&iter, statuses);
  while (g_variant_iter_next (&iter, "u", &status)
         && self->n_statuses < G_N_ELEMENTS (self->statuses))
    self->statuses[self->n_statuses++] = (guint16)status;
}

gboolean
trd_retry_has_status (const TrdRetry *self, guint status)
{
  for (guint i = 0; i < self->n_statuses; i++)
    if (self->statuses[i] == status)
      return TRUE;

  return FALSE;
}

gint64
trd_retry_delay_us (const TrdRetry *self, guint exponent, double unit_random)
{
  gint64 delay_us = MIN (self->base_delay_us, self->max_delay_us);

  g_return_val_if_fail (unit_random >= 0 && unit_random <= 1, self->max_delay_us);

  if (exponent == 0)
    return 0;
  for (guint i = 1; i < MIN (exponent, DOUBLINGS_MAX); i++)
    delay_us = MIN (2 * delay_us, self->max_delay_us);
  delay_us += (gint64)((double)delay_us * self->jitter * (2 * unit_random - 1));

  /* Mirrored at the limit, so that those who have reached it are spread as well. */
  return delay_us > self->max_delay_us ? 2 * self->max_delay_us - delay_us : delay_us;
}

gint64
trd_retry_after_us (guint64 asked_ms)
{
  return CLAMP ((gint64)MIN (asked_ms, TRD_RETRY_AFTER_MAX_US / 1000) * 1000,
                TRD_RETRY_AFTER_MIN_US,
                TRD_RETRY_AFTER_MAX_US);
}

void
trd_turnover_init (TrdTurnover *self,
                   guint n_addresses,
                   guint address,
                   guint failures,
                   gboolean progressed)
{
  if (progressed)
    {
      self->address = address;
      /* A round of several begins anew. */
      self->failures = n_addresses > 1 ? 0 : 1;
      self->exponent = 1;
      return;
    }

  self->failures = failures + 1;
  /* Kept small without moving in the round. */
  if (self->failures / n_addresses > DOUBLINGS_MAX)
    self->failures -= n_addresses;
  self->address = (address + 1) % n_addresses;
  self->exponent = self->failures % n_addresses == 0 ? self->failures / n_addresses : 0;
}
