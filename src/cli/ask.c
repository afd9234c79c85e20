/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Questions while transfers are followed.  They are asked out of the main loop and not
 * out of a signal that brought them, since the loop turns on inside of the question. */

#include "config.h"

#include "cli/ask.h"

#include <glib/gi18n.h>

#include "cli/bus.h"
#include "cli/command.h"
#include "cli/respond.h"
#include "cli/terminal.h"

typedef struct
{
  char *task_path; /* (owned) */
  char *label;     /* (owned) */
  GVariant *dict;  /* (owned): of the challenge */
  char *id;        /* (owned): likewise */
  gboolean is_in_keyring;
} Question;

struct _TrcAsk
{
  GDBusConnection *connection; /* (owned) */
  TrcAskFunc changed;
  gpointer data;
  gboolean use_terminal;
  gboolean is_stopped;

  GPtrArray *open;           /* (owned) (element-type Question): one a task */
  GHashTable *done;          /* (owned) (element-type utf8 utf8): ids asked or told of */
  guint source;              /* looks what is next */
  char *current;             /* (owned) (nullable): id of the challenge being asked */
  GCancellable *cancellable; /* (owned) (nullable): of the question being asked */
};

static void
free_question (gpointer data)
{
  Question *question = data;

  g_free (question->task_path);
  g_free (question->label);
  g_variant_unref (question->dict);
  g_free (question->id);
  g_free (question);
}

TrcAsk *
trc_ask_new (GDBusConnection *connection, TrcAskFunc changed, gpointer data)
{
  TrcAsk *self = g_new0 (TrcAsk, 1);

  self->connection = g_object_ref (connection);
  self->changed = changed;
  self->data = data;
  self->open = g_ptr_array_new_with_free_func (free_question);
  self->done = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return self;
}

void
trc_ask_free (TrcAsk *self)
{
  g_clear_handle_id (&self->source, g_source_remove);
  g_clear_object (&self->connection);
  g_ptr_array_unref (self->open);
  g_hash_table_unref (self->done);
  g_free (self->current);
  g_clear_object (&self->cancellable);
  g_free (self);
}

void
trc_ask_use_terminal (TrcAsk *self)
{
  self->use_terminal = TRUE;
}

gboolean
trc_ask_is_asking (const TrcAsk *self)
{
  return self->current != NULL;
}

void
trc_ask_stop (TrcAsk *self)
{
  self->is_stopped = TRUE;
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
}

/* ---- one question ---- */

/* "12 file" → "12" is what one types. */
static void
tell_how (const Question *question, const TrcChallenge *challenge)
{
  g_autofree char *summary = trc_challenge_summarize (challenge);

  trc_command_complain (_ ("%s: asked for %s; see “trundle answer %s”"),
                        question->label,
                        summary,
                        trc_bus_task_number (question->task_path));
}

static void
put (TrcAsk *self,
     TrcTerminal *terminal,
     const Question *question,
     const TrcChallenge *challenge)
{
  g_auto (TrcAnswer) answer = { 0 };
  g_autoptr (GError) error = NULL;
  g_autofree char *head = g_strdup_printf ("%s:\n", question->label);

  trc_terminal_say (terminal, head);
  if (trc_respond_ask (terminal, challenge, &answer, self->cancellable, &error)
      && trc_respond_send (
          self->connection, question->task_path, challenge, &answer, &error))
    return;

  /* Answered elsewhere, or we leave. */
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
      || trc_bus_exit_for_error (error) == TRC_EXIT_NOT_FOUND)
    return;
  trc_command_complain ("%s: %s", question->label, error->message);
  tell_how (question, challenge);
}

static gboolean
on_next (gpointer data);

static void
look_soon (TrcAsk *self)
{
  if (self->source == 0)
    self->source = g_idle_add (on_next, self);
}

static void
ask (TrcAsk *self, TrcTerminal *terminal, const Question *open)
{
  /* What is open may change while we ask. */
  g_autofree char *path = g_strdup (open->task_path);
  g_autofree char *label = g_strdup (open->label);
  const Question question = { .task_path = path, .label = label };
  g_autoptr (TrcChallenge) challenge = trc_challenge_new (open->dict);

  challenge->is_in_keyring = open->is_in_keyring;
  self->current = g_strdup (open->id);
  self->cancellable = g_cancellable_new ();
  self->changed (TRUE, self->data);

  put (self, terminal, &question, challenge);

  g_clear_pointer (&self->current, g_free);
  g_clear_object (&self->cancellable);
  self->changed (FALSE, self->data);
}

static gboolean
on_next (gpointer data)
{
  TrcAsk *self = data;

  self->source = 0;
  for (guint i = 0; i < self->open->len && !self->is_stopped; i++)
    {
      const Question *question = g_ptr_array_index (self->open, i);
      g_autoptr (TrcTerminal) terminal = NULL;
      g_autoptr (TrcChallenge) challenge = NULL;

      if (!g_hash_table_add (self->done, g_strdup (question->id)))
        continue;
      terminal = self->use_terminal ? trc_terminal_open () : NULL;
      if (terminal != NULL)
        {
          ask (self, terminal, question);
          look_soon (self);
          return G_SOURCE_REMOVE;
        }
      challenge = trc_challenge_new (question->dict);
      tell_how (question, challenge);
    }
  return G_SOURCE_REMOVE;
}

/* ---- what is open ---- */

/* The question on the terminal, once no task waits for its answer. */
static void
take_back (TrcAsk *self)
{
  if (self->current == NULL)
    return;
  for (guint i = 0; i < self->open->len; i++)
    if (g_str_equal (((Question *)g_ptr_array_index (self->open, i))->id, self->current))
      return;

  g_cancellable_cancel (self->cancellable);
}

void
trc_ask_update (TrcAsk *self,
                const char *task_path,
                const char *label,
                const TrcChallenge *challenge)
{
  Question *question;

  for (guint i = 0; i < self->open->len; i++)
    {
      question = g_ptr_array_index (self->open, i);
      if (g_str_equal (question->task_path, task_path))
        {
          g_ptr_array_remove_index (self->open, i);
          break;
        }
    }
  if (challenge != NULL)
    {
      question = g_new0 (Question, 1);
      question->task_path = g_strdup (task_path);
      question->label = g_strdup (label);
      question->dict = g_variant_ref (challenge->dict);
      question->is_in_keyring = challenge->is_in_keyring;
      question->id = g_strdup_printf ("%s/%u", challenge->id, challenge->n_failures);
      g_ptr_array_add (self->open, question);
      if (!self->is_stopped && self->current == NULL)
        look_soon (self);
    }
  take_back (self);
}
