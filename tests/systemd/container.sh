# shellcheck shell=bash
# SPDX-FileCopyrightText: 2026 The Trundle authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A booted systemd with an ordinary user's manager and bus, on a machine whose own PID 1
# need not be systemd.  Sourced by tests/systemd/run; needs root, mmdebstrap and
# systemd-container.  Sets container_pid.
#
# The root file system is a cached directory under a throw-away overlay; the container has
# its own mount namespace with a pure cgroup2 tree, and its own network with lo only.

packages=systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd,dbus-broker
packages+=,python3,python3-gi,libglib2.0-bin,libsoup-3.0-0,glib-networking
packages+=,libsqlite3-0,libseccomp2,libsecret-1-0,libjson-glib-1.0-0,procps,util-linux

container_pid=

# make_root: prints the directory of a root file system of this machine's own suite, so
# that programs that were built here run there.
make_root ()
{
  local suite cache directory mirror
  suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-bookworm}")
  cache=${XDG_CACHE_HOME:-$HOME/.cache}/trundle-test
  directory=$cache/$suite-$(cksum <<<"$packages" | cut -d ' ' -f 1)
  if [[ ! -e $directory/.done ]]; then
    rm -rf --one-file-system "$directory"
    mkdir -p "$cache"
    mirror=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/debian.sources 2>/dev/null |
               head -n 1)
    # A mirror that is a snapshot has a Release file that looks expired.
    mmdebstrap --quiet --variant=minbase --include="$packages" \
      --aptopt='Acquire::Check-Valid-Until "false"' \
      "$suite" "$directory" ${mirror:+"$mirror"} >&2 || return 1
    touch "$directory/.done"
  fi
  echo "$directory"
}

# boot WORK LAYER...: boots an overlay of the layers, the topmost first.
boot ()
{
  local work=$1 layers
  shift
  layers=$(IFS=:; echo "$*")
  mkdir -p "$work/merged" "$work/upper"
  # shellcheck disable=SC2016
  unshare --mount bash -c '
    set -e
    work=$1 layers=$2
    mount --make-rprivate /
    mount -t tmpfs tmpfs "$work/upper"
    mkdir "$work/upper/data" "$work/upper/work" "$work/upper/cgroup"
    mount -t overlay overlay "$work/merged" -o \
      "lowerdir=$layers,upperdir=$work/upper/data,workdir=$work/upper/work"
    # Where the machine has cgroup v1, nspawn would give the container the same.  A group
    # of our own keeps what nspawn makes below it.
    mount -t cgroup2 cgroup2 "$work/upper/cgroup"
    umount -l /sys/fs/cgroup
    mount --move "$work/upper/cgroup" /sys/fs/cgroup
    mkdir "/sys/fs/cgroup/trundle-$$"
    echo $$ >"/sys/fs/cgroup/trundle-$$/cgroup.procs"
    echo $$ >"$work/nspawn.pid"
    exec systemd-nspawn --quiet --register=no --keep-unit --private-network \
      --console=pipe --resolv-conf=off --timezone=off --link-journal=no \
      -D "$work/merged" -b' - "$work" "$layers" </dev/null >"$work/console" 2>&1 &
  container_job=$!
  container_work=$work
  if ! { wait_for 20 find_init && wait_for 60 is_up; }; then
    cat "$work/console"
    return 1
  fi
}

find_init ()
{
  local nspawn
  nspawn=$(cat "$container_work/nspawn.pid") || return 1
  container_pid=$(awk '{print $1}' "/proc/$nspawn/task/$nspawn/children") || return 1
  [[ -n $container_pid && $(cat "/proc/$container_pid/comm") == systemd ]]
}

is_up ()
{
  [[ $(inside systemctl is-system-running) == @(running|degraded) ]]
}

# inside COMMAND...: as root.  nsenter joins the namespaces but not the cgroup, and
# systemd 257 refuses clients from outside its tree.
# shellcheck disable=SC2016
inside ()
{
  nsenter -t "$container_pid" -a env -i HOME=/root LANG=C.UTF-8 \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    sh -c 'group=/sys/fs/cgroup/trundle-exec; mkdir -p $group
           echo $$ >$group/cgroup.procs; exec "$@"' - "$@"
}

# as USER COMMAND...: with the session bus of the user.
as ()
{
  local user=$1 id
  id=$(inside id -u "$user")
  shift
  inside runuser -u "$user" -- env HOME="/home/$user" USER="$user" \
    XDG_RUNTIME_DIR="/run/user/$id" \
    DBUS_SESSION_BUS_ADDRESS="unix:path=/run/user/$id/bus" "$@"
}

# put PATH [MODE]: standard input becomes a file inside.
# shellcheck disable=SC2016
put ()
{
  inside sh -c 'mkdir -p "$(dirname "$1")"; cat >"$1"; chmod "$2" "$1"' - \
    "$1" "${2:-644}"
}

power_off ()
{
  local group
  [[ -n $container_pid ]] || return 0
  kill -s RTMIN+4 "$container_pid" 2>/dev/null
  for _ in $(seq 100); do
    kill -0 "$container_job" 2>/dev/null || break
    sleep 0.1
  done
  kill -9 "$container_pid" 2>/dev/null
  wait "$container_job" 2>/dev/null
  # Our group is left behind in a cgroup v2 tree that the machine itself has mounted.
  for group in /sys/fs/cgroup /sys/fs/cgroup/unified; do
    group+=/trundle-$(cat "$container_work/nspawn.pid")
    [[ -d $group ]] && find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
  done
  container_pid=
}

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for ()
{
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < end)) || return 1
    sleep 0.05
  done
}
