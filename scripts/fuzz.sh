#!/usr/bin/env bash
# Builds the fuzz targets, or runs each for so many seconds. What a target finds is kept in fuzz/corpus/,
# and what fails in fuzz/artifacts/; both are begun with fuzz/seeds/.
#
#   scripts/fuzz.sh build
#   scripts/fuzz.sh run SECONDS
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

cargo_fuzz_version=0.13.2

main() {
    local action=${1:-} seconds=${2:-}
    [[ "$action $seconds" =~ ^(build |run [1-9][0-9]*)$ ]] || fail "usage: scripts/fuzz.sh build | run SECONDS"
    have_cargo_tool cargo-fuzz $cargo_fuzz_version || {
        say "nothing is fuzzed"
        return
    }
    cd "$root"
    if [ "$action" = build ]; then build; else run "$seconds"; fi
}

build() {
    have c++ || install_packages "a C++ compiler, for libFuzzer" g++
    # The dependencies that the program has, in the same versions; cargo adds libFuzzer's.
    [ fuzz/Cargo.lock -nt Cargo.lock ] || cp Cargo.lock fuzz/Cargo.lock
    # Without a sanitizer the pinned stable toolchain suffices: the code has no unsafe part to watch.
    # Not optimised, so that it is built sooner: here it counts that the targets hold.
    cargo fuzz build --dev --sanitizer none
}

# All targets side by side.
run() {
    local seconds=$1 target running=() process is_well=0
    for target in fuzz/fuzz_targets/*.rs; do
        fuzz "$(basename "$target" .rs)" "$seconds" &
        running+=($!)
    done
    for process in "${running[@]}"; do
        wait "$process" || is_well=1
    done
    return $is_well
}

# Of what libFuzzer prints, the dictionary that it recommends is longer than all the rest.
fuzz() {
    local target=$1 seconds=$2 folders=()
    folders+=("fuzz/corpus/$target")
    mkdir -p "${folders[0]}"
    if [ -e "fuzz/seeds/$target" ]; then
        folders+=("fuzz/seeds/$target")
    fi
    say "fuzzing $target for $seconds s"
    cargo fuzz run --dev --sanitizer none "$target" "${folders[@]}" -- \
        -max_total_time="$seconds" -print_final_stats=1 -verbosity=0 2>&1 |
        LC_ALL=C sed "/^###### Recommended dictionary/,/^###### End of/d; s/^/$target: /" >&2
}

main "$@"
