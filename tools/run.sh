#!/bin/bash
# Starts Plumbline for trying out: a private PostgreSQL (or DATABASE_URL), the schema, a sample company, an API key, the server.
#
#   DATABASE_URL       use this PostgreSQL instead of a private one in ./.local
#   SAMPLE=off         load no sample data (it is never loaded where an organisation has data already)
#   PLUMBLINE_LISTEN   listen here; otherwise 127.0.0.1:8080 or the next free port
#
#   PLUMBLINE_LOCAL    keep the database and the key there instead of ./.local
#
# What is kept is used again by the next run; remove the folder to begin anew. Ctrl-C stops everything.
set -euo pipefail
cd "$(dirname "$0")/.."
umask 022
binary=$(realpath "${BUILD:-build}/plumbline")
python=${PYTHON:-/usr/bin/python3}
mkdir -p "${PLUMBLINE_LOCAL:=$PWD/.local}"
local=$(realpath "$PLUMBLINE_LOCAL")
export LC_ALL=C.UTF-8

die() { echo "run: $*" >&2; exit 1; }

# One run a checkout. The lock goes with this process, however it ends; its children do not hold it.
exec 9>"$local/lock"
flock -n 9 || die "already running here (process $(cat "$local/run.pid" 2>/dev/null || echo unknown))"
echo $$ >"$local/run.pid"

server="" private=""
stop_all() {
	trap - EXIT INT TERM HUP
	if [ -n "$server" ]; then
		kill -TERM "$server" 2>/dev/null || true
		wait "$server" 2>/dev/null || true
	fi
	if [ -n "$private" ]; then tools/pg.sh stop "$local/pg" 9>&- || true; fi
	rm -f "$local/server.pid" "$local/run.pid"
}
trap stop_all EXIT
trap 'echo; stop_all; exit 0' INT TERM HUP

# A server whose run was killed outright still holds the port.
end_orphan() {
	local pid
	pid=$(cat "$local/server.pid" 2>/dev/null) || return 0
	if [ "$(readlink "/proc/$pid/exe" 2>/dev/null)" = "$binary" ]; then
		kill -TERM "$pid" 2>/dev/null || return 0
		for _ in $(seq 100); do [ -e "/proc/$pid" ] || break; sleep 0.1; done
	fi
}

busy() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

free_port() {
	local port=$1
	while busy "$port" || [ "$port" = "${2:-}" ]; do port=$((port + 1)); done
	echo "$port"
}

call() { # METHOD PATH: the answer; fails on anything but 2xx. The key does not stand in the process list.
	curl -sSf -X "$1" -H @<(printf 'Authorization: Bearer %s\n' "$key") "$url$2" 9>&-
}

find_key() {
	key=$(cat "$local/key" 2>/dev/null || true)
	if [ -n "$key" ] && call GET '/v1/strategies?limit=1' >/dev/null 2>&1; then return; fi
	key=$("$binary" key create --org default --scope ingest,read,strategy,admin 2>"$local/key.log" 9>&- | grep -oE 'pl_[0-9]+_[A-Za-z0-9_-]+' | head -n 1)
	[ -n "$key" ] || die "no key could be made: $(cat "$local/key.log")"
	rm -f "$local/key.log"
	(umask 077 && printf '%s\n' "$key" >"$local/key.new" && mv "$local/key.new" "$local/key")
}

load_sample() {
	[ "${SAMPLE:-on}" != off ] || return 0
	if [ ! -e "$local/sample-loading" ]; then # an unfinished load goes on, otherwise only an empty organisation is filled
		if call GET '/v1/reps?limit=1' | grep -q '"id"'; then return 0; fi
		if call GET '/v1/strategies?limit=1' | grep -q '"id"'; then return 0; fi
		date -u +%F >"$local/sample-loading"
	fi
	echo "run: loading the sample company"
	"$python" -B tools/sample/generate.py "$local/sample" --today "$(cat "$local/sample-loading")" 9>&-
	printf '%s\n' "$key" | "$python" -B tools/sample/load.py "$local/sample" "$url" 9>&-
	rm -f "$local/sample-loading"
}

end_orphan
if [ -z "${DATABASE_URL:-}" ]; then
	private=yes
	DATABASE_URL=$(tools/pg.sh start "$local/pg" 9>&-)
	export DATABASE_URL
fi
"$binary" migrate 9>&-

if [ -z "${PLUMBLINE_LISTEN:-}" ]; then
	port=$(free_port 8080)
	[ "$port" = 8080 ] || echo "run: port 8080 is taken, using $port"
	export PLUMBLINE_LISTEN=127.0.0.1:$port
fi
port=${PLUMBLINE_LISTEN##*:}
export PLUMBLINE_ADMIN_LISTEN=${PLUMBLINE_ADMIN_LISTEN-127.0.0.1:$(free_port 8081 "$port")}
case ${PLUMBLINE_LISTEN%:*} in "" | 0.0.0.0 | "[::]") host=127.0.0.1 ;; *) host=${PLUMBLINE_LISTEN%:*} ;; esac
url=http://$host:$port

# In a session of its own: Ctrl-C is for this script, which then ends the server once and in order.
setsid "$binary" serve 9>&- &
server=$!
echo "$server" >"$local/server.pid"
for _ in $(seq 300); do
	kill -0 "$server" 2>/dev/null || { wait "$server" || true; server=""; die "the server did not start"; }
	curl -sf -o /dev/null "$url/readyz" 9>&- && break
	sleep 0.05
done

find_key
load_sample

cat <<END

Dashboard: $url/#key=$key
Plumbline listens on $url    (health and metrics: http://$PLUMBLINE_ADMIN_LISTEN/metrics)
API key: $key    (kept in ${local#"$PWD/"}/key)

Who executes the strategy, who sets an own one:
  curl -H 'Authorization: Bearer $key' '$url/v1/alignment?by=rep&period=last_90d'
Where the money came from, as CSV:
  curl -H 'Authorization: Bearer $key' '$url/v1/metrics/bookings_share?by=segment&period=last_365d&format=csv'
Send it something:
  curl -X PUT -H 'Authorization: Bearer $key' -H 'Content-Type: application/json' -d '{"name":"Riverside Clinic","status":"prospect","attributes":{"industry":"healthcare","employees":420,"country":"US"}}' '$url/v1/accounts/riverside'

Ctrl-C stops it.
END

code=0
wait "$server" || code=$?
server=""
exit "$code"
