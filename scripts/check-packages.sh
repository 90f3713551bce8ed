#!/usr/bin/env bash
# Packages the crates as for crates.io, unpacks them elsewhere, installs the program from there and runs
# it. This finds a file that is missing from a package before it is published.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"
cd "$root"

crates=(jigger-stats jigger-load jigger)
# What every package holds besides its sources.
wanted=(README.md LICENSE-MIT LICENSE-APACHE Cargo.toml Cargo.lock)

main() {
    local place version crate
    place=$(mktemp -d)
    # shellcheck disable=SC2064 # Expand the folder's name now.
    trap "rm -rf '$place'" EXIT
    version=$(cargo metadata --no-deps --format-version 1 | sed -n 's/.*"name":"jigger","version":"\([^"]*\)".*/\1/p')
    # The tests need the repository, so they are not packaged; cargo warns about each that it leaves out.
    cargo package --workspace --no-verify --allow-dirty --quiet 2>&1 | grep -v '^warning: ignoring ' || true
    for crate in "${crates[@]}"; do
        tar -xzf "target/package/$crate-$version.crate" -C "$place"
        holds "$place/$crate-$version"
    done
    install_from "$place" "$version"
    runs "$place"
    say "the packages of $version hold what they must"
}

holds() {
    local file
    for file in "${wanted[@]}"; do
        [[ -s $1/$file ]] || fail "$1 lacks $file"
    done
}

# The two libraries are not published yet, so they also come from the unpacked packages.
install_from() {
    local patches=() crate
    for crate in jigger-stats jigger-load; do
        patches+=(--config "patch.crates-io.$crate.path='$1/$crate-$2'")
    done
    # Not --locked: the patches change the lock file's sources.
    CARGO_TARGET_DIR=$root/target cargo install --debug --quiet --path "$1/jigger-$2" --root "$1/root" "${patches[@]}"
}

# Runs the program outside the repository, so that it cannot use any of its files.
runs() {
    local jigger=$1/root/bin/jigger
    (
        cd "$1"
        "$jigger" --version
        "$jigger" schema suite >/dev/null
        # `known` is compiled in, with its source, and needs rustc alone.
        XDG_CACHE_HOME=$1/cache "$jigger" check known --quiet
        [[ -s $(find "$1/cache" -path '*known/main.rs') ]] || fail 'the sources of `known` were not unpacked'
        find "$1/cache" -path '*axum/Cargo.toml' | grep -q . || fail 'the sources of `axum` were not unpacked'
    )
}

main
