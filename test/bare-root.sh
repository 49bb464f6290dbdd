#!/usr/bin/env bash
# Runs a command on a fresh clone of this repository's HEAD in a bare Debian root that holds only Node and npm: what
# set-up forgets to install shows there, and not on a machine that has been worked on. By hand, before a release.
#
# Usage (as root):  test/bare-root.sh [--keep] [COMMAND...]      default command: npm test
#
# The root has this machine's Debian release, Node, npm, and the settings of apt, npm, certificate authorities and proxies.
# It lies in a temporary folder, with mounts and processes in namespaces that end with the command. --keep leaves the folder.
set -euo pipefail

inside() { # ROOT COMMAND...: runs in namespaces of its own
  local root=$1 name
  shift
  # buildah's chroot isolation wants / to be a mount point: hence the bind mount, and pivot_root instead of chroot.
  mount --bind "$root" "$root"
  mount -t proc proc "$root/proc"
  mount --rbind /sys "$root/sys"
  mount --rbind /dev "$root/dev"
  local env=(HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "TERM=${TERM:-dumb}")
  while read -r name; do
    [[ $name =~ (_proxy|_PROXY|CA_CERTS|CERT_FILE|CERT_DIR|CA_BUNDLE|CAINFO)$|^NPM_CONFIG_|^(CI|FORCE_COLOR)$ ]] && env+=("$name=${!name}")
  done < <(compgen -e)
  mkdir -p "$root/.old"
  cd "$root"
  pivot_root . .old
  exec env -i "${env[@]}" sh -c 'umount -l /.old && rmdir /.old && cd /srv/layers && exec "$@"' sh "$@"
}

copy_node() { # ROOT
  local node npm
  node=$(readlink -f "$(command -v node)")
  npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
  install -D "$node" "$1/usr/local/bin/node"
  mkdir -p "$1/usr/local/lib/node_modules" "$1/usr/local/etc"
  cp -a "$npm" "$1/usr/local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$1/usr/local/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$1/usr/local/bin/npx"
  copy_if_there "$(npm config get globalconfig)" "$1/usr/local/etc/npmrc"
  copy_if_there "$(npm config get userconfig)" "$1/root/.npmrc"
}

copy_settings() { # ROOT
  local path
  rm -rf "$1/etc/apt/sources.list" "$1/etc/apt/sources.list.d"
  for path in /etc/apt /usr/local/share/ca-certificates /etc/ssl/certs/ca-certificates.crt /etc/hosts; do
    [[ -e $path ]] && cp -a --remove-destination "$path" "$1$(dirname "$path")/"
  done
  copy_if_there /etc/resolv.conf "$1/etc/resolv.conf"
}

copy_if_there() { # FROM TO
  if [[ -f $1 ]]; then cp --remove-destination "$(readlink -f "$1")" "$2"; fi
}

if [[ ${1:-} == --inside ]]; then
  shift
  inside "$@"
fi

keep=
if [[ ${1:-} == --keep ]]; then
  keep=1
  shift
fi
if [[ $# -eq 0 ]]; then set -- npm test; fi
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# A set-up with --tests puts its own Node first on the PATH of npm's scripts; the bare root gets the machine's.
PATH=$(printf %s "$PATH" | tr : '\n' | grep -v /node_modules/ | paste -sd :)

work=$(mktemp -d "${TMPDIR:-/tmp}/layers-bare-root-XXXXXX")
# Its mounts are in a namespace that is gone by then; --one-file-system is for the day when they are not.
if [[ -z $keep ]]; then trap 'rm -rf --one-file-system "$work"' EXIT; fi
root=$work/root

echo "bare-root: building $root"
mmdebstrap --quiet --variant=minbase --include=ca-certificates "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$root"
copy_node "$root"
copy_settings "$root"
git clone --quiet --no-local "$repository" "$root/srv/layers"
echo "bare-root: $* in a clone of $(git -C "$repository" log -1 --format='%h %s')"
status=0
unshare --mount --pid --fork --kill-child --propagation private "$0" --inside "$root" "$@" || status=$?
echo "bare-root: exit code $status${keep:+; the root is $root}"
exit "$status"
