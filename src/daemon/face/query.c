/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What callers say about tasks, checked once, here, and made into what the core takes.
 * The places where files may go are opened here too, with the caller's own fd or, for
 * callers that can read and write the user's files anyway, by path (law 14). */

#include "config.h"

#include "face/query.h"

#include "common/enums.h"
#include "common/vocabulary.h"
#include "face/bodies.h"
#include "face/task-view.h"

#include <string.h>

static gboolean
fail_key (GError **error, const char *key, const char *why)
{
  g_set_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT, "%s: %s", key, why);
  return FALSE;
}

/* ---- where the file goes ---- */

typedef struct
{
  GVariant *handle; /* (owned) (nullable) */
  char *name;       /* (owned) (nullable) */
  char *path;       /* (owned) (nullable) */
} Destination;

static void
destination_clear (Destination *self)
{
  g_clear_pointer (&self->handle, g_variant_unref);
  g_clear_pointer (&self->name, g_free);
  g_clear_pointer (&self->path, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Destination, destination_clear)

static gboolean
check_destination (TrdCall *call,
                   TrdSession *session,
                   TrundleKind kind,
                   const Destination *destination,
                   GError **error)
{
  gboolean has_handle = destination->handle != NULL;
  gboolean has_path = destination->path != NULL;

  if (has_handle && destination->name == NULL)
    return fail_key (error, "destination-name", "missing beside destination");
  if (!has_handle && destination->name != NULL)
    return fail_key (error, "destination", "missing beside destination-name");
  if (has_handle && has_path)
    return fail_key (
        error, "destination-path", "cannot be given together with destination");
  if (has_path && !g_path_is_absolute (destination->path))
    return fail_key (error, "destination-path", "must be absolute");

  if (!has_handle && !has_path)
    {
      /* What a server answers to an upload, mostly nobody wants. */
      if (kind == TRUNDLE_KIND_DOWNLOAD
          && trd_session_get_boolean (session, "auto-complete"))
        return fail_key (error,
                         "destination-path",
                         "missing; a session with auto-complete keeps no files");
      return TRUE;
    }
  /* What the caller's descriptor or path means outside of its sandbox, nobody can tell.
   */
  if (!trd_owner_is_host (call->peer->owner))
    {
      g_set_error (error,
                   TRUNDLE_ERROR,
                   TRUNDLE_ERROR_NOT_ALLOWED,
                   "%s: a sandboxed app takes its files with OpenFile or MoveFile",
                   has_path ? "destination-path" : "destination");
      return FALSE;
    }

  return TRUE;
}

/* @out_place is NULL for the spool. */
static gboolean
resolve_destination (TrdCall *call,
                     TrdSession *session,
                     TrundleKind kind,
                     GVariant *options,
                     TrdPlace **out_place,
                     GError **error)
{
  TrdSpool *spool = trd_gate_get_env (call->gate)->spool;
  g_auto (Destination) destination = { 0 };
  g_autofree char *word = trundle_options_get_string (options, NULL, "if-exists");
  TrundleIfExists if_exists = TRUNDLE_IF_EXISTS_FAIL;
  int fd = -1;

  destination.handle = g_variant_lookup_value (
      options, "destination", G_VARIANT_TYPE_HANDLE);
  destination.name = trundle_options_get_string (options, NULL, "destination-name");
  destination.path = trundle_options_get_string (options, NULL, "destination-path");
  if (!check_destination (call, session, kind, &destination, error))
    return FALSE;
  if (word != NULL && !trundle_if_exists_from_word (word, &if_exists))
    return fail_key (error, "if-exists", "must be fail, replace or rename");

  if (destination.handle == NULL && destination.path == NULL)
    {
      *out_place = NULL;
      return TRUE;
    }
  if (destination.handle != NULL)
    {
      fd = trd_call_peek_fd (
          call, g_variant_get_handle (destination.handle), "destination", error);
      if (fd < 0)
        return FALSE;
    }

  *out_place = trd_spool_resolve (
      spool, fd, destination.path, destination.name, if_exists, error);
  return *out_place != NULL;
}

/* ---- drafts ---- */

guint
trd_draft_scope (TrundleKind kind)
{
  return kind == TRUNDLE_KIND_UPLOAD ? TRUNDLE_SCOPE_UPLOAD : TRUNDLE_SCOPE_TASK;
}

/* @checked: of the scope of @kind, in normal form. */
static TrdDraft *
make_draft (TrdCall *call,
            TrdSession *session,
            TrundleKind kind,
            guint index,
            const char *url,
            GVariant *checked,
            GError **error)
{
  g_autoptr (TrdDraft) draft = NULL;
  TrdPlace *place = NULL;

  if (!resolve_destination (call, session, kind, checked, &place, error))
    return NULL;

  draft = trd_draft_new (kind, url, checked);
  draft->place = place;
  if (kind == TRUNDLE_KIND_UPLOAD)
    trd_bodies_give (call->bodies, index, draft);

  return g_steal_pointer (&draft);
}

TrdDraft *
trd_draft_from_call (TrdCall *call,
                     TrdSession *session,
                     TrundleKind kind,
                     const char *url,
                     GVariant *options,
                     GError **error)
{
  g_autoptr (GVariant) checked = trundle_vocabulary_check (
      options, trd_draft_scope (kind), error);

  return checked != NULL ? make_draft (call, session, kind, 0, url, checked, error)
                         : NULL;
}

TrundleKind
trd_draft_kind_of (GVariant *dict)
{
  TrundleKind kind = TRUNDLE_KIND_DOWNLOAD;
  const char *word;

  if (g_variant_lookup (dict, "kind", "&s", &word))
    trundle_kind_from_word (word, &kind);

  return kind;
}

TrdDraft *
trd_draft_from_batch (
    TrdCall *call, TrdSession *session, guint index, GVariant *dict, GError **error)
{
  g_autoptr (GVariant) checked = NULL;
  g_autofree char *url = NULL;
  TrundleKind kind = trd_draft_kind_of (dict);

  checked = trundle_vocabulary_check (
      dict, trd_draft_scope (kind) | TRUNDLE_SCOPE_BATCH, error);
  if (checked == NULL)
    return NULL;

  if (!g_variant_lookup (checked, "url", "s", &url))
    {
      fail_key (error, "url", "missing");
      return NULL;
    }

  return make_draft (call, session, kind, index, url, checked, error);
}

/* ---- filters ---- */

/* The words of `state`, given as one or as several.  (transfer full) (nullable) */
static char **
words_of (GVariant *dict, const char *key)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (dict, key, NULL);
  const char *one[] = { NULL, NULL };

  if (value == NULL)
    return NULL;
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING_ARRAY))
    return g_variant_dup_strv (value, NULL);

  one[0] = g_variant_get_string (value, NULL);
  return g_strdupv ((char **)one);
}

