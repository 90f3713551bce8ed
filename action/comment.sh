#!/usr/bin/env bash
# Writes the verdict as a comment on the pull request, or replaces its own earlier comment. If the token
# may not write comments, as in a pull request from a fork, this is only a warning.
set -euo pipefail

# GitHub takes 65,536 characters.
longest=65000

main() {
    local marker body id comments=repos/${GITHUB_REPOSITORY:?}/issues/${PULL_REQUEST:?}/comments
    [[ -s ${VERDICT:?} ]] || {
        echo '::warning::there is no verdict to comment'
        return
    }
    marker="<!-- jigger ab ${SUITE:?} -->"
    body=$(mktemp)
    {
        echo "$marker"
        cut_to "$longest" "$VERDICT"
    } >"$body"
    id=$(gh api --paginate "$comments" --jq ".[] | select(.body | startswith(\"$marker\")) | .id" | head -n 1) ||
        id=
    if [[ -n $id ]]; then
        gh api --silent --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" --field "body=@$body" || refused
    else
        gh api --silent --method POST "$comments" --field "body=@$body" || refused
    fi
}

# cut_to BYTES FILE: prints the file, cut after a whole line if it is longer.
cut_to() {
    if (($(wc -c <"$2") <= $1)); then
        cat "$2"
    else
        head -c "$1" "$2" | sed '$d'
        printf '\n\nThe rest is in the summary of the job.\n'
    fi
}

refused() {
    echo '::warning::the comment was refused: give the job `pull-requests: write`; pull requests from forks cannot have it. The verdict is in the summary of the job.'
}

main
