#!/usr/bin/env bash
# Counts the user-space instructions of the load engine per request with valgrind's callgrind: those of
# the load thread for MANY requests minus those for FEW, so that start-up is not counted.
#
#   scripts/instructions.sh [FEW] [MANY]      2000 and 12000 by default
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

few=${1:-2000}
many=${2:-12000}
work=$(mktemp -d)
mix=()
for path in a b c d e; do
    mix+=(--request "1 GET /$path/{{random:1:1000}}")
done

main() {
    have valgrind || fail "valgrind is missing: install Debian's valgrind"
    cd "$root"
    export CARGO_TARGET_DIR=target/instructions
    # valgrind 3.19 does not follow the system calls that rustix makes without libc.
    cargo build --release --quiet -p jigger --bin jigger --features rustix/use-libc
    cargo build --release --quiet -p jigger-load --example null_server
    start_null_server target/instructions/release/examples/null_server "$work"
    echo "instructions a request"
    show "closed loop, keep-alive" "$null_server_url" -c 8
    show "closed loop, fresh" "$null_server_url" -c 8 --fresh
    show "open loop, keep-alive" "$null_server_url" -c 8 --rate 1000000
    show "open loop, fresh" "$null_server_url" -c 8 --fresh --rate 1000000
    show "HTTP/2, 1 stream" "$null_server_url" -c 8 --http 2
    show "HTTP/2, 10 streams" "$null_server_url" -c 8 --http 2 -m 10
    show "a mix of five" "$null_server_url" -c 8 "${mix[@]}"
    show "the same with placeholders" "$null_server_url" -c 8 "${mix[@]}" --template -b '{"id": {{counter}}}'
    stop_null_server
    mkdir "$work/tls"
    start_null_server target/instructions/release/examples/null_server "$work/tls" 0 0 tls
    show "https, keep-alive" "${null_server_url/http:/https:}" -c 8 --insecure
    stop_null_server
    rm -rf "$work"
}

show() {
    local less more
    less=$(counted "${@:2}" -n "$few")
    more=$(counted "${@:2}" -n "$many")
    printf '%-26s %d\n' "$1" "$(((more - less) / (many - few)))"
}

# Sums the load threads' files. The first file is that of the thread that observes.
counted() {
    rm -f "$work"/counts*
    valgrind --tool=callgrind --separate-threads=yes --callgrind-out-file="$work/counts" \
        target/instructions/release/jigger load "$@" --quiet --format json >/dev/null 2>"$work/messages" ||
        fail "$(cat "$work/messages")"
    awk '/^totals:/ { sum += $2 } END { print sum }' "$work"/counts-0[2-9]
}

main
