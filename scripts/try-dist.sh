#!/usr/bin/env bash
# Tests the files that `make dist` made as a new user would: the package and the archive in a bare Debian
# root, and the container image. Each is installed, asked for help, run and removed, and no file may be left.
# Needs root, for chroot.
#
#   scripts/try-dist.sh
# shellcheck disable=SC2016  # the shell inside the root expands these variables
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"
cd "$root"

target=$(uname -m)-unknown-linux-musl

main() {
    local work
    [ "$(id -u)" = 0 ] || fail "run as root: the package is installed in a root of its own"
    [ -d target/files ] || fail "there is nothing to try: make dist"
    have mmdebstrap || install_packages "mmdebstrap, which makes the bare root" mmdebstrap
    work=$(mktemp -d)
    # shellcheck disable=SC2064 # Expand the folder's name now.
    trap "rm -rf --one-file-system '$work'" EXIT
    say "making a bare root with man and bash-completion"
    mmdebstrap --quiet --variant=minbase --include=man-db,bash-completion "$(distribution)" "$work/bare"
    try_package "$work/bare"
    try_archive "$work/bare"
    try_with_rust "$work"
    try_image "$work"
    say "the package, the archive and the image do what they should"
}

try_package() {
    local package=(target/files/*_"$(dpkg --print-architecture)".deb)
    list_files "$1" >"$1.before"
    cp "${package[0]}" "$1/jigger.deb"
    inside "$1" dpkg --install /jigger.deb >&2
    rm "$1/jigger.deb"
    expect 0 '^jigger [0-9]' inside "$1" jigger --version
    expect 0 'compares HTTP servers|Compares HTTP servers|compare' inside "$1" man --pager=cat jigger
    expect 0 'jigger-load' inside "$1" man --pager=cat jigger-load
    expect 0 '_jigger' inside "$1" bash -c '. /usr/share/bash-completion/bash_completion; _completion_loader jigger; complete -p jigger'
    expect 0 'rust' inside "$1" jigger doctor
    # Rust is missing, so jigger skips the contender and the message names the missing program.
    expect 3 'cargo' inside "$1" jigger run --quick --only axum
    inside "$1" dpkg --purge jigger >&2
    # Only these two folders, which docs/install.md names, may remain after a run.
    rm -r "$1/root/.cache" "$1/jigger-records"
    leaves_nothing "$1"
}

try_archive() {
    tar -xzf "target/files/jigger-$target.tar.gz" -C "$1/usr/local" --strip-components=1
    expect 0 '^jigger [0-9]' inside "$1" jigger --version
    expect 0 'jigger-run' inside "$1" man --pager=cat jigger-run
    # Remove the archive's files, and the folders that did not exist before.
    tar -tzf "target/files/jigger-$target.tar.gz" | sed -n 's,^[^/]*/\(.\),\1,p' | sort -r |
        while read -r path; do
            case $path in
            */) grep -qxF "$1/usr/local/${path%/}" "$1.before" || rmdir "$1/usr/local/$path" ;;
            *) rm "$1/usr/local/$path" ;;
            esac
        done
    leaves_nothing "$1"
}

# Runs the axum contender of the default suite with Rust: this user's rustup, mounted into the root.
try_with_rust() {
    local new=$1/with-rust
    say "making a root with a C linker, for the Rust contender"
    mmdebstrap --quiet --variant=minbase --include=gcc,libc6-dev,ca-certificates "$(distribution)" "$new"
    mkdir -p "$new/opt/rust"
    cp target/tree/bin/jigger "$new/usr/bin/"
    SHOWN=$HOME expect 0 'axum' inside "$new" \
        env PATH="/opt/rust/.cargo/bin:/usr/bin:/bin" HOME=/root CARGO_HOME=/opt/rust/.cargo \
        RUSTUP_HOME=/opt/rust/.rustup jigger run --quick --only axum
}

try_image() {
    local engine name
    engine=$(answering_engine) || {
        say "no container engine responds: the image was not tried"
        return
    }
    name=$("$engine" load --quiet --input "target/files/jigger-$target-image.tar.gz" | sed -n 's/^Loaded image[^:]*: //p')
    expect 0 '^jigger [0-9]' "$engine" run --rm "$name" --version
    cargo build --quiet --locked --package jigger-load --example null_server
    start_null_server target/debug/examples/null_server "$1"
    expect 0 'requests' "$engine" run --rm --network host "$name" load --duration 1s "$null_server_url"
    stop_null_server
    "$engine" image rm "$name" >/dev/null
}

# inside ROOT COMMAND...: runs the command in that root, in its own PID and mount namespaces, so that its
# processes and mounts end with it.
inside() {
    local new=$1
    shift
    unshare --mount --pid --fork -- bash -euc '
        new=$1; shift
        mount -t proc proc "$new/proc"
        mount --rbind /dev "$new/dev"
        [ -z "${SHOWN:-}" ] || mount --bind "$SHOWN" "$new/opt/rust"
        exec chroot "$new" "$@"' inside "$new" "$@"
}

# expect CODE PATTERN COMMAND...: fails unless the command exits with the code and prints the pattern.
expect() {
    local code=$1 pattern=$2 printed status=0
    shift 2
    printed=$("$@" 2>&1) || status=$?
    printf '%s\n' "$printed" | sed 's/^/    /' >&2
    [ $status = "$code" ] || fail "it ended with $status, not with $code: $*"
    grep -Eq -- "$pattern" <<<"$printed" || fail "it did not print '$pattern': $*"
}

# Leaves out the folders in which system programs such as dpkg keep their own files.
list_files() {
    find "$1" -xdev \( -path "$1/proc" -o -path "$1/dev" -o -path "$1/var/lib/dpkg" -o -path "$1/var/log" -o -path "$1/var/cache/man" \) -prune -o -print | sort
}

leaves_nothing() {
    list_files "$1" >"$1.after"
    diff "$1.before" "$1.after" >&2 || fail "these files were left"
}

main "$@"
