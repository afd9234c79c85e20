/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "face/call.h"

/* How an interface is answered: tables that the contract test compares with the XML. */

typedef struct
{
  const char *name;
  void (*handle) (gpointer object, TrdCall *call);
  /* Refused to a sandbox that has no network itself (law 14). */
  gboolean needs_network;
  /* What its argument number @options, a{sv} or aa{sv}, is checked for (TrundleScope):
   * the handler is called once secrets in it that came as descriptors were read; 0 for a
   * method without any.  face/secret-fd.h */
  guint scopes;
  guint options;
  /* In that argument there may be uploads: what they send is taken before the handler is
   * called.  face/bodies.h */
  gboolean brings_bodies;
  /* (nullable): secrets that it brings, so that they are kept before the handler is
   * called.  (element-type GVariant) (transfer full) (nullable): NULL for none */
  GPtrArray *(*find_secrets) (gpointer object, TrdCall *call);
  /* Whose they will be. */
  TrdSession *(*get_session) (gpointer object);
} TrdMethod;

typedef struct
{
  const char *name;
  /* From the view that load() made.  (transfer full), or floating. */
  GVariant *(*get) (gpointer view);
  /* (nullable): read-only.  @value has the type of the XML. */
  gboolean (*set) (gpointer object, TrdCall *call, GVariant *value, GError **error);
} TrdProperty;

typedef struct
{
  const char *interface;
  /* Refused to every sandbox: NotAllowed. */
  gboolean host_only;
  const TrdMethod *methods;
  guint n_methods;
  const TrdProperty *properties;
  guint n_properties;
  /* The object of @id if @caller may address it, else NULL. */
  gpointer (*find) (TrdGate *gate, gint64 id, const TrdOwner *caller);
  /* One consistent look at an object, for any number of getters; NULL on error. */
  gpointer (*load) (TrdGate *gate, gpointer object, GError **error);
  void (*unload) (gpointer view);
} TrdFace;

extern const TrdFace trd_manager_face;
extern const TrdFace trd_control_face;
extern const TrdFace trd_session_face;
extern const TrdFace trd_task_face;
