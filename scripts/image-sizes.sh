#!/usr/bin/env bash
# Prints the sizes of images by jigger, beside those by the container engine and by tar. docs/images.md
# explains them.
#
#   scripts/image-sizes.sh REFERENCE...
#
# JIGGER sets the program (default: jigger), ENGINE the engine (docker, the default, or podman).
set -euo pipefail

jigger=${JIGGER:-jigger}
engine=${ENGINE:-docker}

main() {
    local reference
    [ $# -gt 0 ] || {
        echo "image-sizes.sh REFERENCE..." >&2
        exit 2
    }
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    echo "image unpacked transfer wasted | tar -t | layers' tar | $engine save | $engine images"
    for reference in "$@"; do
        sizes "$reference"
    done
}

sizes() {
    local reference=$1 layer layers files=0 streams=0
    # podman save does not overwrite an existing archive.
    rm -rf "$work/unpacked" "$work/saved.tar"
    mkdir "$work/unpacked"
    "$engine" save --output "$work/saved.tar" "$reference"
    tar --extract --file "$work/saved.tar" --directory "$work/unpacked"
    layers=$(python3 -c 'import json, sys; print(*json.load(open(sys.argv[1]))[0]["Layers"])' "$work/unpacked/manifest.json")
    for layer in $layers; do
        # tar lists a further hard link to a file in a line that begins with h; it does not count.
        files=$((files + $(tar --list --verbose --file "$work/unpacked/$layer" | awk '/^-/ { sum += $3 } END { print sum + 0 }')))
        streams=$((streams + $(stat --dereference --format %s "$work/unpacked/$layer")))
    done
    echo "$reference $(by_jigger) | $files | $streams | $(wc -c <"$work/saved.tar") | $("$engine" image inspect --format '{{.Size}}' "$reference")"
}

by_jigger() {
    "$jigger" image --format json "$work/saved.tar" | python3 -c '
import json, sys
image = json.load(sys.stdin)["images"][0]
print(image["unpacked_bytes"], image["transfer_bytes"], image["wasted_bytes"])'
}

main "$@"
