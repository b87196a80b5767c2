#!/bin/sh
# Runs the suites named (all when none is): see tests/run.py. A running `make run` is not disturbed.
set -eu
cd "$(dirname "$0")/.."
export LC_ALL=C.UTF-8
exec "${PYTHON:-/usr/bin/python3}" -B tests/run.py "$@"
