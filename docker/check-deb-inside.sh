#!/bin/bash
# The life of the package on a booted Debian: check-deb-inside.sh VERSION. Run by docker/check-deb.sh, alone on that system.
set -eEuo pipefail
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 HOME=/root
settings=/etc/default/plumbline

end() {
	local code=$?
	[ "$code" = 0 ] || journalctl -u plumbline --no-pager -n 40 || true
	echo "$code" >/check/code
}
trap end EXIT
trap 'echo "FAILED: line $LINENO: $BASH_COMMAND"' ERR

expect() { # WANTED COMMAND…
	local wanted=$1 got
	shift
	got=$("$@" 2>&1 || true)
	[ "$got" = "$wanted" ] || { echo "FAILED: $*: \"$got\", not \"$wanted\""; exit 1; }
	echo "ok: $*: $got"
}

state() { systemctl show --value --property "$1" plumbline; }

ready() {
	for _ in $(seq 300); do plumbline check-health --ready >/dev/null 2>&1 && { echo "ok: ready $1"; return; }; sleep 0.2; done
	echo "FAILED: not ready $1"
	exit 1
}

call() { curl -sSf -H "Authorization: Bearer $key" -H 'Content-Type: application/json' "$@"; }

gone() {
	if grep -qsx plumbline /proc/[0-9]*/comm; then echo "FAILED: a process of it runs"; exit 1; fi
	echo "ok: no process of it runs"
}

installed() { dpkg-query -W -f '${Version}' plumbline; }

dpkg -i /check/older.deb >/check/said 2>&1
grep -q 'createuser plumbline' /check/said
expect disabled systemctl is-enabled plumbline
expect inactive systemctl is-active plumbline
expect "640 root root" stat -c '%a %U %G' $settings

runuser -u postgres -- createuser plumbline
runuser -u postgres -- createdb --owner=plumbline plumbline
echo 'DATABASE_URL=postgresql:///plumbline?host=/run/postgresql' >>$settings
systemctl enable --now plumbline 2>/dev/null
ready "after it was enabled"
expect plumbline stat -c %U "/proc/$(state MainPID)"
key=$(sh -c "set -a; . $settings; exec runuser -u plumbline -- plumbline key create --scope ingest,read")
call -X PUT -d '{"name":"Ann"}' http://127.0.0.1:8080/v1/reps/ann >/dev/null
call http://127.0.0.1:8080/v1/reps/ann | grep -q '"Ann"'
echo "ok: written and read"

before=$(state MainPID)
dpkg -i /check/newer.deb >/check/said 2>&1
expect "$1" installed
ready "after the upgrade"
[ "$(state MainPID)" != "$before" ] || { echo "FAILED: the old process serves on"; exit 1; }
grep -q ^DATABASE_URL $settings
call http://127.0.0.1:8080/v1/reps/ann | grep -q '"Ann"'
echo "ok: settings and data are what they were"

before=$(state MainPID)
systemctl reload plumbline
ready "after a reload"
expect "$before" state MainPID

expect "" systemd-analyze verify --man=no /lib/systemd/system/plumbline.service
systemd-analyze security --no-pager --threshold=20 plumbline | tail -n 1

systemctl stop plumbline
expect success state Result
expect 0 state ExecMainStatus
journalctl -u plumbline --no-pager -o cat | grep 'all requests answered' | tail -n 1

cp -p $settings /check/settings
echo 'PLUMBLINE_WORKERS=many' >>$settings
systemctl start plumbline 2>/dev/null || true
sleep 3
expect failed systemctl is-active plumbline
expect 0 state NRestarts
cp -p /check/settings $settings

systemctl start plumbline
ready "with its settings mended"
dpkg -r plumbline >/dev/null 2>&1
gone
grep -q ^DATABASE_URL $settings
dpkg -i /check/newer.deb >/dev/null 2>&1
ready "installed again, as its settings were still there"
dpkg -P plumbline >/dev/null 2>&1
gone
expect "" find / -xdev -name '*plumbline*' -not -path '/var/lib/postgresql/*' -not -path '/check/*'
