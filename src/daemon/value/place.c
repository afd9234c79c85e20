/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where a file goes, and the names it may take there. */

#include "config.h"

#include "value/place.h"

#include <limits.h>
#include <string.h>

/* A suffix is kept in front of the number's cut only up to this; what is longer is not a
 * suffix but a sentence with a dot in it. */
#define SUFFIX_MAX 32

TrdPlace *
trd_place_new (gint64 task_id)
{
  TrdPlace *self = g_new0 (TrdPlace, 1);

  self->task_id = task_id;
  return self;
}

TrdPlace *
trd_place_copy (const TrdPlace *self)
{
  TrdPlace *copy;

  g_return_val_if_fail (self != NULL, NULL);

  copy = g_memdup2 (self, sizeof *self);
  copy->directory = g_strdup (self->directory);
  copy->name = g_strdup (self->name);
  copy->part_name = g_strdup (self->part_name);
  return copy;
}

void
trd_place_free (TrdPlace *self)
{
  if (self == NULL)
    return;

  g_clear_pointer (&self->directory, g_free);
  g_clear_pointer (&self->name, g_free);
  g_clear_pointer (&self->part_name, g_free);
  g_free (self);
}

void
trd_intent_clear (TrdIntent *self)
{
  g_clear_pointer (&self->final_name, g_free);
  self->device = 0;
  self->inode = 0;
  self->size = 0;
}

gboolean
trd_place_is_spool (const TrdPlace *self)
{
  g_return_val_if_fail (self != NULL, TRUE);

  return self->directory == NULL;
}

/* ".tar.gz" and the like count as one suffix; a leading dot begins a name, not a suffix.
 * Points into @name, at its end when there is no suffix. */
static const char *
find_suffix (const char *name)
{
  const char *end = name + strlen (name);
  const char *first = name + strspn (name, ".");
  const char *dot = strrchr (first, '.');
  const char *inner;

  if (dot == NULL || dot == first || dot[1] == '\0' || end - dot > SUFFIX_MAX)
    return end;

  inner = g_strrstr_len (first, dot - first, ".");
  if (inner != NULL && inner != first && dot - inner == strlen (".tar")
      && g_ascii_strncasecmp (inner, ".tar", strlen (".tar")) == 0)
    return inner;
  return dot;
}

/* @length, or less, so that nothing is cut inside a character.  A name need not be UTF-8:
 * then bytes that continue nothing are cut anywhere. */
static gsize
cut_at_character (const char *text, gsize length)
{
  gsize cut = length;

  while (cut > 0 && length - cut < 4 && ((guchar)text[cut] & 0xC0) == 0x80)
    cut--;
  return ((guchar)text[cut] & 0xC0) == 0x80 ? length : cut;
}

char *
trd_place_nth_name (const char *name, guint n)
{
  g_autofree char *number = NULL;
  const char *suffix;
  gsize room, stem_length;

  g_return_val_if_fail (name != NULL, NULL);

  number = n == 0 ? g_strdup ("") : g_strdup_printf (" (%u)", n);
  suffix = find_suffix (name);
  stem_length = suffix - name;
  room = NAME_MAX - strlen (number) - strlen (suffix);
  if (stem_length > room)
    stem_length = cut_at_character (name, room);
  return g_strdup_printf ("%.*s%s%s", (int)stem_length, name, number, suffix);
}
