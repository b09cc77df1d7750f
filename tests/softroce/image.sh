#!/usr/bin/env bash
# Makes what a machine boots from, once: build/softroce/image/ with Debian's kernel (its package is
# downloaded and unpacked, never installed) and an initramfs of busybox, init.sh and the modules
# named below. Nothing is done where it is all there and of the sources as they are.
# run.sh and pair.sh call it.
# Exit code 77, after a line saying why: a machine cannot be had here. 1 instead where
# STRADS_REQUIRE_SOFTROCE is set.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."

# Loaded in this order, what each depends on before it. Without crc32_generic no rxe device appears.
modules=(virtio_pci virtio_rng 9pnet_virtio 9p overlay crc32_generic rdma_rxe rdma_ucm ib_uverbs veth
	sch_netem virtio_net)
image=$PWD/build/softroce/image

skip() {
	if [ -n "${STRADS_REQUIRE_SOFTROCE:-}" ]; then
		echo "no virtual machine, but STRADS_REQUIRE_SOFTROCE is set: $*"
		exit 1
	fi
	echo "skipped: $*"
	exit 77
}

[ "$(uname -m)" = x86_64 ] || skip "the virtual machine is an x86_64 one, this is $(uname -m)"
PATH=$PATH:/usr/sbin:/sbin
for tool in qemu-system-x86_64 busybox cpio depmod strip xz ip rdma; do
	command -v $tool >/dev/null ||
		skip "no $tool; deploy/install.sh softroce installs what a virtual machine needs"
done

stamp=$(cat "$here/image.sh" "$here/init.sh" | sha256sum)
if [ "$(cat "$image/stamp" 2>/dev/null)" = "$stamp" ]; then exit 0; fi

folder=$image.new
rm -rf "$image" "$folder"
mkdir -p "$folder"
trap 'rm -rf "$folder"' EXIT
cd "$folder"

# The package lists may be missing, or name a version that the mirror no longer has.
download() {
	local kernel
	kernel=$(apt-cache depends linux-image-amd64 2>/dev/null |
		sed -n 's/.*Depends: \(linux-image-[0-9].*-amd64\)$/\1/p' | tail -n 1)
	[ -n "$kernel" ] && apt-get download -qq "$kernel" 2>download.log
}
echo "Downloading a kernel for the virtual machine"
download || { apt-get update -qq >/dev/null 2>&1 && download; } ||
	skip "the package of linux-image-amd64 cannot be downloaded: $(tail -n 1 download.log)"
dpkg-deb -x linux-image-*.deb kernel
release=$(basename kernel/lib/modules/*)
depmod -b kernel "$release"

# Decompressing the kernel is work that need not be emulated at every boot: where it is packed with
# xz, boot what is inside it, by the entry (PVH) that Debian's kernels have.
mv kernel/boot/vmlinuz-* vmlinuz
offset=$(LC_ALL=C grep -obUaP '\xfd7zXZ\x00' vmlinuz | head -n 1 | cut -d : -f 1 || true)
if [ -n "$offset" ] &&
	xz -dc --single-stream < <(tail -c +$((offset + 1)) vmlinuz) >vmlinux 2>/dev/null; then
	mv vmlinux vmlinuz
else
	rm -f vmlinux
fi

# load_order NAME…: the modules' files in the order to load them, each once. A line of modules.dep
# is a file and what it depends on, nearest first.
load_order() {
	local name line file
	for name in "$@"; do
		line=$(grep -E "/${name//_/[_-]}\.ko[.a-z]*:" "kernel/lib/modules/$release/modules.dep") ||
			continue # built into the kernel
		for file in $(tr ' ' '\n' <<<"${line/:/}" | tac); do echo "$file"; done
	done | awk '!seen[$0]++'
}

mkdir -p root/bin root/modules
cp "$(command -v busybox)" root/bin/busybox
cp "$here/init.sh" root/init
chmod 755 root/init
number=100
for file in $(load_order "${modules[@]}"); do
	target=root/modules/$number-$(basename "$file")
	cp "kernel/lib/modules/$release/$file" "$target"
	case $target in *.xz) xz -d "$target" ;; esac
	# Without its signature, which would be checked at every boot.
	strip --strip-debug "${target%.xz}"
	number=$((number + 1))
done
(cd root && find . | cpio -o -H newc -R 0:0 --quiet) >initramfs

rm -rf root kernel linux-image-*.deb download.log
echo "$stamp" >stamp
mv "$folder" "$image"
trap - EXIT
