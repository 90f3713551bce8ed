#!/usr/bin/env bash
# Checks the dependency tree against deny.toml with cargo-deny, which it installs if it is missing (a few
# minutes, once). The advisories come from GitHub; if it cannot be reached, they are not checked.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

cargo_deny_version=0.20.2
advisories=https://github.com/RustSec/advisory-db

main() {
    local checks=(licenses bans sources)
    have_cargo_tool cargo-deny $cargo_deny_version || {
        say "the dependencies are not checked"
        return
    }
    if GIT_TERMINAL_PROMPT=0 timeout 30 git ls-remote "$advisories" HEAD >/dev/null 2>&1; then
        checks+=(advisories)
    else
        say "$advisories cannot be reached: the advisories are left out"
    fi
    cargo deny --log-level error check "${checks[@]}"
}

main
