#!/bin/sh
# Builds the dashboard into BUILD/web, or says loudly that it is left out: web/make.sh BUILD on|off. BUILD/web.stamp then says which:
# "on" (built), "off" (left out on purpose) or "missing" (left out because Node or its packages could not be had: make tries again).
#
# Only a dashboard that does not compile is an error: without Node the service itself builds and runs all the same.
set -eu
cd "$(dirname "$0")"
build=$(cd .. && mkdir -p "$1" && cd "$1" && pwd)

leave_out() { # STATE WHY
	rm -rf "$build/web"
	mkdir -p "$build/web"
	echo "$1" >"$build/web.stamp"
	printf '\n  *** The dashboard is left out: %s\n  *** Everything else is built; / will say so.\n\n' "$2" >&2
	exit 0
}

[ "$2" != off ] || leave_out off "WEB=off"
command -v node >/dev/null || leave_out missing "node is not installed (make deps)."
[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 18 ] || leave_out missing "node is older than 18."

# What is installed says itself which lock file it was made from.
if ! cmp -s package-lock.json node_modules/.installed; then
	command -v npm >/dev/null || leave_out missing "npm is not installed (make deps)."
	npm ci --prefer-offline --fetch-retries=1 --fetch-retry-mintimeout=1000 --fetch-timeout=30000 --loglevel=error >&2 ||
		leave_out missing "npm could not get its packages."
	cp package-lock.json node_modules/.installed
fi
node build.mjs "$build/web"
echo on >"$build/web.stamp"
