#!/usr/bin/env bash
# Makes the files of a release in target/files/: a static program for this processor, or for TARGET, as an
# archive with man pages and completions, as a Debian package and as a container image; the software bill
# of materials (SBOM); checksums. For reproducible archives, files have the commit's time and a fixed order.
#
#   scripts/dist.sh [TARGET]
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"
cd "$root"

cargo_cyclonedx_version=0.5.9
cargo_deb_version=3.8.0

# If the program exceeds these limits, something was built in that does not belong there.
most_bytes=24000000
most_start_us=50000

main() {
    local target=${1:-$(uname -m)-unknown-linux-musl} program version
    version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' Cargo.toml)
    rm -rf target/files target/tree
    mkdir -p target/files
    build "$target"
    program=target/$target/dist/jigger
    grow_tree "$program" "$target"
    pack "jigger-$version-$target" "jigger-$target.tar.gz"
    debian_package "$target"
    container_image "$target" "$version"
    bill_of_materials "$target"
    (cd target/files && sha256sum -- * >"SHA256SUMS-${target%%-*}")
    check_size
    check_start "$target"
    ls -l target/files >&2
}

# LuaJIT is written in C, so a C compiler for musl is needed. Debian's musl-gcc links with a libgcc that
# needs glibc. zig, from PyPI, contains a complete compiler for every processor.
build() {
    rustup target add "$1" >/dev/null 2>&1 || fail "rustup cannot add the target $1"
    have_zigbuild
    # LuaJIT's Makefile reads these variables. TARGET_LIBS adds the unwinder, which zig links only for C++.
    # TARGET_STRIP turns strip off: this machine's strip does not know other processors, and LuaJIT's own
    # program is not packaged.
    TARGET_LIBS=-lunwind TARGET_STRIP=true cargo zigbuild --profile dist --locked --package jigger --target "$1"
}

have_zigbuild() {
    local venv=$state/zig
    PATH=$venv/bin:$PATH
    have cargo-zigbuild && return
    installing_allowed || fail "cargo-zigbuild is missing, and SETUP=0 forbids installing: pip install cargo-zigbuild ziglang"
    say "installing zig and cargo-zigbuild into $venv from PyPI"
    python3 -m venv "$venv" || fail "python3 with venv is missing: scripts/setup.sh bench"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir \
        --require-hashes -r scripts/zig-requirements.lock || fail "pip could not install zig: is PyPI reachable?"
}

is_native() { [ "${1%%-*}" = "$(uname -m)" ]; }

# target/tree: the files to install below a prefix. The program itself prints its man pages and completions;
# for another processor, a program built for this one prints them.
grow_tree() {
    local tree=target/tree teller=$1
    is_native "$2" || {
        cargo build --locked --package jigger
        teller=target/debug/jigger
    }
    mkdir -p $tree/bin $tree/share/{man/man1,bash-completion/completions,zsh/site-functions,fish/vendor_completions.d,doc/jigger}
    cp "$1" $tree/bin/jigger
    "$teller" man --dir $tree/share/man/man1
    "$teller" completions bash >$tree/share/bash-completion/completions/jigger
    "$teller" completions zsh >$tree/share/zsh/site-functions/_jigger
    "$teller" completions fish >$tree/share/fish/vendor_completions.d/jigger.fish
    cp README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE $tree/share/doc/jigger/
}

# pack FOLDER ARCHIVE: packs the tree into an archive with this top folder.
pack() {
    packed target/tree --transform="s,^\.,$1," | gzip -9n >"target/files/$2"
}

# Prints the time of the commit, which all files of a release have.
commit_seconds() { git log -1 --format=%ct; }

# packed FOLDER [OPTION...]: prints a tar of the folder, in a fixed order and with the commit's time.
packed() {
    tar --sort=name --mtime="@$(commit_seconds)" --owner=0 --group=0 --numeric-owner "${@:2}" -C "$1" -cf - .
}

debian_package() {
    have_cargo_tool cargo-deb $cargo_deb_version || {
        say "no Debian package is made"
        return
    }
    # Packages the program that is already built, from the tree. Its files have the commit's time too.
    SOURCE_DATE_EPOCH=$(commit_seconds) \
        cargo deb --quiet --no-build --no-strip --locked --package jigger --target "$1" --output target/files/
}

# An image of jigger for CI: `docker run --rm --network host IMAGE load http://127.0.0.1:8080/`. It contains
# only the program and the certificates that it trusts.
container_image() {
    local target=$1 version=$2 architecture
    case ${target%%-*} in
    x86_64) architecture=amd64 ;;
    aarch64) architecture=arm64 ;;
    *) fail "no name is known for images of ${target%%-*}" ;;
    esac
    [ -s "$ca_bundle" ] || install_packages "the certificate bundle" ca-certificates
    rm -rf target/image
    mkdir -p target/image/{usr/bin,etc/ssl/certs,tmp,work}
    chmod 1777 target/image/tmp
    cp target/tree/bin/jigger target/image/usr/bin/
    cp -L "$ca_bundle" target/image/etc/ssl/certs/
    packed target/image >target/layer.tar
    scripts/image-archive.py target/layer.tar "jigger:$version-$architecture" $architecture "$(commit_seconds)" |
        gzip -9n >"target/files/jigger-$target-image.tar.gz"
}

bill_of_materials() {
    have_cargo_tool cargo-cyclonedx $cargo_cyclonedx_version || {
        say "no list of what it is made of"
        return
    }
    SOURCE_DATE_EPOCH=$(commit_seconds) cargo cyclonedx --quiet --manifest-path crates/jigger/Cargo.toml \
        --format json --target "$1" --override-filename jigger-bom
    mv crates/jigger/jigger-bom.json "target/files/jigger-$1.cdx.json"
    # cargo cyclonedx writes a file for each member of the workspace.
    rm -f crates/*/jigger-bom.json
}

check_size() {
    local bytes
    bytes=$(stat -c %s target/tree/bin/jigger)
    say "the program has $bytes bytes"
    [ "$bytes" -le $most_bytes ] || fail "the program has $bytes bytes, more than $most_bytes"
}

# Checks the mean of 50 starts, if the program can run on this machine.
check_start() {
    local begun elapsed_us
    is_native "$1" || {
        say "not run: it is for another processor"
        return
    }
    if ldd target/tree/bin/jigger >/dev/null 2>&1; then fail "the program is not static"; fi
    begun=$(date +%s%N)
    for _ in {1..50}; do target/tree/bin/jigger --version >/dev/null; done
    elapsed_us=$((($(date +%s%N) - begun) / 50000))
    say "it starts and tells its version in $elapsed_us us"
    [ "$elapsed_us" -le $most_start_us ] || fail "it takes $elapsed_us us to start, more than $most_start_us"
}

main "$@"
