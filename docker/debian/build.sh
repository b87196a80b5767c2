#!/bin/bash
# Makes the Debian package from this tree: BUILD/deb/plumbline_VERSION_ARCHITECTURE.deb. The packaging in docker/debian goes
# where debhelper looks for it only in a copy.
set -euo pipefail
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
version=$(cat VERSION)
tree=$BUILD/deb/plumbline-$version

for program in dpkg-buildpackage dh; do
	command -v "$program" >/dev/null || { echo "deb: $program is missing: tools/deps.sh --all" >&2; exit 1; }
done
rm -rf "$BUILD/deb"
mkdir -p "$tree"
tar -c --exclude=node_modules --exclude=__pycache__ --exclude=docker/secrets \
	Makefile VERSION LICENSE CHANGELOG.md openapi.yaml server handlers sql web tools docker | tar -x -C "$tree"
cp -R docker/debian "$tree/debian"
rm "$tree/debian/build.sh"
cp docker/systemd/sysusers.conf "$tree/debian/plumbline.sysusers"
# Who hands the package out answers for it.
[ -z "${DEBEMAIL:-}" ] || sed -i "s|^Maintainer: .*|Maintainer: ${DEBFULLNAME:-Plumbline packager} <$DEBEMAIL>|" "$tree/debian/control"

# The package has its pages, unless WEB=off.
export WEB=${WEB:-on}

# The date of the last change, so that the same source gives the same package.
date=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}
cat >"$tree/debian/changelog" <<END_OF_ENTRY
plumbline ($version) unstable; urgency=medium

  * Version $version: CHANGELOG.md says what changed.

 -- $(sed -n 's/^Maintainer: //p' "$tree/debian/control")  $(LC_ALL=C date -uR -d "@$date")
END_OF_ENTRY
cd "$tree"
# What the surrounding make set is none of the package's business.
env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u BUILD -u CC -u PREFIX -u DESTDIR \
	dpkg-buildpackage -b -us -uc -j"$(nproc)" >../build.log 2>&1 || { tail -n 40 ../build.log >&2; exit 1; }
cd ..
for stamp in web reference; do
	grep -qx "$WEB" "plumbline-$version/build/$stamp.stamp" || { grep -F '***' build.log >&2; exit 1; }
done
ls -l plumbline_*.deb
