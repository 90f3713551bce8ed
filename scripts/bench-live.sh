#!/usr/bin/env bash
# Measures what the live screen costs the load engine: CPU time per request with and without the screen,
# in interleaved pairs against the null server. Prints each pair and the medians.
#
#   scripts/bench-live.sh [PAIRS] [SECONDS]      10 pairs of 5 s by default
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

pairs=${1:-10}
seconds=${2:-5}
work=$(mktemp -d)

main() {
    local pair
    have script || fail "script(1) is missing, which lends the screen a terminal: install Debian's bsdutils"
    cd "$root"
    cargo build --release --quiet -p jigger -p jigger-load --bin jigger --example null_server
    start_null_server target/release/examples/null_server "$work"
    echo "pair      with   without  (CPU us a request)"
    for pair in $(seq "$pairs"); do
        measure "$null_server_url" --tui >>"$work/with"
        measure "$null_server_url" --no-tui >>"$work/without"
        printf '%4d  %8s  %8s\n' "$pair" "$(tail -n 1 "$work/with")" "$(tail -n 1 "$work/without")"
    done
    printf 'median%8s  %8s\n' "$(median "$work/with")" "$(median "$work/without")"
    stop_null_server
    rm -rf "$work"
}

measure() {
    script --quiet --return --command "stty rows 40 cols 120; target/release/jigger load $1 $2 -c 32 -d ${seconds}s --format json >$work/report" /dev/null >/dev/null </dev/null
    sed -n 's/.*"cpu_us_per_request": \([0-9.]\{1,6\}\).*/\1/p' "$work/report"
}

median() {
    sort -n "$1" | sed -n "$((($(wc -l <"$1") + 1) / 2))p"
}

main
