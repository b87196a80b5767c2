#!/bin/bash
# Builds the image and runs it the way compose.yaml does, against a PostgreSQL of this machine: not root, no capabilities, read-only
# root file system, its own health check, SIGTERM. By buildah and crun, so no engine and no registry is needed. As root.
#
# What has been built is kept in BUILD/base/containers, and the next check begins with that.
set -euo pipefail
cd "$(dirname "$0")/.."
BUILD=$(realpath "${BUILD:-build}")
version=$(cat VERSION)

die() { echo "check-image: $*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || die "needs root: it makes file systems and containers"
for program in mmdebstrap buildah crun jq; do command -v "$program" >/dev/null || die "$program is missing: tools/deps.sh --all"; done
work=$(mktemp -d /var/tmp/plumbline-image.XXXXXX)
chmod 711 "$work"
name=plumbline-check-$$
container=""

image() { BUILDAH_ISOLATION=chroot buildah --root "$BUILD/base/containers" --runroot "$work/run" "$@"; }

clean_up() {
	runtime kill "$name" KILL 2>/dev/null || true
	runtime delete -f "$name" 2>/dev/null || true
	[ -z "$container" ] || image rm "$container" >/dev/null || true
	tools/pg.sh destroy "$work/pg" || true
	rm -rf "$work"
}

# crun takes no mixture of both kinds of control groups, which is what a machine without systemd may have: it is not shown one.
runtime() {
	unshare --mount sh -c 'grep -q " cgroup rw" /proc/mounts && umount -t cgroup2 -a; exec crun --root "$0" --cgroup-manager=disabled "$@"' "$work/crun" "$@"
}
trap clean_up EXIT

import_base() {
	image inspect --type image debian:bookworm-slim >/dev/null 2>&1 && return
	BUILD=$BUILD docker/base.sh
	local base
	base=$(image from scratch)
	image add "$base" "$BUILD/base/debian.tar" / >/dev/null
	image config --cmd /bin/bash "$base"
	image commit --quiet --rm "$base" docker.io/library/debian:bookworm-slim >/dev/null
}

free_port() {
	/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# What compose.yaml asks for, in the words of a runtime. The network is this machine's, so it listens on loopback alone.
configure() { # ROOTFS SOCKET
	(cd "$work" && crun spec)
	image inspect --type image plumbline:check | jq '.Docker.config' >"$work/image.json"
	jq --slurpfile image "$work/image.json" --arg rootfs "$1" --arg socket "$2" --arg api "127.0.0.1:$api" --arg admin "127.0.0.1:$admin" '
		$image[0] as $image | ($image.User | split(":") | map(tonumber)) as $user
		| .root = {path: $rootfs, readonly: true}
		| .process += {terminal: false, args: ($image.Entrypoint + $image.Cmd), user: {uid: $user[0], gid: $user[1]}, noNewPrivileges: true,
			capabilities: {bounding: [], effective: [], permitted: [], inheritable: [], ambient: []},
			env: ($image.Env + ["DATABASE_URL_FILE=/run/secrets/database_url", "PLUMBLINE_LISTEN=" + $api, "PLUMBLINE_ADMIN_LISTEN=" + $admin])}
		| .linux.namespaces |= map(select(.type != "network" and .type != "cgroup"))
		| del(.linux.resources)
		| .mounts |= map(select(.type != "cgroup"))
		| .mounts += [{destination: "/run/secrets/database_url", type: "bind", source: ($socket + "/url"), options: ["bind", "ro"]},
			{destination: "/run/postgresql", type: "bind", source: ($socket + "/s"), options: ["bind"]}]' "$work/config.json" >"$work/new.json"
	mv "$work/new.json" "$work/config.json"
}

in_container() { runtime exec "$name" "$@"; }

call() { curl -sSf -H "Authorization: Bearer $key" -H 'Content-Type: application/json' "$@"; }

import_base
# What npm has brought to this checkout is not fetched a second time.
packages=()
for part in web web/reference; do
	cmp -s $part/package-lock.json $part/node_modules/.installed || continue
	packages+=(--volume "$PWD/$part/node_modules:/src/$part/node_modules:ro")
done
image bud ${packages[@]+"${packages[@]}"} --pull-never --layers --quiet --format docker -t plumbline:check -f docker/Dockerfile . >"$work/build.log" 2>&1 || die "$(tail -n 40 "$work/build.log")"
echo "ok: built"

url=$(tools/pg.sh start "$work/pg" --throw-away)
socket=$(sed 's/.*host=\([^&]*\).*/\1/' <<<"$url")
psql -Xq -d "$url" -c 'CREATE ROLE plumbline LOGIN' -c 'CREATE DATABASE plumbline OWNER plumbline'
chmod 711 "$(dirname "$socket")" "$socket" # the guest is another user than those of this machine
mkdir "$work/guest"
ln -s "$socket" "$work/guest/s"
printf 'postgresql://plumbline@/plumbline?host=/run/postgresql' >"$work/guest/url"
chmod 644 "$work/guest/url"
api=$(free_port) admin=$(free_port)
container=$(image from --pull-never localhost/plumbline:check)
rootfs=$(image mount "$container")
configure "$rootfs" "$work/guest"
echo "bytes: file system $(du -sb --one-file-system "$rootfs" | cut -f1), of it the base $(tar -tvf "$BUILD/base/debian.tar" | awk '{sum += $3} END {print sum}')," \
	"the program $(stat -c %s "$rootfs/usr/local/bin/plumbline")"

(cd "$work" && runtime run "$name" >"$work/log" 2>&1; echo $? >"$work/code") &
health=$(jq -c '.Healthcheck.Test[1:]' "$work/image.json")
mapfile -t probe < <(jq -r '.[]' <<<"$health")
for _ in $(seq 300); do in_container "${probe[@]}" >/dev/null 2>&1 && break; sleep 0.2; done
in_container "${probe[@]}" || die "not healthy by $health: $(tail -n 20 "$work/log")"
echo "ok: healthy by $health"

pid=$(runtime state "$name" | jq .pid)
[ "$(stat -c %u "/proc/$pid")" = 10001 ] || die "it does not run as the user of the image"
grep -q '^CapBnd:[[:space:]]*0*$' "/proc/$pid/status" || die "it has capabilities"
grep -q '^NoNewPrivs:[[:space:]]*1$' "/proc/$pid/status" || die "it may get privileges"
! in_container sh -c 'echo x >/x || echo x >/tmp/x' 2>/dev/null || die "its root file system can be written"
echo "ok: user 10001, no capabilities, read-only root file system"

key=$(in_container plumbline key create --scope ingest,read 2>/dev/null)
call -X PUT -d '{"name":"Ann"}' "http://127.0.0.1:$api/v1/reps/ann" >/dev/null
call "http://127.0.0.1:$api/v1/reps/ann" | grep -q '"Ann"'
curl -sSf "http://127.0.0.1:$admin/metrics" | grep -c '^plumbline_' >"$work/metrics"
curl -sS "http://127.0.0.1:$api/" | head -c 200 | grep -qi '<!doctype html' || die "there is no dashboard"
curl -sSf "http://127.0.0.1:$api/docs" | head -c 200 | grep -qi '<!doctype html' || die "there is no page of the API reference"
in_container plumbline check-health --ready
in_container plumbline version | grep -qx "plumbline $version"
echo "ok: serves the API, the dashboard, its reference and $(cat "$work/metrics") lines of metrics"

runtime kill "$name" TERM
for _ in $(seq 300); do [ -s "$work/code" ] && break; sleep 0.2; done
[ "$(cat "$work/code" 2>/dev/null)" = 0 ] || die "SIGTERM: exit $(cat "$work/code"): $(tail -n 5 "$work/log")"
tail -n 1 "$work/log"
echo "check-image: passed"
