#!/usr/bin/env bash
# Installs the load generators that `make bench-peers` compares with, if they are missing. A load generator
# that cannot be installed is left out of the comparison.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

oha_version=1.16.0

main() {
    if ! installing_allowed; then
        say "SETUP=0: only the load generators that are here take part"
        return
    fi
    want wrk wrk
    want ab apache2-utils
    want h2load nghttp2-client
    want hey hey
    PATH=$state/tools/bin:$PATH
    if ! have oha; then
        say "installing oha $oha_version with cargo into $state/tools (some minutes, once)"
        cargo install --quiet --locked --root "$state/tools" "oha@$oha_version" ||
            say "cargo could not install oha: it is left out"
    fi
}

# want PROGRAM PACKAGE: installs in a subshell, so that a failed installation costs only one row.
want() {
    have "$1" || (install_packages "the load generator $1" "$2") || say "$1 is left out"
}

main
