#!/usr/bin/env bash
# Checks the workflows, ours and those that users copy, with actionlint, which comes from Go's module proxy.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"
cd "$root"

actionlint_version=v1.7.12

main() {
    PATH=$state/tools/bin:$PATH
    have actionlint || {
        installing_allowed || fail "actionlint is missing, and SETUP=0 forbids installing"
        have go || fail "go is missing: it builds actionlint"
        say "installing actionlint $actionlint_version into $state/tools"
        GOBIN=$state/tools/bin go install "github.com/rhysd/actionlint/cmd/actionlint@$actionlint_version"
    }
    actionlint
    actionlint docs/examples/jigger-ab.yml
    say "actionlint finds nothing wrong"
}

main
