# The two commands of the README: `make bench` and `make test`. Both can be run again; steps that are
# done are skipped. SETUP=0 installs nothing.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# A compiled-in suite (pong, post, placebo, known, stack, tls) or a file; empty for the default.
SUITE ?=
# More arguments for jigger, for example ARGS=--quick.
ARGS ?=
SETUP ?= 1
export SETUP SUITE

# Sets PATH to the Go that set-up may have installed, and the names of the contenders' base images.
environment = source .jigger/setup.env; source .jigger/bases.env
post_bases = $(if $(filter post,$(notdir $(basename $(SUITE)))),alpine golang)
jigger_arguments = $(if $(SUITE)$(ARGS),run) $(SUITE) $(ARGS)

.PHONY: help setup setup-test bench bench-peers test test-workspace test-build test-engine test-rest \
	format lint dependencies bases fuzz fuzz-targets packages workflows dist try-dist clean-all

help:
	@echo 'make bench              set up, then measure the default suite'
	@echo 'make bench SUITE=post   set up, then measure the original post'
	@echo 'make bench SUITE=stack  set up PostgreSQL too, then measure servers with a database'
	@echo 'make bench SUITE=tls    set up, then measure what TLS and HTTP/2 cost'
	@echo 'make bench ARGS=--quick a first look'
	@echo 'make test               set up, then format, lints, dependencies, the whole test suite, each fuzz target for 5 s'
	@echo 'make bench-peers        set up, then the load engine beside wrk, ab, h2load, hey and oha'
	@echo 'make fuzz               each fuzz target for FUZZ_SECONDS (60)'
	@echo 'make dist               a static program with man pages, completions, package, checksums, SBOM; TARGET=... for another'
	@echo 'make try-dist           what make dist has made, installed, run and removed in a bare Debian root (as root)'
	@echo 'make workflows          the workflows by actionlint'
	@echo 'make packages           what crates.io would get: packed, unpacked elsewhere, installed and run'
	@echo 'make clean-all          remove what these commands made here; records, packages and images of the engine stay'
	@echo 'make setup              install what the suites need and this machine lacks: C linker, Python venv, Go, container engine'
	@echo 'make setup-test         the same for the tests: also a browser, axe-core, ip, wrk'
	@echo 'SETUP=0                 with any of them: install nothing'

setup:
	scripts/setup.sh bench

setup-test:
	scripts/setup.sh test

bench: setup
	source .jigger/setup.env; scripts/base-images.sh python $(post_bases) >.jigger/bases.env
	$(environment); cargo run --release --locked --package jigger -- $(jigger_arguments)

# The figures are meaningful only on an otherwise idle machine.
bench-peers: setup-test
	scripts/peers.sh
	PATH=$$PWD/.jigger/tools/bin:$$PATH cargo bench --locked --package jigger-load --bench peers -- $(ARGS)

# Most tests wait for servers. Therefore the tests that need a container engine run at the same time as the
# others, and of the others twice as many run at once as there are cores. The tools for the other checks are
# built meanwhile, at the lowest priority.
test:
	$(MAKE) --jobs=4 test-workspace dependencies fuzz-targets
	scripts/fuzz.sh run $(SMOKE_SECONDS)

test-workspace: test-engine test-rest

# The test programs of all crates. Those that use the container engine run one after another, because they
# check which containers and images it has.
programs = $(notdir $(basename $(wildcard crates/*/tests/*.rs)) $(patsubst %/main.rs,%,$(wildcard crates/*/tests/*/main.rs)))
with_engine = contenders containers container_limits image_engine

# Before the build, so that a mistake shows at once.
format: setup-test
	cargo fmt --all --check

test-build: format
	cargo test --workspace --locked --no-run

test-engine: test-build bases
	$(environment); cargo test --workspace --locked $(with_engine:%=--test %)

test-rest: test-build bases
	$(MAKE) lint
	$(environment); export RUST_TEST_THREADS=$$((2 * $$(nproc))); \
		cargo test --workspace --locked --lib --bins \
			$(patsubst %,--test %,$(filter-out $(with_engine),$(programs))); \
		cargo test --workspace --locked --doc

# Clippy's own lints check the code with all features. With fewer features, it only has to compile without
# a warning.
compiler_only = --allow clippy::all --deny warnings
# Depends on set-up, also with `make --jobs`, because set-up installs the linker.
lint: format
	cargo clippy --workspace --all-targets --locked -- -D warnings
	for features in '' lua tui; do \
		cargo clippy --package jigger --no-default-features --features "$$features" --locked -- $(compiler_only); \
	done

dependencies: setup-test
	nice -n 19 scripts/check-dependencies.sh

fuzz-targets: setup-test
	nice -n 19 scripts/fuzz.sh build

bases: setup-test
	source .jigger/setup.env; scripts/base-images.sh >.jigger/bases.env

packages:
	scripts/check-packages.sh

dist:
	scripts/dist.sh $(TARGET)

try-dist:
	scripts/try-dist.sh

workflows: setup
	$(environment); scripts/check-workflows.sh

# How long each target is fuzzed: by `make fuzz`, and at the end of `make test`, which only checks that the
# targets work.
FUZZ_SECONDS ?= 60
SMOKE_SECONDS ?= 5
fuzz: fuzz-targets
	scripts/fuzz.sh run $(FUZZ_SECONDS)

# Removes what git ignores in these folders, so neither records nor the user's own files. A dockerd that
# set-up started keeps running: containers may run in it.
made = target .jigger contenders fuzz crates
clean-all:
	git clean -ffdXq -- $(made)
	@echo 'Left: the records in jigger-records/, packages that apt-get installed, and images (docker image ls "jigger*").'
