#!/usr/bin/env bash
# Draws the README's pictures from the record of a run: the text report in a terminal, and the HTML report
# in headless Chromium.
#
#   scripts/pictures.sh RECORD
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

main() {
    local record=${1:-} folder=$root/docs/screenshots work
    [ -s "$record" ] || fail "write scripts/pictures.sh RECORD, with the record of a run"
    have chromium || fail "chromium is missing: run 'make setup-test'"
    record=$(realpath "$record")
    work=$(mktemp -d)
    cd "$root"
    cargo build --quiet --release --locked --package jigger
    target/release/jigger report "$record" --color always |
        python3 scripts/terminal-svg.py jigger >"$folder/terminal.svg"
    target/release/jigger report "$record" --output "$work/report.html"
    shoot "$work" 1280 light 1
    shoot "$work" 1280 dark 0
    shoot "$work" 390 light 1
    shoot "$work" 390 dark 0
    rm -rf "$work"
}

# shoot FOLDER WIDTH NAME SCHEME: SCHEME is Blink's number for the colour scheme.
shoot() {
    chromium --headless --no-sandbox --hide-scrollbars --user-data-dir="$1/profile" \
        --blink-settings=preferredColorScheme="$4" --window-size="$2,1600" \
        --screenshot="$folder/report-$2-$3.png" "file://$1/report.html" 2>/dev/null
}

main "$@"
