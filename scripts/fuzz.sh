#!/usr/bin/env bash
# Runs every fuzz target for so many seconds (10 by default), to see that they build and hold.
#
#   scripts/fuzz.sh [SECONDS]
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

cargo_fuzz_version=0.13.2

main() {
    local seconds=${1:-10} target
    PATH=$state/tools/bin:$PATH
    if ! have cargo-fuzz; then
        installing_allowed || {
            say "cargo-fuzz is missing, and SETUP=0 forbids installing: nothing is fuzzed"
            return
        }
        say "installing cargo-fuzz $cargo_fuzz_version with cargo into $state/tools (once)"
        cargo install --quiet --locked --root "$state/tools" "cargo-fuzz@$cargo_fuzz_version" ||
            fail "cargo could not install cargo-fuzz: is crates.io reachable?"
    fi
    have c++ || install_packages "a C++ compiler, for libFuzzer" g++
    cd "$root"
    for target in fuzz/fuzz_targets/*.rs; do
        target=$(basename "$target" .rs)
        say "fuzzing $target for $seconds s"
        # Without a sanitizer the pinned stable toolchain suffices: the code has no unsafe part to watch.
        cargo fuzz run --sanitizer none "$target" -- -max_total_time="$seconds" -print_final_stats=1
    done
}

main "$@"
