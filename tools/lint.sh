#!/bin/bash
# Style and walls: tools/lint.sh [compiler flags for clang-tidy]. Prints what is wrong, file and line; exit 1 when anything is.
# Walls and limits are checked by the text of the files; clang-tidy, cppcheck and shellcheck run where they are installed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
BUILD=${BUILD:-build}
faults=$(mktemp)
trap 'rm -f "$faults"' EXIT

fault() { # HEADLINE, then the lines on stdin; nothing on stdin is fine
	local lines
	lines=$(cat)
	[ -n "$lines" ] || return 0
	printf '%s\n%s\n' "lint: $1" "$(sed 's/^/  /' <<<"$lines")" | tee -a "$faults"
}

c_files=$(ls server/*.[ch] server/command/*.[ch] handlers/*.[ch] handlers/*/*.[ch] 2>/dev/null)
c_sources=$(grep '\.c$' <<<"$c_files")

grep -n '<microhttpd\.h>' $c_files | grep -vE '^server/http[a-z_]*\.[ch]:' | fault "only server/http*.c knows libmicrohttpd"
grep -n '<gnutls/' $c_files | grep -vE '^server/http_tls\.[ch]:' | fault "only server/http_tls.c knows GnuTLS"
grep -n '<libpq-fe\.h>' $c_files | grep -vE '^server/db[a-z_]*\.[ch]:' | fault "only server/db*.c knows libpq"
grep -n '<curl/' $c_files | grep -vE '^server/outgoing\.c:' | fault "only server/outgoing.c knows libcurl"
grep -nE '#include "(\.\./)*handlers/' server/*.[ch] server/command/*.[ch] | fault "server/ includes nothing of handlers/"
grep -nE '(^|[^a-z_])(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atof|scanf|sscanf|tmpnam|mktemp|alloca|rand|srand|system|popen|localtime|gmtime|asctime|ctime)\(' \
	$c_sources |
	fault "functions that overflow, are not thread-safe or hide errors"
grep -nE '"(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH) ' $c_sources | grep -vE '^server/(db|schema)[a-z_]*\.c:' | fault "SQL stands in sql/statements, not in C"
grep -rnwE 'TODO|FIXME|XXX|HACK' --include='*.[ch]' --include='*.sql' --include='*.py' --include='*.sh' --include=Makefile \
	--include='*.ts' --include='*.tsx' --include='*.mjs' --include='*.css' server handlers sql tests tools web Makefile 2>/dev/null | grep -vE 'node_modules|tools/lint\.sh|"XXX?"|tests/run\.py.*SKIP' | fault "unfinished"
git ls-files -z -- '*.c' '*.h' '*.sql' '*.py' '*.sh' '*.ts' '*.tsx' '*.mjs' '*.css' Makefile | xargs -0 wc -l | awk '$1 > 600 && $2 != "total" {print $2 ": " $1 " lines"}' | fault "files over 600 lines"
for file in $c_sources; do
	awk -v file="$file" '/^{/ {start = NR} /^}/ {if (start && NR - start > 70) print file ":" start ": function of " NR - start - 1 " lines"; start = 0}' "$file"
done | fault "functions that do not fit a screen"
grep -nE $'[ \t]+$|^ +\t' $c_files sql/*/*.sql 2>/dev/null | head -n 20 | fault "spaces at line ends, or before tabs"
/usr/bin/python3 -B tools/lint_sql.py | fault "SQL"

# The dashboard: types, and nothing that its policy forbids or that leaves the service.
if [ -e web/node_modules/preact ] && [ -e tests/web/node_modules/typescript ]; then
	node tests/web/node_modules/typescript/bin/tsc --noEmit -p web | fault "types of the dashboard"
fi
grep -rnE 'dangerouslySetInnerHTML|innerHTML|\beval\(|new Function|https?://' web/src --include='*.ts' --include='*.tsx' --include='*.css' --include='*.html' | fault "the dashboard writes no markup from text and knows no other host"

if command -v shellcheck >/dev/null; then
	shellcheck -S warning tools/*.sh web/*.sh .ci/run | fault "shellcheck"
fi
if command -v cppcheck >/dev/null && [ -n "$c_sources" ]; then
	cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --suppress=missingIncludeSystem \
		--suppress=normalCheckLevelMaxBranches --suppress=uninitvar --library=tools/cppcheck.cfg --error-exitcode=0 -D_GNU_SOURCE -D'PLUMBLINE_VERSION="lint"' -Iserver -Ihandlers -I"$BUILD/gen" $c_sources 2>&1 |
		grep -vE '^$|^nofile' | fault "cppcheck"
fi
if command -v clang-tidy >/dev/null && [ -n "$c_sources" ]; then
	printf '%s\n' $c_sources | xargs -P "$(nproc)" -I FILE clang-tidy --quiet FILE -- -std=c17 -D_GNU_SOURCE -D'PLUMBLINE_VERSION="lint"' \
		-Iserver -Ihandlers -I"$BUILD/gen" "$@" 2>/dev/null | grep -E '(warning|error):' | sort -u | fault "clang-tidy"
fi
[ ! -s "$faults" ] || exit 1
echo "lint: clean"
