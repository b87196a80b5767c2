#!/bin/bash
# A PostgreSQL of one's own: no port, only a Unix socket in a directory nobody else may enter.
#
#   tools/pg.sh start DIR [--throw-away]   makes the cluster in DIR when there is none, starts it when it does not run; prints its URL
#   tools/pg.sh stop DIR                   stops it; fine when it does not run
#   tools/pg.sh destroy DIR                stops it and removes DIR with everything in it
#
# --throw-away: nothing of it has to survive the machine (tests): commits do not wait for the disk.
# PostgreSQL refuses to run as root: started by root it runs as user postgres. Where that user cannot get at DIR (a checkout
# under /root, a volume that knows no owners) the cluster lives under /var/tmp instead, and DIR/home says where.
set -euo pipefail
umask 077
export LC_ALL=C

die() { echo "pg.sh: $*" >&2; exit 1; }

[ $# -ge 2 ] || die "usage: tools/pg.sh start|stop|destroy DIR [--throw-away]"
action=$1
mkdir -p "$2"
dir=$(cd "$2" && pwd -P)
throw_away=${3:-}
cd /

as_owner() {
	if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

# The newest installed PostgreSQL that can run this cluster: its own version, 15 or newer for a new one.
find_programs() {
	local candidate version wanted=""
	if as_owner test -f "$home/data/PG_VERSION"; then wanted=$(as_owner cat "$home/data/PG_VERSION"); fi
	for candidate in $(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin 2>/dev/null | sort -rV) "$(pg_config --bindir 2>/dev/null || true)"; do
		[ -x "$candidate/initdb" ] && [ -x "$candidate/postgres" ] || continue
		version=$("$candidate/postgres" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
		if [ -n "$wanted" ] && [ "$version" != "$wanted" ]; then continue; fi
		if [ "$version" -ge 15 ]; then programs=$candidate; return; fi
	done
	[ -z "$wanted" ] || die "the cluster in $home is of PostgreSQL $wanted, which is not installed"
	die "PostgreSQL 15 or newer is not installed: run make deps"
}

find_home() {
	home=$dir
	if [ "$(id -u)" != 0 ]; then return; fi
	id postgres >/dev/null 2>&1 || die "there is no user postgres: run make deps"
	if [ -f "$dir/home" ]; then home=$(cat "$dir/home"); return; fi
	if chown postgres: "$dir" 2>/dev/null && as_owner test -w "$dir" -a -x "$dir"; then return; fi
	home=/var/tmp/plumbline-$(printf %s "$dir" | cksum | cut -d' ' -f1)
	as_owner mkdir -p -m 700 "$home"
	[ "$(stat -c %U "$home")" = postgres ] || die "$home belongs to someone else"
	echo "$home" >"$dir/home"
}

# The path of a socket holds about 100 bytes; a deep checkout has a longer one.
find_socket() {
	socket=$home/s
	if [ "${#socket}" -gt 85 ]; then
		socket=/tmp/plumbline-$(id -u)-$(printf %s "$home" | cksum | cut -d' ' -f1)
	fi
	as_owner mkdir -p -m 700 "$socket"
	as_owner test -O "$socket" || die "$socket belongs to someone else"
}

url() {
	local text=$socket encoded="" i character
	for ((i = 0; i < ${#text}; i++)); do
		character=${text:i:1}
		case $character in
		[a-zA-Z0-9._~/-]) encoded+=$character ;;
		*) printf -v character '%%%02X' "'$character"; encoded+=$character ;;
		esac
	done
	echo "postgresql://postgres@/postgres?host=$encoded&port=5432"
}

# The pid file may be left from a crash, and its number may belong to another program by now.
running() {
	local pid
	pid=$(as_owner head -n1 "$home/data/postmaster.pid" 2>/dev/null) || return 1
	[ "$(cat "/proc/$pid/comm" 2>/dev/null)" = postgres ] && tr '\0' '\n' <"/proc/$pid/cmdline" | grep -qxF "$home/data"
}

make_cluster() {
	local locale=C
	if locale -a 2>/dev/null | grep -qix 'c\.utf-\?8'; then locale=C.UTF-8; fi
	as_owner rm -rf "$home/data.new"
	as_owner "$programs/initdb" -D "$home/data.new" -U postgres -A trust -E UTF8 --locale="$locale" --no-sync >"$dir/initdb.log" 2>&1 ||
		die "initdb failed:
$(cat "$dir/initdb.log")"
	as_owner sh -c 'echo "include '\''own.conf'\''" >>"$1/postgresql.conf" && mv "$1" "$2"' sh "$home/data.new" "$home/data"
}

configure() {
	local quoted=${socket//\'/\'\'}
	{
		echo "listen_addresses = ''"
		echo "unix_socket_directories = '\"$quoted\"'"
		echo "port = 5432"
		echo "timezone = 'UTC'"
		echo "log_timezone = 'UTC'"
		echo "max_connections = 300"
		# Killing processes loses nothing that was handed to the kernel, so tests of crashes hold with this too.
		if [ "$throw_away" = --throw-away ]; then printf '%s\n' 'fsync = off' 'full_page_writes = off'; fi
	} | as_owner sh -c 'cat >"$1"' sh "$home/data/own.conf"
}

# The allocator of glibc gives memory back to the kernel after every larger statement and asks for it anew with the next, page
# by page: with this it keeps some, and a backend that folds events needs about a tenth less of the processor.
keeping_memory=(env MALLOC_TOP_PAD_=4194304 MALLOC_TRIM_THRESHOLD_=268435456 MALLOC_MMAP_THRESHOLD_=67108864)

start() {
	find_programs
	find_socket
	if running && "$programs/pg_isready" -q -h "$socket" -p 5432; then url; return; fi
	as_owner test -d "$home/data" || make_cluster
	if ! running; then as_owner rm -f "$home/data/postmaster.pid" "$socket/.s.PGSQL.5432" "$socket/.s.PGSQL.5432.lock"; fi
	configure
	if ! running; then
		as_owner "${keeping_memory[@]}" "$programs/pg_ctl" -D "$home/data" -l "$home/log" -t 120 -s -w start >/dev/null 2>&1 </dev/null ||
			die "PostgreSQL did not start:
$(as_owner tail -n 20 "$home/log")"
	else # started by someone a moment ago
		for _ in $(seq 100); do "$programs/pg_isready" -q -h "$socket" -p 5432 && break; sleep 0.1; done
	fi
	url
}

stop() {
	if ! running; then return 0; fi
	find_programs
	as_owner "$programs/pg_ctl" -D "$home/data" -m fast -t 60 -s -w stop >/dev/null
}

find_home
case $action in
start) start ;;
stop) stop ;;
destroy)
	stop
	find_socket
	rm -rf "$socket" "$home" "$dir"
	;;
*) die "unknown action $action" ;;
esac
