#!/usr/bin/env bash
# Puts jigger on the PATH of a GitHub Actions job. If it is not there already, takes the program of the
# action's release; if there is none, builds it from the action's own sources.
set -euo pipefail

main() {
    local bin=${RUNNER_TEMP:?}/jigger-bin
    if command -v jigger >/dev/null; then
        echo "using $(command -v jigger)"
    elif [[ ${ACTION_REF:-} == v[0-9]* ]] && from_release "$bin"; then
        echo "took jigger from the release $ACTION_REF"
        echo "$bin" >>"${GITHUB_PATH:?}"
    else
        echo 'building jigger from the sources of the action'
        cargo install --locked --path "${GITHUB_ACTION_PATH:?}/crates/jigger" --root "${RUNNER_TEMP:?}/jigger"
        echo "${RUNNER_TEMP:?}/jigger/bin" >>"${GITHUB_PATH:?}"
    fi
}

# from_release FOLDER: fails if the release has no program for this machine. A wrong checksum ends the
# job.
from_release() {
    local name place url
    name=jigger-$(uname -m)-unknown-linux-musl.tar.gz
    url=${GITHUB_SERVER_URL:?}/${ACTION_REPOSITORY:?}/releases/download/$ACTION_REF
    place=$(mktemp -d)
    curl --fail --silent --show-error --location --output "$place/$name" "$url/$name" || return 1
    curl --fail --silent --show-error --location --output "$place/SHA256SUMS" "$url/SHA256SUMS" || return 1
    (cd "$place" && sha256sum --check --strict --ignore-missing SHA256SUMS) || {
        echo "::error::the checksum of $url/$name is wrong"
        exit 1
    }
    mkdir -p "$1"
    tar -xzf "$place/$name" -C "$1" --strip-components=2 --wildcards '*/bin/jigger'
}

main
