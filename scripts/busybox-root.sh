#!/bin/sh
# Turns a root folder into which busybox was unpacked into a small system like Alpine: busybox's commands,
# two users, the certificates.
#
#   scripts/busybox-root.sh ROOT CA_BUNDLE
set -eu
new_root=$1
ca_bundle=$2

cd "$new_root"
# In usr/bin if /bin is a link to it (merged /usr).
busybox=$(find bin usr/bin -name busybox -type f 2>/dev/null | head -n 1)
mkdir -p bin sbin usr/bin usr/sbin usr/local/bin etc/ssl/certs root tmp
chroot . "/$busybox" --install -s
printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >etc/passwd
printf 'root:x:0:\nnogroup:x:65534:\n' >etc/group
cp "$ca_bundle" etc/ssl/certs/
rm -rf etc/apt etc/dpkg usr/share var/lib/dpkg var/lib/apt var/cache
