#!/bin/sh
# Installs what building, running and testing need: tools/deps.sh [--build | --run | --all]. Does nothing, and asks for nothing, when it is all there.
#
# --build stops at what compiles the binary (images, packages), --run at what `make run` uses besides.
# --all adds what only single targets want: clang (fuzz, build with clang), clang-tidy and cppcheck (lint), gcovr (cover),
# valgrind, wrk and Go with pgx (bench), debhelper (deb), lintian, mmdebstrap and systemd-container (check-deb), buildah and crun (check-image);
# tests skip what these bring when they are not there: npm packages (the contract against other people's tools), prometheus
# (promtool), pgbouncer, haproxy and nginx (docs/operations.md), mandoc, docker-compose (compose.yaml), faketime.
set -eu
export LC_ALL=C

# gcc, libc6-dev … : the build; node: the dashboard. The generator of the C from SQL and YAML needs python3-yaml.
# postgresql, curl, jq … : make run and the tools; check, pgtap, jsonschema, chromium and fonts for it: make test.
BUILDING="gcc libc6-dev make binutils pkg-config ca-certificates python3 python3-yaml
	libmicrohttpd-dev libgnutls28-dev libjansson-dev libpq-dev libsodium-dev libcurl4-openssl-dev zlib1g-dev libcsv-dev"
command -v npm >/dev/null || BUILDING="$BUILDING nodejs npm" # other distributors of node pack both in one
RUNNING="$BUILDING
	postgresql-15 postgresql-client-15 curl jq procps bsdextrautils"
WANTED="$RUNNING
	check postgresql-15-pgtap python3-jsonschema chromium fonts-liberation"
EXTRA="clang clang-tidy cppcheck gcovr valgrind wrk golang-go golang-github-jackc-pgx-v4-dev prometheus pgbouncer haproxy nginx-light faketime shellcheck
	debhelper dpkg-dev lintian mandoc mmdebstrap systemd-container buildah crun docker-compose"

class="test"
case ${1:-} in
"") ;;
--build) WANTED=$BUILDING class=build ;;
--run) WANTED=$RUNNING class=run ;;
--all) WANTED="$WANTED $EXTRA" class=all ;;
*) echo "usage: tools/deps.sh [--build | --run | --all]" >&2; exit 2 ;;
esac

# Elsewhere only what is there can be asked for, not which package brings it.
present() {
	for program in gcc make pkg-config psql curl jq "${PYTHON:-/usr/bin/python3}"; do command -v "$program" >/dev/null || return 1; done
	pkg-config --exists libmicrohttpd gnutls jansson libpq libsodium libcurl zlib check
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	if present; then
		echo "deps: everything seems to be there"
		exit 0
	fi
	echo "This is not Debian or a relative of it. Install the equivalents of:" >&2
	echo $WANTED >&2
	exit 1
fi

missing() {
	installed=" $(dpkg-query -W -f '${Package}=${db:Status-Status} ' $WANTED 2>/dev/null || true)"
	for package in $WANTED; do
		case $installed in *" $package=installed "*) ;; *) printf '%s ' "$package" ;; esac
	done
}

# A release with a newer PostgreSQL has its packages under that number.
pick_postgresql() {
	apt-cache show postgresql-15 >/dev/null 2>&1 && return
	version=$(apt-cache depends postgresql 2>/dev/null | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p' | head -n 1)
	[ -z "$version" ] || WANTED=$(echo "$WANTED" | sed "s/postgresql-15/postgresql-$version/; s/postgresql-client-15/postgresql-client-$version/; s/postgresql-15-pgtap/postgresql-$version-pgtap/")
}

# What tests use from npm, in the versions of the lock files. Without a registry everything but those tests goes on.
install_locked() {
	cmp -s "$1/package-lock.json" "$1/node_modules/.installed" && return 0
	npm ci --prefix "$1" --fetch-retries=1 --fetch-retry-mintimeout=1000 --loglevel=error && cp "$1/package-lock.json" "$1/node_modules/.installed"
}
npm_packages() {
	case $class in build | run) return 0 ;; esac
	command -v npm >/dev/null || return 0
	tests=$(dirname "$0")/../tests
	install_locked "$tests/web" || echo "deps: no packages for tests/web: the tests of the dashboard will be skipped" >&2
	[ "$class" != all ] || { install_locked "$tests/contract" && install_locked "$tests/bench/peer"; }
}

needed=$(missing)
if [ -n "$needed" ]; then
	pick_postgresql
	needed=$(missing)
fi
if [ -z "$needed" ]; then
	npm_packages
	echo "deps: everything is there"
	exit 0
fi

as_root=""
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "deps: missing: $needed" >&2
		echo "Neither root nor sudo. As root run: apt-get update && apt-get install --no-install-recommends $needed" >&2
		exit 1
	fi
	as_root=sudo
fi

$as_root apt-get update
pick_postgresql
needed=$(missing)
echo "deps: installing $needed"
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $needed
npm_packages
