#!/usr/bin/env bash
# Prints an image's sizes by jigger beside what the engine and tar say of it: docs/images.md explains
# them.
#
#   scripts/image-sizes.sh REFERENCE...
#
# JIGGER names the program, jigger by default; ENGINE the engine, docker or podman.
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
    # Podman writes over no archive.
    rm -rf "$work/unpacked" "$work/saved.tar"
    mkdir "$work/unpacked"
    "$engine" save --output "$work/saved.tar" "$reference"
    tar --extract --file "$work/saved.tar" --directory "$work/unpacked"
    layers=$(python3 -c 'import json, sys; print(*json.load(open(sys.argv[1]))[0]["Layers"])' "$work/unpacked/manifest.json")
    for layer in $layers; do
        # A further name of a file is a line that begins with h, and counts nothing.
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
