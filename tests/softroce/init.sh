#!/bin/busybox sh
# shellcheck shell=dash
# The first program of a virtual machine, from its initramfs: loads the modules, puts the host's own
# root (9p, read-only) under an overlay in memory, and goes on in it with guest.sh. What it says is
# on the console; where it fails the machine stops.
PATH=/bin
/bin/busybox --install -s /bin

fail() {
	echo "softroce: $*"
	poweroff -f
}

for module in /modules/*; do
	insmod "$module" || echo "softroce: cannot load $module"
done

mkdir -p /lower /memory /root
mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose root /lower ||
	fail 'cannot mount the root'
mount -t tmpfs -o size=75% memory /memory || fail 'cannot mount a tmpfs'
mkdir /memory/upper /memory/work
mount -t overlay -o lowerdir=/lower,upperdir=/memory/upper,workdir=/memory/work overlay /root ||
	fail 'cannot mount the overlay'

mount -t proc proc /root/proc
mount -t sysfs sysfs /root/sys
mount -t devtmpfs devtmpfs /root/dev
mkdir -p /root/dev/shm /root/dev/pts
mount -t tmpfs -o mode=1777 shm /root/dev/shm
mount -t devpts -o mode=620,ptmxmode=666 devpts /root/dev/pts
mount -t tmpfs -o mode=755 run /root/run
mkdir -p /root/run/lock /root/run/softroce
mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=none exchange /root/run/softroce ||
	fail 'cannot mount the exchange folder'

exec switch_root /root /bin/sh /run/softroce/guest.sh
