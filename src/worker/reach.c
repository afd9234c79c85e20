/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a worker may reach, as narrow as can be known before it is confined.
 *
 * The profile "local" is for tasks that need the user's Kerberos tickets or a PKCS#11
 * token.  Its files are those of the system, and of the user's those that hold tickets
 * and say where tokens are: not his documents, his keys of SSH or his browser's profile.
 * It writes nothing of his: libkrb5 (1.20) does without storing the service ticket it
 * got. Only SoftHSM (2.6), which finds nothing in a token any more once it could not
 * write down a login, may write where its tokens are.
 *
 * Sockets of AF_UNIX are there only where somebody listens who is needed: a cache in KCM,
 * gssproxy, pcscd, a remote p11-kit.  What that opens must be said: seccomp cannot see
 * the address of connect(), and Landlock (up to ABI 7) cannot refuse sockets that have a
 * path.  Who takes over such a worker can reach the session bus, whose address is no
 * secret, and with it all the user can.  Abstract sockets stay closed from ABI 6 on. */

#include "config.h"

#include "reach.h"

#include <krb5.h>
#include <string.h>

/* Trust store, name service, libraries.  What does not exist is skipped. */
static const char *const of_network[] = {
  "/etc",
  "/usr",
  "/lib",
  "/lib32",
  "/lib64",
  "/libx32",
  "/run/systemd/resolve",
  "/run/NetworkManager",
  "/run/resolvconf",
  "/run/netconfig",
  "/var/lib/ca-certificates",
  "/nix/store",
  "/gnu/store",
};

/* Makers of tokens put modules and settings into /opt. */
static const char *const of_system[] = {
  "/opt",
  "/run/pcscd",
  "/var/lib/softhsm",
  "/var/lib/sss",
};

static const char *const of_home[] = {
  ".config/pkcs11",
  ".config/softhsm2",
  ".pkcs11",
  ".pki",
};

/* Each a file, or several with colons between them. */
static const char *const named_files[]
    = { "KRB5_CONFIG", "SOFTHSM2_CONF", "OPENSC_CONF" };

static const char *const listeners[] = { "/run/pcscd/pcscd.comm" };
static const char *const listener_variables[]
    = { "GSS_USE_PROXY", "P11_KIT_SERVER_ADDRESS", "PCSCLITE_CSOCK_NAME" };

void
trw_reach_clear (TrwReach *self)
{
  g_clear_pointer (&self->paths, g_ptr_array_unref);
  g_clear_pointer (&self->stores, g_ptr_array_unref);
}

static void
add_paths (TrwReach *self, const char *const *paths, guint n_paths)
{
  for (guint i = 0; i < n_paths; i++)
    g_ptr_array_add (self->paths, g_strdup (paths[i]));
}

void
trw_reach_init_confined (TrwReach *self)
{
  *self = (TrwReach){
    .paths = g_ptr_array_new_with_free_func (g_free),
    .stores = g_ptr_array_new_with_free_func (g_free),
  };
  add_paths (self, of_network, G_N_ELEMENTS (of_network));
}

/* A file is known by its folder, since a new one takes its place.  The whole home is too
 * much for that: there the file itself is meant, until it is replaced. */
static void
add_file (TrwReach *self, const char *path)
{
  g_autofree char *canonical = g_canonicalize_filename (path, "/");
  g_autofree char *folder = g_path_get_dirname (canonical);
  gboolean is_wide = g_str_equal (folder, "/") || g_str_equal (folder, "/home")
                     || g_str_equal (folder, g_get_home_dir ());

  g_ptr_array_add (self->paths, g_strdup (is_wide ? canonical : folder));
}

/* "DIR:/run/user/1000/krb5cc", or of one of its caches "DIR::/run/user/1000/krb5cc/tkt".
 */
static void
add_collection (TrwReach *self, const char *residual)
{
  if (*residual == ':')
    add_file (self, residual + 1);
  else
    g_ptr_array_add (self->paths, g_strdup (residual));
}

static void
add_cache (TrwReach *self, const char *name)
{
  if (g_str_has_prefix (name, "FILE:"))
    add_file (self, name + strlen ("FILE:"));
  else if (g_str_has_prefix (name, "DIR:"))
    add_collection (self, name + strlen ("DIR:"));
  else if (g_str_has_prefix (name, "KEYRING:"))
    self->has_keys = TRUE;
  else if (g_str_has_prefix (name, "KCM:"))
    self->has_sockets = TRUE;
  else if (*name == '/')
    add_file (self, name);
}

