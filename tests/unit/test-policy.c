/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "core/policy.h"

typedef struct
{
  const char *name;
  TrdFacts facts;
  TrdWorld world;
  guint32 expected;
} Case;

static const Case cases[] = {
  { "may-run", { .needs_network = TRUE }, { 100, TRUE }, 0 },
  { "held",
    { .not_before_us = 101, .hold = TRUNDLE_WAIT_BACK_OFF },
    { 100, TRUE },
    TRUNDLE_WAIT_BACK_OFF },
  { "held-until-now",
    { .not_before_us = 100, .hold = TRUNDLE_WAIT_BACK_OFF },
    { 100, TRUE },
    0 },
  { "early",
    { .earliest_begin_us = 501, .app_full = TRUE },
    { 100, TRUE, 500 },
    TRUNDLE_WAIT_EARLIEST_BEGIN },
  { "the-date-has-come", { .earliest_begin_us = 500 }, { 100, TRUE, 500 }, 0 },
  { "no-network", { .needs_network = TRUE }, { 100, FALSE }, TRUNDLE_WAIT_NO_NETWORK },
  { "needs-none", { .needs_network = FALSE }, { 100, FALSE }, 0 },
  { "held-and-no-network",
    { .not_before_us = 101, .hold = TRUNDLE_WAIT_DISK_SPACE, .needs_network = TRUE },
    { 100, FALSE },
    TRUNDLE_WAIT_DISK_SPACE | TRUNDLE_WAIT_NO_NETWORK },
  { "host", { .host_full = TRUE }, { 100, TRUE }, TRUNDLE_WAIT_SLOT_HOST },
  { "all-slots",
    { .host_full = TRUE, .app_full = TRUE, .total_full = TRUE },
    { 100, TRUE },
    TRUNDLE_WAIT_SLOT_HOST | TRUNDLE_WAIT_SLOT_APP | TRUNDLE_WAIT_SLOT_TOTAL },
  { "a-slot-is-the-last-reason",
    { .needs_network = TRUE, .app_full = TRUE },
    { 100, FALSE },
    TRUNDLE_WAIT_NO_NETWORK },
};

static void
check_case (gconstpointer data)
{
  const Case *c = data;

  g_assert_cmphex (trd_policy_reasons (&c->facts, &c->world), ==, c->expected);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/policy/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], check_case);
    }

  return g_test_run ();
}
