#!/bin/bash
# The benchmark on a PostgreSQL of its own, as durable as one in service: tools/bench.sh [arguments of tests/bench/bench.py].
# Results: a table on standard output, and the same in $BUILD/bench: bench.json, bench.md, bench.svg.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${BUILD:-build}
dir=$(mktemp -d /var/tmp/plumbline-bench.XXXXXX)
trap 'tools/pg.sh destroy "$dir" >/dev/null 2>&1 || true; rm -rf "$dir"' EXIT
command -v wrk >/dev/null && command -v pgbench >/dev/null || PATH=$PATH:$(echo /usr/lib/postgresql/*/bin | tr ' ' ':')
command -v wrk >/dev/null || { echo "bench: wrk is missing: tools/deps.sh --all" >&2; exit 1; }
command -v pgbench >/dev/null || { echo "bench: pgbench is missing: tools/deps.sh" >&2; exit 1; }
DATABASE_URL=$(tools/pg.sh start "$dir" | tail -n 1)
export DATABASE_URL
"${PYTHON:-/usr/bin/python3}" -B tests/bench/bench.py --server "$build/plumbline" --hello "$build/tests/bench/hello" --postgres "$dir" --out "$build/bench" "$@"
