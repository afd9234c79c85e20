# shellcheck shell=bash
# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Sourced by the scripts beside this folder; needs bash.

# need_packages LIST...: installs what is missing of the Debian packages named in the files
# packages-LIST beside this one (a name a line, # begins a comment).  Asks nothing and
# touches nothing when everything is there.
need_packages ()
{
  local here list package missing=() asroot=()
  here=$(dirname "${BASH_SOURCE[0]}")
  for list; do
    while read -r package; do
      [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) = installed ]] ||
        missing+=("$package")
    done < <(sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$here/packages-$list")
  done
  ((${#missing[@]})) || return 0

  if ((EUID)); then
    if ! command -v sudo >/dev/null; then
      echo "Missing packages, and neither root nor sudo to install them: ${missing[*]}" >&2
      return 1
    fi
    asroot=(sudo)
  fi
  echo "Installing ${missing[*]}"
  install_quietly "${asroot[@]}" apt-get -o DPkg::Lock::Timeout=300 -qq update &&
    install_quietly "${asroot[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get -o DPkg::Lock::Timeout=300 -qq install --yes --no-install-recommends \
      "${missing[@]}"
}

# Runs a command whose output matters only when it fails.
install_quietly ()
{
  local output
  output=$("$@" 2>&1 </dev/null) && return 0
  printf '%s\n' "$output" | tail -n 20 >&2
  echo "Failed: $*" >&2
  return 1
}
