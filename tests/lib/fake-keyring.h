/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* A Secret Service on the bus that does as it is told: open at first, with a default
 * collection, and only the plain algorithm. */
typedef struct FakeKeyring FakeKeyring;

typedef enum
{
  FAKE_KEYRING_ANSWERS,
  FAKE_KEYRING_HANGS,   /* never answers */
  FAKE_KEYRING_FAILS,   /* with an error */
  FAKE_KEYRING_PROMPTS, /* offers a prompt, where that can be */
  FAKE_KEYRING_DIES,    /* leaves the bus */
} FakeKeyringMood;

/* On the bus of g_test_dbus_up(). */
FakeKeyring *
fake_keyring_new (void);
void
fake_keyring_free (FakeKeyring *self);

/* What it does when @method is called; there is one such method at a time. */
void
fake_keyring_set_mood (FakeKeyring *self, const char *method, FakeKeyringMood mood);

/* The calls of the method that hung are answered; others hang no longer. */
void
fake_keyring_wake (FakeKeyring *self);

/* Tells, as the specification wants. */
void
fake_keyring_set_locked (FakeKeyring *self, gboolean locked);
void
fake_keyring_remove_collection (FakeKeyring *self);

/* An item with @attributes, a{ss} (transfer floating), as somebody else stores it. */
void
fake_keyring_add (FakeKeyring *self, GVariant *attributes, const char *secret);

guint
fake_keyring_count_items (FakeKeyring *self);

/* How often that was called; of all methods for NULL. */
guint
fake_keyring_count_calls (FakeKeyring *self, const char *method);