static void
add_keytab (TrwReach *self, krb5_context context)
{
  char name[1024] = "";
  krb5_keytab keytab;

  if (krb5_kt_client_default (context, &keytab) != 0)
    return;
  if (krb5_kt_get_name (context, keytab, name, sizeof name) == 0
      && g_str_has_prefix (name, "FILE:/"))
    add_file (self, name + strlen ("FILE:"));
  krb5_kt_close (context, keytab);
}

/* By the variables or by krb5.conf. */
static void
add_kerberos (TrwReach *self)
{
  krb5_context context;
  const char *cache;

  if (krb5_init_context (&context) != 0)
    return;
  cache = krb5_cc_default_name (context);
  if (cache != NULL)
    add_cache (self, cache);
  add_keytab (self, context);
  krb5_free_context (context);
}

static void
add_named_files (TrwReach *self, const char *variable)
{
  g_auto (GStrv) paths = g_strsplit (
      g_getenv (variable) != NULL ? g_getenv (variable) : "", ":", -1);

  for (guint i = 0; paths[i] != NULL; i++)
    {
      if (*paths[i] == '/')
        add_file (self, paths[i]);
    }
}

static void
add_home (TrwReach *self)
{
  const char *config = g_getenv ("XDG_CONFIG_HOME");

  for (guint i = 0; i < G_N_ELEMENTS (of_home); i++)
    g_ptr_array_add (self->paths, g_build_filename (g_get_home_dir (), of_home[i], NULL));
  if (config != NULL && *config == '/')
    g_ptr_array_add (self->paths, g_build_filename (config, "pkcs11", NULL));
}

/* SoftHSM's own configuration: the value of "directories.tokendir = …". */
static char *
find_token_folder (const char *config)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents (config, &text, NULL, NULL))
    return NULL;
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      const char *line = g_strchug (lines[i]);
      const char *value = strchr (line, '=');

      if (g_str_has_prefix (line, "directories.tokendir") && value != NULL)
        return g_strstrip (g_strdup (value + 1));
    }
  return NULL;
}

/* In the order in which it looks for it. */
static void
add_soft_tokens (TrwReach *self)
{
  g_autofree char *of_user = g_build_filename (
      g_get_home_dir (), ".config", "softhsm2", "softhsm2.conf", NULL);
  const char *configs[]
      = { g_getenv ("SOFTHSM2_CONF"), of_user, "/etc/softhsm/softhsm2.conf" };

  for (guint i = 0; i < G_N_ELEMENTS (configs); i++)
    {
      g_autofree char *folder = configs[i] != NULL ? find_token_folder (configs[i])
                                                   : NULL;

      if (folder == NULL || *folder != '/')
        continue;
      g_ptr_array_add (self->paths, g_strdup (folder));
      g_ptr_array_add (self->stores, g_steal_pointer (&folder));
      return;
    }
}

static void
find_listeners (TrwReach *self)
{
  const char *runtime = g_getenv ("XDG_RUNTIME_DIR");

  for (guint i = 0; i < G_N_ELEMENTS (listeners); i++)
    self->has_sockets |= g_file_test (listeners[i], G_FILE_TEST_EXISTS);
  for (guint i = 0; i < G_N_ELEMENTS (listener_variables); i++)
    self->has_sockets |= g_getenv (listener_variables[i]) != NULL;
  if (runtime != NULL)
    {
      g_autofree char *remote = g_build_filename (runtime, "p11-kit", "pkcs11", NULL);

      self->has_sockets |= g_file_test (remote, G_FILE_TEST_EXISTS);
    }
}

void
trw_reach_init_local (TrwReach *self)
{
  trw_reach_init_confined (self);
  add_paths (self, of_system, G_N_ELEMENTS (of_system));
  add_home (self);
  add_kerberos (self);
  for (guint i = 0; i < G_N_ELEMENTS (named_files); i++)
    add_named_files (self, named_files[i]);
  add_soft_tokens (self);
  find_listeners (self);
  self->has_tickets = TRUE;
}
