#!/usr/bin/env bash
# Holds the dependency tree against deny.toml with cargo-deny, which is installed first where it is
# missing (a few minutes, once). The advisories need GitHub; where it cannot be reached they are left out.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

cargo_deny_version=0.20.2
advisories=https://github.com/RustSec/advisory-db

main() {
    local checks=(licenses bans sources)
    PATH=$state/tools/bin:$PATH
    if ! have cargo-deny; then
        installing_allowed || {
            say "cargo-deny is missing, and SETUP=0 forbids installing: the dependencies are not checked"
            return
        }
        say "installing cargo-deny $cargo_deny_version into $state/tools (a few minutes, once)"
        install_cargo_deny
    fi
    if GIT_TERMINAL_PROMPT=0 timeout 30 git ls-remote "$advisories" HEAD >/dev/null 2>&1; then
        checks+=(advisories)
    else
        say "$advisories cannot be reached: the advisories are left out"
    fi
    cargo deny --log-level error check "${checks[@]}"
}

# Without optimisation: it runs for a second, and is built three times as fast. The folder of the
# build is given, since a CARGO_TARGET_DIR would mix it with the project's own.
install_cargo_deny() {
    CARGO_PROFILE_DEV_DEBUG=0 cargo install cargo-deny --version "$cargo_deny_version" --locked --debug --quiet \
        --root "$state/tools" --target-dir "$state/tools/target"
    rm -rf "$state/tools/target"
}

main
