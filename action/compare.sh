#!/usr/bin/env bash
# Measures HEAD against the base of a pull request with `jigger ab`. Writes the verdict to the job's
# summary, and records and HTML reports to a folder. Exits with 0 whatever the verdict is: the action's
# last step fails by the exit code of `jigger ab`, after the results are stored.
set -euo pipefail

main() {
    local folder=${RUNNER_TEMP:?}/jigger-ab base code=0 arguments=()
    read -ra arguments <<<"${ARGUMENTS:-}"
    mkdir -p "$folder"
    base=$(base_revision)
    jigger ab "$base" HEAD "${arguments[@]}" --format markdown --records "$folder/records" -- "${SUITE:?}" \
        >"$folder/verdict.md" || code=$?
    write_reports "$folder"
    cat "$folder/verdict.md" >>"${GITHUB_STEP_SUMMARY:?}"
    {
        echo "code=$code"
        echo "folder=$folder"
        echo "verdict=$folder/verdict.md"
    } >>"${GITHUB_OUTPUT:?}"
    echo "jigger ab ended with $code"
}

# The requested base, otherwise the commit at which the pull request left its base branch.
base_revision() {
    local base=${BASE:-}
    if [[ -z $base ]]; then
        [[ -n ${PULL_REQUEST_BASE:-} ]] || stop 'this is no pull request: set the input `base`'
        base=$(git merge-base "$PULL_REQUEST_BASE" HEAD) ||
            stop 'the base is not in this checkout: give actions/checkout `fetch-depth: 0`'
    fi
    echo "$base"
}

write_reports() {
    local record
    for record in "$1"/records/*.json; do
        [[ -e $record ]] || continue
        jigger report "$record" --quiet --output "${record%.json}.html" >/dev/null
    done
}

stop() {
    echo "::error::$1" >&2
    exit 2
}

main
