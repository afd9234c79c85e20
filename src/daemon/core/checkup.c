/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a survey has found, made into what people are told.  The survey saw rows and files
 * at different moments while the service went on; what a task may have changed meanwhile
 * is looked at once more here, where nothing else goes on. */

#include "config.h"

#include "core/checkup.h"

#include <glib/gi18n.h>

#include "common/defaults.h"
#include "common/error.h"
#include "port/survey.h"

/* Findings of one kind; the rest is counted. */
#define FINDINGS_MAX 100

#define WAITING_LONG_US (24 * 60 * 60 * TRD_SECOND_US)

typedef struct
{
  const char *word;
  const char *severity;
  const char *message; /* (nullable): the fact's own text */
} Kind;

static const Kind kinds[] = {
  [TRD_FACT_DATABASE] = { "database", "error", N_ ("The database is damaged") },
  [TRD_FACT_SET_ASIDE]
  = { "set-aside",
      "warning",
      N_ ("A database that could not be used was put aside when the service started") },
  [TRD_FACT_STRAY_FILE]
  = { "stray-file", "warning", N_ ("A file of the service belongs to no transfer") },
  [TRD_FACT_STRAY_PART]
  = { "stray-part", "warning", N_ ("The beginning of a file belongs to no transfer") },
  [TRD_FACT_KEPT_PART]
  = { "kept-part",
      "info",
      N_ ("The beginning of a file is kept, so that a transfer can be taken up again") },
  [TRD_FACT_RESULT_MISSING]
  = { "result-missing", "error", N_ ("The file of a finished transfer is missing") },
  [TRD_FACT_PART_MISSING]
  = { "part-missing",
      "warning",
      N_ ("What a transfer had received is missing; it will begin anew") },
  [TRD_FACT_DESTINATION_GONE]
  = { "destination-gone",
      "warning",
      N_ ("The folder of a transfer is missing; it waits for it") },
  [TRD_FACT_DISK_FULL]
  = { "disk-full", "warning", N_ ("A transfer waits for space on the disk") },
  [TRD_FACT_WAITING]
  = { "waiting-long", "info", N_ ("A transfer has waited for more than a day") },
  [TRD_FACT_SOURCE_MISSING]
  = { "source-missing",
      "error",
      N_ ("The copy of what a transfer is to send is missing or damaged") },
  [TRD_FACT_SOURCE_CHANGED]
  = { "source-changed",
      "warning",
      N_ ("The file that a transfer is to send was changed or removed") },
  [TRD_FACT_WORKER_MISSING]
  = { "worker-missing",
      "error",
      N_ ("The program that moves the bytes cannot be started") },
};
G_STATIC_ASSERT (G_N_ELEMENTS (kinds) == TRD_N_FACT_KINDS);

/* Whether a fact still holds, as far as memory knows better. */
static gboolean
still_holds (TrdRegistry *registry, const TrdFact *fact)
{
  const TrdEnv *env = trd_registry_get_env (registry);
  TrdTask *task = trd_registry_find_task (registry, fact->task_id);
  g_autoptr (TrdTaskRow) row = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (TrdIntent) found = { 0 };

  if (fact->kind == TRD_FACT_SOURCE_MISSING || fact->kind == TRD_FACT_SOURCE_CHANGED)
    return task != NULL && !trd_task_is_finished (task);
  if (fact->kind == TRD_FACT_WAITING || fact->kind == TRD_FACT_DISK_FULL)
    return task != NULL && task->state == TRUNDLE_TASK_QUEUED;
  if (fact->kind != TRD_FACT_PART_MISSING && fact->kind != TRD_FACT_RESULT_MISSING)
    return TRUE;
  if (task == NULL || task->has_intent)
    return FALSE;

  row = trd_store_load_task (env->store, task->id, NULL);
  return row != NULL && row->final_path == NULL
         && !trd_spool_stat_part (env->spool, row->place, &found, &error)
         && !g_error_matches (error, TRUNDLE_ERROR, TRUNDLE_ERROR_DESTINATION_GONE);
}

static void
insert_reasons (GVariantDict *dict, TrdTask *task)
{
  g_autofree const char **words = trundle_wait_reasons_to_words (
      trd_task_wait_reasons (task));

  g_variant_dict_insert_value (dict, "reasons", g_variant_new_strv (words, -1));
}

