#!/bin/bash
# The service under valgrind, for tests: the first error of memory, or a leak, makes its end another than 0. Other commands run as they are.
set -euo pipefail
binary=$(dirname "$0")/../${BUILD:-build}/plumbline
[ "${1:-}" = serve ] || exec "$binary" "$@"
exec valgrind --quiet --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,possible --errors-for-leak-kinds=definite \
	--suppressions="$(dirname "$0")/valgrind.supp" "$binary" "$@"
