#!/usr/bin/env bash
# Pushes the images that `make dist` made, one for each processor, and a manifest list with one name for all.
#
#   scripts/publish-image.sh FOLDER NAME VERSION     for example: dist ghcr.io/someone/jigger v1.2.3
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

main() {
    [ $# = 3 ] || fail "usage: scripts/publish-image.sh FOLDER NAME VERSION"
    # A registry accepts only lower-case names.
    local folder=$1 name=${2,,} version=${3#v} archive loaded pushed=()
    for archive in "$folder"/jigger-*-image.tar.gz; do
        [ -s "$archive" ] || fail "there is no image in $folder: make dist"
        loaded=$(docker load --quiet --input "$archive" | sed -n 's/^Loaded image[^:]*: //p')
        # `docker manifest` takes the processor from the image, not from its name.
        [ "$(docker image inspect --format '{{.Architecture}}' "$loaded")" = "${loaded##*-}" ] ||
            fail "$archive has an image for another processor than its name says"
        docker tag "$loaded" "$name:${loaded#*:}"
        docker push --quiet "$name:${loaded#*:}" >&2
        pushed+=("$name:${loaded#*:}")
    done
    docker manifest create ${INSECURE:+--insecure} "$name:$version" "${pushed[@]}" >&2
    docker manifest push ${INSECURE:+--insecure} --purge "$name:$version"
}

main "$@"