static char *
compose_message (const TrdFact *fact)
{
  const char *message = _ (kinds[fact->kind].message);

  if (fact->text == NULL)
    return g_strdup (message);
  return g_strdup_printf ("%s: %s", message, fact->text);
}

static GVariant *
describe (TrdRegistry *registry, const TrdFact *fact, guint more)
{
  TrdTask *task = trd_registry_find_task (registry, fact->task_id);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autofree char *message = compose_message (fact);
  g_autofree char *clean = g_utf8_make_valid (message, -1);

  g_variant_dict_insert (&dict, "kind", "s", kinds[fact->kind].word);
  g_variant_dict_insert (&dict, "severity", "s", kinds[fact->kind].severity);
  g_variant_dict_insert (&dict, "message", "s", clean);
  g_variant_dict_insert (&dict, "mended", "b", fact->settled);
  if (fact->path != NULL)
    {
      g_autofree char *path = g_utf8_make_valid (fact->path, -1);

      g_variant_dict_insert (&dict, "path", "s", path);
    }
  if (fact->size > 0)
    g_variant_dict_insert (&dict, "size", "t", fact->size);
  if (task != NULL)
    {
      g_autofree char *path = trd_task_object_path (task->id);

      g_variant_dict_insert (&dict, "task", "o", path);
    }
  if (task != NULL && fact->kind == TRD_FACT_WAITING)
    insert_reasons (&dict, task);
  if (more > 0)
    g_variant_dict_insert (&dict, "more", "u", more);

  return g_variant_dict_end (&dict);
}

static void
describe_kind (TrdRegistry *registry,
               GPtrArray *facts,
               TrdFactKind kind,
               GVariantBuilder *builder)
{
  g_autoptr (GPtrArray) found = g_ptr_array_new ();
  guint n;

  for (guint i = 0; i < facts->len; i++)
    {
      TrdFact *fact = g_ptr_array_index (facts, i);

      if (fact->kind == kind && still_holds (registry, fact))
        g_ptr_array_add (found, fact);
    }
  n = MIN (found->len, FINDINGS_MAX);
  for (guint i = 0; i < n; i++)
    g_variant_builder_add_value (builder,
                                 describe (registry,
                                           g_ptr_array_index (found, i),
                                           i + 1 == n ? found->len - n : 0));
}

static void
on_surveyed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  TrdRegistry *registry = g_task_get_source_object (task);
  g_autoptr (GPtrArray) facts = trd_survey_finish (result);
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  for (guint kind = 0; kind < TRD_N_FACT_KINDS; kind++)
    describe_kind (registry, facts, kind, &builder);
  g_object_set_data (G_OBJECT (registry), "checkup", NULL);
  g_task_return_pointer (task,
                         g_variant_ref_sink (g_variant_builder_end (&builder)),
                         (GDestroyNotify)g_variant_unref);
}

void
trd_checkup_async (TrdRegistry *registry,
                   gboolean mend,
                   GAsyncReadyCallback callback,
                   gpointer user_data)
{
  const TrdEnv *env = trd_registry_get_env (registry);
  g_autoptr (GTask) task = g_task_new (registry, NULL, callback, user_data);
  TrdSurveyOptions options = {
    .state_directory = trd_spool_get_state_directory (env->spool),
    .spool = env->spool,
    .worker_program = env->worker_program,
    .waiting_since_us = trd_clock_now_us (env->clock) - WAITING_LONG_US,
    .mend = mend,
  };

  g_task_set_source_tag (task, trd_checkup_async);
  if (g_object_get_data (G_OBJECT (registry), "checkup") != NULL)
    {
      g_task_return_new_error (task,
                               TRUNDLE_ERROR,
                               TRUNDLE_ERROR_LIMIT_EXCEEDED,
                               "Another check is under way");
      return;
    }

  g_object_set_data (G_OBJECT (registry), "checkup", registry);
  trd_survey_async (&options, on_surveyed, g_steal_pointer (&task));
}

GVariant *
trd_checkup_finish (TrdRegistry *registry, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, registry), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
