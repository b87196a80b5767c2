#!/bin/bash
# Makes BUILD/base/debian.tar when it is not there: a Debian 12 from the archive, without documentation and translations as in
# the image debian:bookworm-slim. For checks that have to run where no registry of images is at hand. As root.
set -euo pipefail
cd "$(dirname "$0")/.."
base=${BUILD:-build}/base
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
security=${DEBIAN_SECURITY_MIRROR:-http://deb.debian.org/debian-security}

[ ! -s "$base/debian.tar" ] || exit 0
mkdir -p "$base"
echo "making $base/debian.tar"
mmdebstrap --quiet --variant=minbase \
	--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
	--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
	bookworm "$base/new.tar" "deb $mirror bookworm main" "deb $mirror bookworm-updates main" "deb $security bookworm-security main"
mv "$base/new.tar" "$base/debian.tar"
