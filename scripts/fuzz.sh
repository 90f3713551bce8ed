#!/usr/bin/env bash
# Builds the fuzz targets, or runs each for SECONDS seconds. The inputs that a target finds are kept in
# fuzz/corpus/, the inputs that fail in fuzz/artifacts/. The first inputs come from fuzz/seeds/.
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
    # Use the same versions of the dependencies as the program; cargo adds libFuzzer's dependencies.
    [ fuzz/Cargo.lock -nt Cargo.lock ] || cp Cargo.lock fuzz/Cargo.lock
    # Without a sanitizer the pinned stable toolchain suffices, and the code has no unsafe part that needs
    # one. A build without optimisation is faster, and speed does not matter here.
    cargo fuzz build --dev --sanitizer none
}

# Runs all targets in parallel.
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

# Removes the recommended dictionary from libFuzzer's output: it is longer than all the rest.
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
