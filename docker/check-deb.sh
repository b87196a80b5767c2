#!/bin/bash
# Checks the package of `make deb` for real: lintian; installed and purged where no systemd runs; then a Debian is booted with
# systemd and a PostgreSQL, and docker/check-deb-inside.sh goes through the life of the package there. As root.
set -euo pipefail
cd "$(dirname "$0")/.."
BUILD=$(realpath "${BUILD:-build}")
version=$(cat VERSION)
changes=$(ls "$BUILD"/deb/plumbline_*.changes)
package=$(ls "$BUILD"/deb/plumbline_*.deb)

die() { echo "check-deb: $*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || die "needs root: it makes file systems and boots one"
for program in lintian mmdebstrap systemd-nspawn; do command -v "$program" >/dev/null || die "$program is missing: tools/deps.sh --all"; done
work=$(mktemp -d /var/tmp/plumbline-deb.XXXXXX)
root=$work/root
groups=()

clean_up() {
	for group in ${groups[@]+"${groups[@]}"}; do find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true; done
	rm -rf "$work"
}
trap clean_up EXIT

# The program in the file system of the package's guest, with what installing needs and no running systemd.
in_root() {
	unshare --mount --pid --fork sh -c 'mount -t proc proc "$0/proc" && mount --bind /dev "$0/dev" && exec chroot "$0" "$@"' "$root" \
		env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

make_system() {
	[ ! -s "$BUILD/base/system.tar" ] || return 0
	BUILD=$BUILD docker/base.sh
	mkdir "$root"
	tar -xf "$BUILD/base/debian.tar" -C "$root"
	cp /etc/resolv.conf "$root/etc/resolv.conf"
	echo "making $BUILD/base/system.tar"
	in_root sh -c 'apt-get update -q && apt-get install -y -q --no-install-recommends systemd systemd-sysv libnss-systemd dbus postgresql-15 curl' >"$work/log" 2>&1 ||
		die "$(tail -n 20 "$work/log")"
	tar -cf "$BUILD/base/new.tar" -C "$root" .
	mv "$BUILD/base/new.tar" "$BUILD/base/system.tar"
	rm -rf "$root"
}

# The same package under a lower number, to be upgraded.
make_older() {
	dpkg-deb -R "$package" "$work/older"
	sed -i 's/^Version: .*/Version: 0.0.1/' "$work/older/DEBIAN/control"
	dpkg-deb --root-owner-group -b "$work/older" "$root/check/older.deb" >/dev/null
}

# Without a systemd to speak to, as in a chroot or an image; brings what the package depends on, from the archive.
install_without_systemd() {
	in_root sh -c 'apt-get update -q && apt-get install -y -q --no-install-recommends /check/newer.deb' >"$work/log" 2>&1 ||
		die "$(tail -n 20 "$work/log")"
	grep -q 'createuser plumbline' "$work/log" || die "the installation does not say what to do next"
	in_root plumbline version | grep -qx "plumbline $version" || die "it does not run"
	in_root getent passwd plumbline | grep -q ':/usr/sbin/nologin$' || die "it has no user"
	in_root dpkg -P plumbline >"$work/log" 2>&1 || die "$(cat "$work/log")"
	[ -z "$(find "$root" -xdev -name '*plumbline*' -not -path "$root/check/*")" ] || die "purged, but: $(find "$root" -xdev -name '*plumbline*')"
	echo "ok: installed and purged without systemd"
}

# systemd-nspawn asks the systemd of this machine for a place among the control groups; where there is none, it takes that of its caller.
boot() {
	local options=() group
	if [ ! -d /run/systemd/system ]; then
		options=(--register=no --keep-unit)
		for group in $(awk '$3 == "cgroup2" || ($3 == "cgroup" && $4 ~ /name=systemd/) {print $2 "/plumbline-check-'$$'"}' /proc/mounts); do
			mkdir "$group"
			groups+=("$group")
		done
	fi
	(
		for group in ${groups[@]+"${groups[@]}"}; do echo "$BASHPID" >"$group/cgroup.procs"; done
		exec timeout 600 systemd-nspawn --quiet ${options[@]+"${options[@]}"} --private-network --console=read-only -D "$root" -b
	) >"$work/console" 2>&1 </dev/null || true
}

lintian --info --display-info --fail-on error,warning "$changes" || die "lintian"
echo "ok: lintian"
make_system
mkdir "$root"
tar -xf "$BUILD/base/system.tar" -C "$root"
cp /etc/resolv.conf "$root/etc/resolv.conf"
mkdir "$root/check"
cp "$package" "$root/check/newer.deb"
make_older
install_without_systemd
install -m 755 docker/check-deb-inside.sh "$root/check/inside.sh"
cat >"$root/etc/systemd/system/package-check.service" <<END_OF_UNIT
[Unit]
After=postgresql.service postgresql@15-main.service
[Service]
Type=oneshot
ExecStart=/check/inside.sh $version
ExecStopPost=/usr/bin/systemctl --no-block poweroff
StandardOutput=file:/check/log
StandardError=inherit
END_OF_UNIT
ln -s ../package-check.service "$root/etc/systemd/system/multi-user.target.wants/package-check.service"
boot
cat "$root/check/log" 2>/dev/null || die "it did not boot: $(tail -n 20 "$work/console")"
[ "$(cat "$root/check/code" 2>/dev/null)" = 0 ] || die "the package does not do what it should"
echo "check-deb: passed"
