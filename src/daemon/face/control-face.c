/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The user's own view of all transfers, on the manager's object.  The gate lets nobody in
 * from a sandbox. */

#include "config.h"

#include "face/face.h"

#include "common/names.h"
#include "core/checkup.h"

static void
on_checked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  TrdCall *call = user_data;
  GError *error = NULL;
  g_autoptr (GVariant) findings = trd_checkup_finish (
      TRD_REGISTRY (source), result, &error);

  if (findings != NULL)
    trd_call_return (call, g_variant_new ("(@aa{sv})", findings));
  else
    trd_call_return_error (call, error);
}

static void
handle_check (gpointer object, TrdCall *call)
{
  gboolean mend;

  g_variant_get (call->parameters, "(b)", &mend);
  trd_checkup_async (trd_gate_get_registry (call->gate), mend, on_checked, call);
}

static gpointer
find (TrdGate *gate, gint64 id, const TrdOwner *caller)
{
  return gate;
}

static gpointer
load (TrdGate *gate, gpointer object, GError **error)
{
  return gate;
}

static void
unload (gpointer view)
{
}

static const TrdMethod methods[] = {
  { "Check", handle_check },
};

const TrdFace trd_control_face = {
  .interface = TRUNDLE_INTERFACE_CONTROL,
  .host_only = TRUE,
  .methods = methods,
  .n_methods = G_N_ELEMENTS (methods),
  .find = find,
  .load = load,
  .unload = unload,
};
