#!/usr/bin/env bash
# Loads the public "CRM Sales Opportunities" data set (Maven Analytics) through the API and publishes its strategy.
#
#   PLUMBLINE_KEY=pl_… docs/examples/load-crm.sh FOLDER
#
# FOLDER holds sales_teams.csv, accounts.csv, products.csv, sales_pipeline.csv and strategy.json.
# PLUMBLINE_URL  where the service listens (default http://127.0.0.1:8080)
# PLUMBLINE_KEY  an API key with the scopes ingest and strategy
#
# It can be run again without harm: every event carries its time, so the service knows it (duplicate), and a strategy
# that is published under the same name is left alone. Needs bash, curl, awk and jq.
set -euo pipefail

usage() { sed -n '2,11s/^# \{0,1\}//p' "$0"; }
case ${1:-} in -h | --help) usage; exit 0 ;; '') usage >&2; exit 2 ;; esac

folder=$1
url=${PLUMBLINE_URL:-http://127.0.0.1:8080}
key=${PLUMBLINE_KEY:?set PLUMBLINE_KEY to an API key with the scopes ingest and strategy}

for file in sales_teams.csv accounts.csv products.csv sales_pipeline.csv strategy.json; do
	[ -r "$folder/$file" ] || { echo "load-crm: $folder/$file is missing" >&2; exit 2; }
done

answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

# call METHOD PATH [curl arguments …]: the answer goes to stdout; an error answer is shown and ends the script.
# The key goes in by a file descriptor, so that it does not stand in the process list.
call() {
	local method=$1 path=$2 status
	shift 2
	status=$(curl --silent --show-error --output "$answer" --write-out '%{http_code}' --request "$method" \
		--header @<(printf 'Authorization: Bearer %s\n' "$key") "$@" "$url$path")
	if [ "$status" -lt 200 ] || [ "$status" -ge 300 ]; then
		echo "load-crm: $method $path answered $status" >&2
		cat "$answer" >&2
		echo >&2
		return 1
	fi
	cat "$answer"
}

# send KIND: one event a line from stdin; prints the counts and fails when anything was rejected.
send() {
	local kind=$1 counts
	counts=$(call POST "/v1/$kind" --header 'Content-Type: application/x-ndjson' --data-binary @-)
	jq -r --arg kind "$kind" '"\($kind): accepted \(.accepted), unchanged \(.unchanged), stale \(.stale), duplicate \(.duplicate), rejected \(.rejected)"' <<<"$counts"
	if [ "$(jq .rejected <<<"$counts")" -ne 0 ]; then
		jq -c '.errors[:10][]' <<<"$counts" >&2
		return 1
	fi
}

# What the awk programs share: text(s) gives a JSON string or null, number(s) a JSON number or null, day(s) turns M/D/YYYY into a UTC midnight.
# The files hold no quoted fields; a quote in one would be a changed data set, and is refused.
shared='
function text(s) { gsub(/\\/, "\\\\", s); return s == "" ? "null" : "\"" s "\"" }
function number(s) { return s == "" ? "null" : s }
function day(s,   p) { split(s, p, "/"); return sprintf("%04d-%02d-%02dT00:00:00Z", p[3], p[1], p[2]) }
function product(s) { gsub(/ /, "", s); return text(s) }
BEGIN { FS = ","; start = "2016-01-01T00:00:00Z" }
{ sub(/\r$/, "") }
/"/ { print FILENAME ": quoted fields are not expected" > "/dev/stderr"; exit 1 }
FNR == 1 { next }
'

printf '%s\n' \
	'{"id":"Prospecting","label":"Prospecting","outcome":"open","order":1,"occurred_at":"2016-01-01T00:00:00Z"}' \
	'{"id":"Engaging","label":"Engaging","outcome":"open","order":2,"occurred_at":"2016-01-01T00:00:00Z"}' \
	'{"id":"Won","label":"Won","outcome":"won","order":3,"occurred_at":"2016-01-01T00:00:00Z"}' \
	'{"id":"Lost","label":"Lost","outcome":"lost","order":4,"occurred_at":"2016-01-01T00:00:00Z"}' | send stages

# A manager's team is named by the manager and belongs to the regional office, which is a team too.
awk "$shared"'
!office[$3]++ { printf "{\"id\":%s,\"name\":%s,\"occurred_at\":\"%s\"}\n", text($3), text($3), start }
!team[$2]++   { printf "{\"id\":%s,\"name\":%s,\"parent\":%s,\"occurred_at\":\"%s\"}\n", text($2), text($2), text($3), start }
' "$folder/sales_teams.csv" | send teams

awk "$shared"'
{ printf "{\"id\":%s,\"name\":%s,\"team\":%s,\"occurred_at\":\"%s\"}\n", text($1), text($1), text($2), start }
' "$folder/sales_teams.csv" | send reps

awk "$shared"'
{ printf "{\"id\":%s,\"name\":%s,\"status\":\"customer\",\"parent\":%s,\"attributes\":{\"industry\":%s,\"founded\":%s,\"annual_revenue\":%s,\"employees\":%s,\"country\":%s},\"occurred_at\":\"%s\"}\n",
	text($1), text($1), text($7), text($2), number($3), number($4), number($5), text($6), start }
' "$folder/accounts.csv" | send accounts

awk "$shared"'
{ printf "{\"id\":%s,\"name\":%s,\"family\":%s,\"list_price\":%s,\"currency\":\"USD\",\"occurred_at\":\"%s\"}\n",
	product($1), text($1), text($2), number($3), start }
' "$folder/products.csv" | send products

# One event when the deal was opened, one when it was closed. Deals without an engage date are prospects of the data set's last day.
awk "$shared"'
$6 == "" {
	printf "{\"id\":%s,\"owner\":%s,\"account\":%s,\"stage\":\"Prospecting\",\"lines\":[{\"id\":\"1\",\"product\":%s}],\"occurred_at\":\"2017-12-31T00:00:00Z\"}\n",
		text($1), text($2), text($4), product($3)
	next
}
{
	printf "{\"id\":%s,\"owner\":%s,\"account\":%s,\"stage\":\"Engaging\",\"created_at\":\"%s\",\"lines\":[{\"id\":\"1\",\"product\":%s}],\"occurred_at\":\"%s\"}\n",
		text($1), text($2), text($4), day($6), product($3), day($6)
}
$5 == "Won" || $5 == "Lost" {
	printf "{\"id\":%s,\"stage\":%s,\"closed_at\":\"%s\",\"amount\":%s,\"currency\":\"USD\",\"lines\":[{\"id\":\"1\",\"product\":%s,\"amount\":%s}],\"occurred_at\":\"%s\"}\n",
		text($1), text($5), day($7), number($8), product($3), number($8), day($7)
}
' "$folder/sales_pipeline.csv" | send opportunities

name=$(jq -r .name "$folder/strategy.json")
known=$(call GET '/v1/strategies?limit=1000')
if jq -e --arg name "$name" 'any(.data[]; .name == $name and .status == "published")' <<<"$known" >/dev/null; then
	echo "strategy: \"$name\" is published already"
else
	id=$(call POST /v1/strategies --header 'Content-Type: application/json' --data-binary "@$folder/strategy.json" | jq -r .id)
	call POST "/v1/strategies/$id/publish" >/dev/null
	echo "strategy: $id \"$name\" published"
fi
