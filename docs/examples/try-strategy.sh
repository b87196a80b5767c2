#!/usr/bin/env bash
# Says what a strategy would change, and changes nothing: writes the document as a draft, previews it, deletes the draft.
#
#   PLUMBLINE_KEY=pl_… docs/examples/try-strategy.sh FILE.json
#
# PLUMBLINE_URL  where the service listens (default http://127.0.0.1:8080)
# PLUMBLINE_KEY  an API key with the scope strategy
#
# Prints a line for the accounts by verdict, one for each move of accounts between tiers, and one for each warning. Needs bash, curl and jq.
set -euo pipefail

usage() { sed -n '2,9s/^# \{0,1\}//p' "$0"; }
case ${1:-} in -h | --help) usage; exit 0 ;; '') usage >&2; exit 2 ;; esac

url=${PLUMBLINE_URL:-http://127.0.0.1:8080}
key=${PLUMBLINE_KEY:?set PLUMBLINE_KEY to an API key with the scope strategy}
answer=$(mktemp)
draft=""
cleanup() {
	[ -z "$draft" ] || call DELETE "/v1/strategies/$draft" >/dev/null
	rm -f "$answer"
}
trap cleanup EXIT

# The key goes in by a file descriptor, so that it does not stand in the process list.
call() {
	local method=$1 path=$2 status
	shift 2
	status=$(curl --silent --show-error --output "$answer" --write-out '%{http_code}' --request "$method" \
		--header @<(printf 'Authorization: Bearer %s\n' "$key") "$@" "$url$path")
	if [ "$status" -lt 200 ] || [ "$status" -ge 300 ]; then
		echo "try-strategy: $method $path answered $status" >&2
		jq -r '.detail // empty, (.errors[]? | "  \(.pointer): \(.message)")' "$answer" >&2
		return 1
	fi
	cat "$answer"
}

draft=$(call POST /v1/strategies --header 'Content-Type: application/json' --data-binary "@$1" | jq -r .id)
call POST "/v1/strategies/$draft/preview" | jq -r '
	"accounts  \(.classes.on) on, \(.classes.off) off, \(.classes.unknown) unknown",
	"judged    \(.bookings.n) won deals, \(.pipeline.n) open ones",
	(.tiers[] | "move      \(.n) accounts  \(.from) → \(.to)  \(.money)"),
	(.warnings[] | "warning   \(.code)")'
