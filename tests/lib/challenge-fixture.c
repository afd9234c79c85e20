/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "challenge-fixture.h"

#include "await.h"
#include "common/vocabulary.h"
#include "core/challenge-answer.h"

GVariant *
challenge_facts (const char *offers, const char *more)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = g_strdup_printf (
      "{'protocol': <'https'>, 'host': <'a.example'>, 'port': <uint32 443>, "
      "'offers': <@aa{sv} [%s]>, 'response': <@a{sv} {'status': <uint32 401>}>%s}",
      offers,
      more);
  GVariant *facts = g_variant_parse (G_VARIANT_TYPE_VARDICT, text, NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (trd_challenge_check (facts));
  return facts;
}

void
challenge_meet_as (CoreFixture *self, TrdTask *task, TrundleError code, GVariant *facts)
{
  TrdOutcome *outcome = trd_outcome_new_failed (code, NULL);
  gint64 id = task->id;

  test_await (fake_transport_is_running (self->transport, id));
  outcome->challenge = facts;
  if (code == TRUNDLE_ERROR_HTTP_STATUS)
    {
      outcome->status = 401;
      outcome->response = g_variant_ref_sink (
          g_variant_new_parsed ("{'status': <uint32 401>, 'reason': <'Who?'>}"));
      outcome->error_body = g_bytes_new_static ("who?", 4);
    }
  fake_transport_take_done (self->transport, id, outcome);
  test_settle ();
}

void
challenge_meet (CoreFixture *self, TrdTask *task, GVariant *facts)
{
  challenge_meet_as (self, task, TRUNDLE_ERROR_HTTP_STATUS, facts);
}

TrdTask *
challenge_open (CoreFixture *self, TrdSession *session, const char *options)
{
  TrdTask *task = core_fixture_create (
      self, session, "https://a.example/file?q=1", options);

  challenge_meet (self, task, challenge_facts (BASIC, ""));
  return task;
}

void
challenge_refuse (CoreFixture *self, TrdTask *task, const char *offers)
{
  g_autoptr (GVariant) given = NULL;
  g_autofree char *more = NULL;
  guint generation = 0;

  test_await (fake_transport_is_running (self->transport, task->id));
  given = challenge_given (self, task, 0);
  g_assert_nonnull (given);
  g_assert_true (g_variant_lookup (given, "generation", "u", &generation));
  more = g_strdup_printf (
      ", 'tried': <@a{sv} {'method': <'basic'>, 'generation': <uint32 %u>}>", generation);
  challenge_meet (self, task, challenge_facts (offers, more));
}

static GVariant *
parse (const char *text, guint scope)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) raw = g_variant_parse (
      G_VARIANT_TYPE_VARDICT, text, NULL, NULL, &error);
  GVariant *checked;

  g_assert_no_error (error);
  checked = trundle_vocabulary_check (raw, scope, &error);
  g_assert_no_error (error);
  return checked;
}

gboolean
challenge_respond (CoreFixture *self,
                   TrdTask *task,
                   const char *disposition,
                   const char *answer,
                   GError **error)
{
  g_autoptr (GVariant) checked = parse (answer, TRUNDLE_SCOPE_CREDENTIAL);
  g_autofree char *id = NULL;

  g_assert_nonnull (task->challenge);
  id = g_strdup_printf ("%" G_GINT64_FORMAT, task->challenge->row->id);
  return trd_registry_respond_to_challenge (
      self->registry, task, id, disposition, checked, error);
}

void
challenge_answer (CoreFixture *self,
                  TrdTask *task,
                  const char *disposition,
                  const char *answer)
{
  g_autoptr (GError) error = NULL;

  challenge_respond (self, task, disposition, answer, &error);
  g_assert_no_error (error);
  test_settle ();
}

gboolean
challenge_set (CoreFixture *self,
               TrdSession *session,
               const char *space,
               const char *credential,
               GError **error)
{
  g_autoptr (GVariant) whom = parse (space, TRUNDLE_SCOPE_SPACE);
  g_autoptr (GVariant) who = parse (credential, TRUNDLE_SCOPE_CREDENTIAL);
  gboolean done = trd_registry_set_credential (self->registry, session, whom, who, error);

  test_settle ();
  return done;
}

GVariant *
challenge_given (CoreFixture *self, TrdTask *task, guint index)
{
  const FakeAttempt *attempt = fake_transport_find (self->transport, task->id);
  g_autoptr (GVariant) all = NULL;

  g_assert_nonnull (attempt);
  all = g_variant_lookup_value (
      attempt->request, "credentials", G_VARIANT_TYPE ("aa{sv}"));
  if (all == NULL || index >= g_variant_n_children (all))
    return NULL;

  return g_variant_get_child_value (all, index);
}

char *
challenge_given_user (CoreFixture *self, TrdTask *task)
{
  g_autoptr (GVariant) given = challenge_given (self, task, 0);
  const char *user = "";

  if (given != NULL)
    g_variant_lookup (given, "user", "&s", &user);
  return g_strdup (user);
}

static GPtrArray *
list_events (CoreFixture *self, TrdSession *session)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *events = trd_store_list_events (
      self->env.store, session->row->id, 0, 0, &error);

  g_assert_no_error (error);
  for (guint i = events->len; i > 0; i--)
    {
      const TrdEvent *event = g_ptr_array_index (events, i - 1);

      if (event->kind != TRUNDLE_EVENT_CHALLENGE_RECEIVED)
        g_ptr_array_remove_index (events, i - 1);
    }
  return events;
}

GVariant *
challenge_last_event (CoreFixture *self, TrdSession *session)
{
  g_autoptr (GPtrArray) events = list_events (self, session);
  const TrdEvent *last;

  g_assert_cmpuint (events->len, >, 0);
  last = g_ptr_array_index (events, events->len - 1);
  return g_variant_ref (last->details);
}

guint
challenge_count_events (CoreFixture *self, TrdSession *session)
{
  g_autoptr (GPtrArray) events = list_events (self, session);

  return events->len;
}

guint
challenge_count_failures (CoreFixture *self, TrdSession *session)
{
  g_autoptr (GVariant) details = challenge_last_event (self, session);
  guint failures = 0;

  g_assert_true (g_variant_lookup (details, "previous-failure-count", "u", &failures));
  return failures;
}