static gboolean
read_states (TrdQuery *self, GVariant *dict, GError **error)
{
  g_auto (GStrv) words = words_of (dict, "state");

  if (words == NULL)
    return TRUE;
  for (guint i = 0; words[i] != NULL; i++)
    {
      TrundleTaskState state;

      if (!trundle_task_state_from_word (words[i], &state))
        return fail_key (error, "state", "not the state of a task");
      self->states |= 1u << state;
    }
  /* An empty list means none, and 0 would mean all. */
  if (self->states == 0)
    return fail_key (error, "state", "at least one state is wanted");

  return TRUE;
}

static gboolean
read_properties (TrdQuery *self, GVariant *dict, GError **error)
{
  self->properties = words_of (dict, "properties");
  if (self->properties == NULL)
    {
      self->properties = g_strdupv ((char **)trd_task_view_default_names);
      return TRUE;
    }

  for (guint i = 0; self->properties[i] != NULL; i++)
    {
      if (trd_task_view_find (self->properties[i]) == NULL)
        {
          g_set_error (error,
                       TRUNDLE_ERROR,
                       TRUNDLE_ERROR_INVALID_ARGUMENT,
                       "properties: a task has no property “%s”",
                       self->properties[i]);
          return FALSE;
        }
    }

  return TRUE;
}

gboolean
trd_query_init (TrdQuery *self, GVariant *dict, GError **error)
{
  g_autoptr (GVariant) checked = trundle_vocabulary_check (
      dict, TRUNDLE_SCOPE_FILTER, error);
  g_autofree char *kind = NULL;
  guint64 after = 0;
  TrundleKind kind_value;

  if (checked == NULL)
    return FALSE;

  g_variant_lookup (checked, "after", "t", &after);
  g_variant_lookup (checked, "limit", "u", &self->limit);
  g_variant_lookup (checked, "group", "s", &self->group);
  self->filter.kind = -1;
  if (g_variant_lookup (checked, "kind", "s", &kind))
    {
      if (!trundle_kind_from_word (kind, &kind_value))
        return fail_key (error, "kind", "must be download or upload");
      self->filter.kind = (int)kind_value;
    }
  if (!read_states (self, checked, error) || !read_properties (self, checked, error))
    return FALSE;

  self->filter.after = (gint64)MIN (after, (guint64)G_MAXINT64);
  self->filter.states = self->states;
  self->filter.group = self->group;
  /* The store cannot tell running from queued: then the limit counts what is left. */
  if (trd_query_matches (self, TRUNDLE_TASK_RUNNING)
      == trd_query_matches (self, TRUNDLE_TASK_QUEUED))
    self->filter.limit = self->limit;

  return TRUE;
}

gboolean
trd_query_matches (const TrdQuery *self, TrundleTaskState state)
{
  return self->states == 0 || (self->states & (1u << state)) != 0;
}

void
trd_query_clear (TrdQuery *self)
{
  g_clear_pointer (&self->group, g_free);
  g_clear_pointer (&self->properties, g_strfreev);
}
