# Plumbline: builds the binary, runs it, tests it. `make` alone says what there is.
#
# Variables: BUILD (where everything made goes), CC, SANITIZER (address,undefined or thread), COVERAGE=1, WERROR (empty: warnings
# stay warnings), OPT, WEB (off: without the dashboard), PREFIX and DESTDIR (install).

BUILD     ?= build
PREFIX    ?= /usr/local
DESTDIR   ?=
WERROR    ?= -Werror
SANITIZER ?=
COVERAGE  ?=
PYTHON    ?= /usr/bin/python3
VERSION   := $(shell cat VERSION)
ifeq ($(origin CC),default)
CC        := gcc
endif

# V=1 shows the commands.
V         ?=
Q         := $(if $(V),,@)
say        = $(if $(V),,@echo "  $(1)	$(2)")

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# ── what is compiled ─────────────────────────────────────────────────────────────────────────────
SOURCES   ?= $(wildcard server/*.c server/command/*.c handlers/*.c handlers/webhook/*.c)
UNITS     ?= $(wildcard tests/unit/test_*.c)
FUZZERS   ?= $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))

GEN       := $(BUILD)/gen
GENERATED := $(GEN)/statements.c $(GEN)/embedded.c $(GEN)/presets.c $(GEN)/pages.c
GENERATED_HEADERS := $(GEN)/statements.h
OBJECTS   := $(patsubst %.c,$(BUILD)/%.o,$(SOURCES)) $(GENERATED:.c=.o)
LIBRARY   := $(BUILD)/libplumbline.a

# Instrumented code makes gcc guess ranges wrongly: there its warnings do not stop the build.
ifneq ($(SANITIZER)$(COVERAGE),)
WERROR    :=
endif

# ── flags ────────────────────────────────────────────────────────────────────────────────────────
PACKAGES  := libmicrohttpd gnutls jansson libpq libsodium zlib libcurl
WARNINGS  := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual \
             -Wformat=2 -Wvla -Wwrite-strings -Wundef -Wpointer-arith -Wswitch-enum $(WERROR)
HARDENING := -fPIE -fstack-protector-strong -fno-strict-aliasing
HARDENED_LINK := -pie -Wl,-z,relro,-z,now,-z,noexecstack
ifneq ($(filter x86_64-%,$(shell $(CC) -dumpmachine 2>/dev/null)),)
HARDENING += -fcf-protection -fstack-clash-protection
endif

OPT       ?= -O2
ifneq ($(SANITIZER),)
OPT       := -O1
HARDENING += -fsanitize=$(SANITIZER) -fno-omit-frame-pointer -fno-sanitize-recover=all
HARDENED_LINK += -fsanitize=$(SANITIZER)
else ifneq ($(COVERAGE),)
OPT       := -O0
HARDENING += --coverage
HARDENED_LINK += --coverage
else ifneq ($(filter-out -O0,$(OPT)),)
HARDENING += -D_FORTIFY_SOURCE=2
endif

CFLAGS    ?= -g
# Recursive on purpose: pkg-config is asked only when something is compiled, so that `make help` and `make deps` work without it.
PKG_CFLAGS = $(shell pkg-config --cflags $(PACKAGES))
PKG_LIBS   = $(shell pkg-config --libs $(PACKAGES)) -lcsv
ALL_CFLAGS = -std=c17 $(OPT) $(CFLAGS) $(WARNINGS) $(HARDENING) -pthread -MMD -MP -D_GNU_SOURCE \
             -DPLUMBLINE_VERSION='"$(VERSION)"' -Iserver -Ihandlers -I$(GEN) $(PKG_CFLAGS)
ALL_LDFLAGS = $(HARDENED_LINK) -pthread $(LDFLAGS)

# ── help ─────────────────────────────────────────────────────────────────────────────────────────
.PHONY: help
help: ## this list
	@echo "Plumbline $(VERSION): is the sales team executing the strategy, or setting its own?"
	@echo
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22
	@echo
	@echo "First time: make run"

# ── building ─────────────────────────────────────────────────────────────────────────────────────
.PHONY: deps build run web web-dev
ALL_CORES = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc)) # unless whoever calls says how many

deps: ## install what building, running and testing need (Debian, Ubuntu)
	@tools/deps.sh

build: web $(BUILD)/plumbline ## compile build/plumbline (WEB=off: without the dashboard)

run: ## install what is missing, build, start with a private PostgreSQL and sample data on http://127.0.0.1:8080
	@tools/deps.sh --run
	@$(MAKE) $(ALL_CORES) --no-print-directory build
	@BUILD=$(BUILD) tools/run.sh

# The dashboard: BUILD/web/index.html and BUILD/web/assets, or an empty BUILD/web where it is left out. BUILD/web.stamp says which, and changes with it.
WEB       ?= on
WEB_FILES := $(shell find web -name node_modules -prune -o -path web/reference -prune -o -type f -print)
web: $(BUILD)/web.stamp $(BUILD)/reference.stamp ## build the dashboard and the page of the API reference alone
$(BUILD)/web.stamp: $(WEB_FILES) $(if $(filter $(WEB),$(shell cat $(BUILD)/web.stamp 2>/dev/null)),,FORCE)
	$(Q)web/make.sh $(BUILD) $(WEB)

# The page of the API reference likewise, in BUILD/reference.
$(BUILD)/reference.stamp: $(wildcard web/reference/*.*) $(if $(filter $(WEB),$(shell cat $(BUILD)/reference.stamp 2>/dev/null)),,FORCE)
	$(Q)web/reference/make.sh $(BUILD) $(WEB)

web-dev: $(BUILD)/web.stamp ## the dashboard from its sources, in front of a running service (URL=http://127.0.0.1:8080)
	@node web/dev.mjs $(or $(URL),http://127.0.0.1:8080)

$(BUILD)/plumbline: $(OBJECTS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(OBJECTS) $(PKG_LIBS)

$(LIBRARY): $(filter-out $(BUILD)/server/main.o,$(OBJECTS))
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/%.o: %.c | $(GENERATED_HEADERS)
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(GEN)/%.o: $(GEN)/%.c | $(GENERATED_HEADERS)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

# SQL, presets and the published contract become C: an enum of statements, their texts, the migrations, the functions, openapi.yaml.
EMBEDDED := $(wildcard sql/migrations/*.sql sql/functions/*.sql sql/metrics/*.sql sql/reporting/*.sql sql/statements/*.sql handlers/webhook/presets/*.json openapi.yaml)
$(GEN)/stamp: sql/embed.py $(EMBEDDED) $(GEN)/embedded.list
	$(call say,SQL,$(GEN))
	$(Q)$(PYTHON) sql/embed.py $(GEN)
	@touch $@
$(filter-out $(GEN)/pages.c,$(GENERATED)) $(GENERATED_HEADERS): $(GEN)/stamp
	@:

# So do the files of the dashboard and of the API reference. Which there are is known only after they were made: the generator looks.
$(GEN)/pages.c: $(BUILD)/web.stamp $(BUILD)/reference.stamp FORCE
	@mkdir -p $(@D)
	$(Q)$(PYTHON) -B tools/embed_files.py $@ $(BUILD)/web $(BUILD)/reference handlers/pages

# The list of names, rewritten only when it changed: a file taken away remakes what was made of it.
.PHONY: FORCE
$(GEN)/embedded.list: FORCE
	@mkdir -p $(GEN)
	@echo $(EMBEDDED) | cmp -s - $@ || echo $(EMBEDDED) >$@

-include $(OBJECTS:.o=.d)

# ── tests ────────────────────────────────────────────────────────────────────────────────────────
.PHONY: test unit check-asan check-tsan check-valgrind fuzz docs lint cover bench soak
test: ## install what is missing, build, run every suite against a throw-away PostgreSQL, also beside a running `make run`
	@tools/deps.sh
	@$(MAKE) $(ALL_CORES) --no-print-directory build unit replay
	@BUILD=$(BUILD) PYTHON=$(PYTHON) tools/test.sh $(SUITES)

# What `make test` does in part: every kind of key on every question, every hostile input to every route, every call that can fail, KILL_ROUNDS kills.
KILL_ROUNDS ?= 100
.PHONY: test-faults
test-faults: build $(BUILD)/failing_calls.so ## the suites of access, hostile bytes and faults whole: about an hour (KILL_ROUNDS=100)
	@BUILD=$(BUILD) PYTHON=$(PYTHON) PLUMBLINE_KILL_ROUNDS=$(KILL_ROUNDS) PLUMBLINE_MATRIX=whole PLUMBLINE_BYTES=whole PLUMBLINE_CALLS=whole PLUMBLINE_TEST_LIMIT=14400 \
	 tools/test.sh $(or $(SUITES),tests/api/test_access_matrix.py tests/api/test_hostile_bytes.py faults)

# The same suites with address and undefined behaviour sanitizers in the server and the unit tests.
check-asan: ## the suites with ASan and UBSan
	$(MAKE) BUILD=$(BUILD)-asan SANITIZER=address,undefined build unit replay
	@BUILD=$(BUILD)-asan PYTHON=$(PYTHON) CK_TIMEOUT_MULTIPLIER=10 ASAN_OPTIONS=abort_on_error=0:detect_stack_use_after_return=1:allocator_may_return_null=1 \
	 UBSAN_OPTIONS=print_stacktrace=1 tools/test.sh $(or $(SUITES),unit fuzz api property faults)

check-tsan: ## the suites that run threads with the thread sanitizer
	$(MAKE) BUILD=$(BUILD)-tsan SANITIZER=thread build unit
	@BUILD=$(BUILD)-tsan PYTHON=$(PYTHON) CK_TIMEOUT_MULTIPLIER=10 TSAN_OPTIONS=halt_on_error=0:second_deadlock_stack=1:allocator_may_return_null=1 \
	 tools/test.sh $(or $(SUITES),unit api faults)

check-valgrind: build unit ## the unit tests, and the service of the API suites, under valgrind (leaks of unit tests: check-asan)
	CK_TIMEOUT_MULTIPLIER=20 valgrind --quiet --error-exitcode=99 --leak-check=no --suppressions=tools/valgrind.supp $(BUILD)/unit
	@BUILD=$(BUILD) PYTHON=$(PYTHON) PLUMBLINE_TEST_BINARY=$(CURDIR)/tools/valgrind.sh PLUMBLINE_TEST_LIMIT=3600 tools/test.sh $(or $(SUITES),api)

cover: ## line and branch coverage of the C code by all suites, in build-cover/html
	$(MAKE) BUILD=$(BUILD)-cover COVERAGE=1 build unit replay
	@find $(BUILD)-cover -name '*.gcda' -delete
	-@BUILD=$(BUILD)-cover PYTHON=$(PYTHON) tools/test.sh $(or $(SUITES),unit fuzz api property faults)
	@mkdir -p $(BUILD)-cover/html
	gcovr --root . --object-directory $(BUILD)-cover --exclude '$(BUILD)-cover/' --exclude tests/ --exclude-unreachable-branches \
	 --html-details $(BUILD)-cover/html/index.html --txt --print-summary

# Unit tests: every tests/unit/test_<name>.c gives one suite_<name>(). `make unit UNITS=tests/unit/test_text.c SOURCES=server/text.c`
# builds a part while others do not compile.
# What stands in for libraries: tests/unit/fake_<library>.c.
UNIT_FAKES   := $(wildcard tests/unit/fake_*.c)
UNIT_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(UNITS) $(UNIT_FAKES)) $(BUILD)/unit_main.o
unit: $(BUILD)/unit

$(BUILD)/unit: $(UNIT_OBJECTS) $(LIBRARY)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(UNIT_OBJECTS) $(LIBRARY) $(PKG_LIBS) $$(pkg-config --libs check)

$(BUILD)/tests/unit/%.o: CFLAGS += $(shell pkg-config --cflags check)
$(BUILD)/unit_main.c: Makefile FORCE
	@mkdir -p $(@D)
	@{ echo '#include <check.h>'; echo '#include <stdlib.h>'; \
	   for name in $(sort $(patsubst tests/unit/test_%.c,%,$(UNITS))); do echo "Suite *suite_$$name(void);"; done; \
	   echo 'int main(void)'; echo '{'; echo '	SRunner *runner = srunner_create(NULL);'; \
	   for name in $(sort $(patsubst tests/unit/test_%.c,%,$(UNITS))); do echo "	srunner_add_suite(runner, suite_$$name());"; done; \
	   echo '	srunner_set_tap(runner, "-");'; \
	   echo '	srunner_run_all(runner, CK_SILENT);'; echo '	int failed = srunner_ntests_failed(runner);'; \
	   echo '	srunner_free(runner);'; echo '	return failed ? EXIT_FAILURE : EXIT_SUCCESS;'; echo '}'; } >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@
$(BUILD)/unit_main.o: $(BUILD)/unit_main.c
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) $$(pkg-config --cflags check) -c -o $@ $<

# Fuzz targets: tests/fuzz/fuzz_<name>.c with its corpus in tests/fuzz/corpus/<name>. `make test` replays the corpora with the
# compiler at hand; `make fuzz` lets libFuzzer look for more, FUZZ_SECONDS a target.
FUZZ_SECONDS ?= 60
FUZZ_RUNS    ?= -1
.PHONY: replay fuzzers
.SECONDARY: $(FUZZERS:%=$(BUILD)/tests/fuzz/fuzz_%.o) $(BUILD)/tests/fuzz/replay.o
replay: $(FUZZERS:%=$(BUILD)/fuzz/replay_%) $(BUILD)/failing_calls.so
$(BUILD)/fuzz/replay_%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/replay.o $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(LIBRARY) $(PKG_LIBS)

# What tests preload into the service to let calls fail; never with a sanitizer, which brings an allocator of its own.
$(BUILD)/failing_calls.so: tests/faults/failing_calls.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) -std=c11 -O2 -Wall -Wextra -Werror -fno-builtin -fPIC -shared -o $@ $< -ldl

fuzzers: $(FUZZERS:%=$(BUILD)/fuzz/fuzz_%)
$(BUILD)/fuzz/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $< $(LIBRARY) $(PKG_LIBS)
# libFuzzer's entry point has no prototype anywhere.
$(BUILD)/tests/fuzz/%.o: CFLAGS += -Wno-missing-prototypes

fuzz: ## libFuzzer on every target, FUZZ_SECONDS=60 each, or until FUZZ_RUNS executions (needs clang)
	$(MAKE) BUILD=$(BUILD)-fuzz CC=clang SANITIZER=fuzzer-no-link,address,undefined fuzzers
	@for name in $(FUZZERS); do \
	   mkdir -p $(BUILD)-fuzz/corpus/$$name; \
	   echo "== $$name"; \
	   $(BUILD)-fuzz/fuzz/fuzz_$$name -max_total_time=$(FUZZ_SECONDS) -runs=$(FUZZ_RUNS) -print_final_stats=1 -artifact_prefix=$(BUILD)-fuzz/$$name- \
	     $(BUILD)-fuzz/corpus/$$name tests/fuzz/corpus/$$name || exit 1; \
	 done

bench: build $(BUILD)/tests/bench/hello ## single writes, bulk and reads against what they stand on (needs wrk; ARGS="--deals 100000")
	@BUILD=$(BUILD) PYTHON=$(PYTHON) tools/bench.sh $(ARGS)

soak: build ## two hours of mixed load at 70% of what the machine can carry: does anything grow? (ARGS="--seconds 600")
	@BUILD=$(BUILD) $(PYTHON) -B tests/bench/soak.py $(ARGS)

$(BUILD)/tests/bench/hello: tests/bench/hello.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $< $(ALL_LDFLAGS) $(shell pkg-config --libs libmicrohttpd)

docs: build ## remake what the code says in docs/: the dictionary of metrics, the tables of settings and of the views for reports
	@BUILD=$(BUILD) PLUMBLINE_DOCS=write tools/test.sh tests/contract/test_docs.py

lint: $(GENERATED_HEADERS) ## style, walls between the parts, clang-tidy and cppcheck where they are
	@BUILD=$(BUILD) CC=$(CC) tools/lint.sh $(PKG_CFLAGS)

-include $(UNIT_OBJECTS:.o=.d) $(wildcard $(BUILD)/tests/fuzz/*.d)

# ── installing ───────────────────────────────────────────────────────────────────────────────────
.PHONY: install uninstall
SYSCONFDIR  ?= /etc
UNITDIR     ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
MANPAGE     := $(PREFIX)/share/man/man1/plumbline.1
COMPLETION  := $(PREFIX)/share/bash-completion/completions/plumbline
DEFAULTS    := $(SYSCONFDIR)/default/plumbline
$(BUILD)/plumbline.1: $(BUILD)/plumbline tools/man.py
	$(Q)$(PYTHON) -B tools/man.py $(BUILD)/plumbline $(VERSION) >$@
$(BUILD)/plumbline.default: $(BUILD)/plumbline tools/defaults.py
	$(Q)$(PYTHON) -B tools/defaults.py $(BUILD)/plumbline >$@

install: build $(BUILD)/plumbline.1 $(BUILD)/plumbline.default ## binary, man page, bash completion, systemd unit, settings (PREFIX=/usr/local, DESTDIR)
	install -D -m 755 $(BUILD)/plumbline $(DESTDIR)$(PREFIX)/bin/plumbline
	install -D -m 644 $(BUILD)/plumbline.1 $(DESTDIR)$(MANPAGE)
	install -D -m 644 tools/plumbline.bash $(DESTDIR)$(COMPLETION)
	install -D -m 644 docker/systemd/sysusers.conf $(DESTDIR)$(SYSUSERSDIR)/plumbline.conf
	sed 's|@PREFIX@|$(PREFIX)|g; s|@SYSCONFDIR@|$(SYSCONFDIR)|g' docker/systemd/plumbline.service >$(BUILD)/plumbline.service
	install -D -m 644 $(BUILD)/plumbline.service $(DESTDIR)$(UNITDIR)/plumbline.service
	[ -e $(DESTDIR)$(DEFAULTS) ] || install -D -m 640 $(BUILD)/plumbline.default $(DESTDIR)$(DEFAULTS)

uninstall: ## remove what install put there; settings that were changed stay
	rm -f $(DESTDIR)$(PREFIX)/bin/plumbline $(DESTDIR)$(MANPAGE) $(DESTDIR)$(COMPLETION) \
	  $(DESTDIR)$(UNITDIR)/plumbline.service $(DESTDIR)$(SYSUSERSDIR)/plumbline.conf
	@! cmp -s $(BUILD)/plumbline.default $(DESTDIR)$(DEFAULTS) || rm -f $(DESTDIR)$(DEFAULTS)
	@[ ! -e $(DESTDIR)$(DEFAULTS) ] || echo "left: $(DESTDIR)$(DEFAULTS)"

# ── packages ─────────────────────────────────────────────────────────────────────────────────────
.PHONY: deb check-deb check-image
deb: ## Debian package, in build/deb
	@BUILD=$(BUILD) docker/debian/build.sh

check-deb: deb ## install, start, upgrade and remove the package in a fresh Debian (as root; tools/deps.sh --all)
	@BUILD=$(BUILD) docker/check-deb.sh

check-image: ## build the image and run it as compose.yaml does (as root, without an engine; tools/deps.sh --all)
	@BUILD=$(BUILD) docker/check-image.sh

.PHONY: sbom
sbom: build ## what the binary and its pages are made of, CycloneDX 1.5 in build/sbom.json (needs dpkg)
	$(Q)$(PYTHON) -B tools/sbom.py $(BUILD)/plumbline $(VERSION) >$(BUILD)/sbom.json.new
	$(Q)mv $(BUILD)/sbom.json.new $(BUILD)/sbom.json
	$(call say,SBOM,$(BUILD)/sbom.json)

.PHONY: clean
clean: ## remove what was built (./.local, the private database and its key, stays)
	rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-tsan $(BUILD)-cover $(BUILD)-fuzz
