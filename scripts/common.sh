# Sourced by the other scripts: messages, installing with apt and cargo, finding a container engine.
# shellcheck shell=bash

# shellcheck disable=SC2034  # these are for the scripts that source this
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034
state=$root/.jigger
# shellcheck disable=SC2034
ca_bundle=/etc/ssl/certs/ca-certificates.crt

say() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }

fail() {
    say "$*"
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

installing_allowed() { [ "${SETUP:-1}" != 0 ]; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo -- "$@"
    fi
}

# install_packages WHY PACKAGE...: if it cannot install them, ends the script with the cause and the remedy.
install_packages() {
    local why=$1
    shift
    installing_allowed || fail "$why is missing, and SETUP=0 forbids installing: install $* yourself"
    have apt-get || fail "$why is missing, and there is no apt-get here: install the equivalent of Debian's $*, or set SETUP=0 to go on with what there is"
    [ "$(id -u)" = 0 ] || have sudo || fail "$why is missing: run as root, or install sudo, or run 'apt-get install $*' as root first; SETUP=0 goes on with what there is"
    say "installing $* with apt-get ($why)"
    update_package_lists
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends "$@" </dev/null >&2 ||
        fail "apt-get could not install $*: see its last lines above"
}

update_package_lists() {
    [ -z "${package_lists_updated:-}" ] || return 0
    # A broken third-party source must not end the script: apt-get install fails anyway if a package is not found.
    as_root apt-get update -qq </dev/null >&2 || say "apt-get update had errors; going on"
    package_lists_updated=1
}

# have_cargo_tool NAME VERSION: puts a program from crates.io on PATH and installs it into .jigger if it is
# missing. Fails if it is missing and installing is not allowed.
have_cargo_tool() {
    local name=$1 version=$2
    PATH=$state/tools/bin:$PATH
    if have "$name"; then
        return 0
    fi
    installing_allowed || {
        say "$name is missing, and SETUP=0 forbids installing"
        return 1
    }
    say "installing $name $version into $state/tools (some minutes at most, once)"
    # Without optimisation, the build is three times as fast, and these tools only run for seconds.
    # --target-dir is needed because a CARGO_TARGET_DIR would mix the build with the project's. Each tool
    # has its own folder, since `make test` builds two at once.
    CARGO_PROFILE_DEV_DEBUG=0 cargo install --quiet --locked --debug --root "$state/tools" \
        --target-dir "$state/tools/target-$name" "$name@$version" ||
        fail "cargo could not install $name: is crates.io reachable?"
    rm -rf "$state/tools/target-$name"
}

# Prints the code name of this machine's Debian or Ubuntu release.
distribution() {
    # shellcheck disable=SC1091  # not part of the project
    (. /etc/os-release && echo "$VERSION_CODENAME")
}

engine_answers() { have "$1" && timeout 30 "$1" info >/dev/null 2>&1; }

# Prints the first container engine that responds, docker before podman; fails if none does.
answering_engine() {
    local engine
    for engine in docker podman; do
        if engine_answers "$engine"; then
            echo "$engine"
            return 0
        fi
    done
    return 1
}

# start_null_server PROGRAM FOLDER [ARGUMENT...]: starts the load engine's null server and sets
# null_server_url. Writes two files to the folder. The server ends when file descriptor 3, which writes to its
# standard input, is closed.
start_null_server() {
    local server
    mkfifo "$2/input"
    "$1" "${@:3}" <"$2/input" >"$2/address" &
    server=$!
    exec 3>"$2/input"
    until [ -s "$2/address" ]; do
        kill -0 "$server" 2>/dev/null || fail "the null server did not start"
        sleep 0.05
    done
    # shellcheck disable=SC2034  # for the scripts that source this
    null_server_url=http://$(head -n 1 "$2/address")/
}

stop_null_server() {
    exec 3>&-
    wait
}
