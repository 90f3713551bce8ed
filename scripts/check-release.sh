#!/usr/bin/env bash
# Checks whether the version of a tag can be released, and prints its section of the changelog.
#
#   scripts/check-release.sh v1.2.3
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"
cd "$root"

main() {
    local tag=${1:-} version heading
    version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' Cargo.toml)
    [[ $tag == "v$version" ]] || fail "the tag is '$tag' and Cargo.toml has $version: they have to be the same"
    ! grep -q '/OWNER/' Cargo.toml || fail 'Cargo.toml names OWNER: set `repository` to where this is published'
    heading=$(grep -m 1 '^## ' CHANGELOG.md)
    [[ $heading =~ ^"## $version - "[0-9]{4}-[0-9]{2}-[0-9]{2}$ ]] ||
        fail "CHANGELOG.md begins with '$heading': it has to be '## $version - YYYY-MM-DD'"
    sed -n "/^## $version - /,/^## [0-9]/{/^## /d;p}" CHANGELOG.md
}

main "$@"
