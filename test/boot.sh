#!/bin/bash
# Boots an image as a node would, over HTTP in an emulated machine, and succeeds when it asks for a login. Run by hand:
#
#   test/boot.sh KERNEL INITRAMFS SQUASHFS [SECONDS]
#   test/boot.sh .images/s3/boot-images/efi-images/compute/{vmlinuz-*,initrd-*} \
#     .images/s3/boot-images/compute/debian12-debian-compute-12
#
# Needs qemu-system-x86 and python3. It takes 3 to 4 minutes; with KVM=1, where that works, seconds. The serial console goes to standard output.
set -euo pipefail

kernel=${1:?kernel} initramfs=${2:?initramfs} squashfs=${3:?squashfs} seconds=${4:-600}
work=$(mktemp -d)
pids=()
trap 'for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; rm -rf "$work"' EXIT

# The folder that is served holds nothing else; port 0 takes a free one, and the server says which.
mkdir "$work/served"
ln -s "$(realpath "$squashfs")" "$work/served/rootfs.sqfs"
python3 -u -m http.server 0 --bind 127.0.0.1 --directory "$work/served" >"$work/http.log" 2>&1 &
pids+=($!)
until port=$(grep -oPm1 '(?<=port )\d+' "$work/http.log"); do sleep 0.1; done

accel=(-accel 'tcg,thread=single' -cpu 'max,la57=off') # threads of its own crash TCG now and then
# Not by itself where /dev/kvm is there: nested, it often cannot run this kernel.
if [ "${KVM:-}" = 1 ]; then accel=(-accel kvm -cpu host); fi
mkfifo "$work/console"
qemu-system-x86_64 -M q35 "${accel[@]}" -smp 1 -m 2048 -nographic -no-reboot \
  -nic user,model=virtio-net-pci -device virtio-rng-pci -kernel "$kernel" -initrd "$initramfs" \
  -append "root=live:http://10.0.2.2:$port/rootfs.sqfs ip=dhcp rd.neednet=1 rd.live.image rd.live.overlay.overlayfs=1 ro console=ttyS0" \
  </dev/null >"$work/console" 2>&1 &
pids+=($!)

# A login prompt, not "poweroff": that can hang. The prompt has no line end, so characters are read as they come.
started=$SECONDS line=''
while IFS= read -r -N 1 -t "$seconds" character; do
  printf '%s' "$character"
  if [ "$character" = $'\n' ]; then line=''; else line+=$character; fi
  if [[ $line == *' login:' ]]; then
    printf '\nboot.sh: a login prompt after %d s\n' $((SECONDS - started))
    exit 0
  fi
  ((SECONDS - started < seconds)) || break
done <"$work/console"
printf '\nboot.sh: no login prompt within %d s\n' $((SECONDS - started)) >&2
exit 1
