#!/bin/sh
# Puts the page that shows openapi.yaml into BUILD/reference/docs, or says that it is left out: web/reference/make.sh BUILD on|off.
# BUILD/reference.stamp then says which: "on", "off" (on purpose) or "missing" (npm or its packages could not be had: make tries again).
set -eu
cd "$(dirname "$0")"
build=$(cd ../.. && mkdir -p "$1" && cd "$1" && pwd)

leave_out() { # STATE WHY
	rm -rf "$build/reference"
	mkdir -p "$build/reference"
	echo "$1" >"$build/reference.stamp"
	printf '  *** The page of the API reference is left out: %s\n' "$2" >&2
	exit 0
}

[ "$2" != off ] || leave_out off "WEB=off"
if ! cmp -s package-lock.json node_modules/.installed; then
	command -v npm >/dev/null || leave_out missing "npm is not installed (make deps)."
	npm ci --prefer-offline --fetch-retries=1 --fetch-retry-mintimeout=1000 --fetch-timeout=30000 --loglevel=error >&2 ||
		leave_out missing "npm could not get its packages."
	cp package-lock.json node_modules/.installed
fi
viewer=node_modules/swagger-ui-dist
rm -rf "$build/reference.new"
mkdir -p "$build/reference.new/docs"
cp index.html reference.css reference.js "$viewer/swagger-ui.css" "$viewer/swagger-ui-bundle.js" "$build/reference.new/docs"
# The licence wants to be where the code is.
cat "$viewer/NOTICE" "$viewer/swagger-ui-bundle.js.LICENSE.txt" "$viewer/LICENSE" >"$build/reference.new/docs/licences.txt"
rm -rf "$build/reference"
mv "$build/reference.new" "$build/reference"
echo on >"$build/reference.stamp"
