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

# need_node_modules FROM TO: what FROM/package-lock.json says, below TO; not again while it
# says the same.  Without npm's registry there is none: the tests that need it say so.
need_node_modules ()
{
  local from=$1 to=$2
  cmp -s "$from/package-lock.json" "$to/installed.json" && return 0
  if ! { command -v node && command -v npm; } >/dev/null; then
    need_packages npm || return 1
  fi
  echo "Installing the modules of $from"
  rm -f "$to/installed.json"
  mkdir -p "$to" && cp "$from/package.json" "$from/package-lock.json" "$to" || return 1
  (cd "$to" && install_quietly timeout 180 npm ci --cache "$PWD/cache" --loglevel error \
    --ignore-scripts --omit=optional --no-audit --no-fund --no-update-notifier \
    --fetch-retries 1 --fetch-timeout 30000) &&
    cp "$from/package-lock.json" "$to/installed.json"
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
