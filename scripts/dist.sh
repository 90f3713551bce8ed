#!/usr/bin/env bash
# Makes what a release consists of, in target/dist/: a static program for this processor, or for TARGET,
# as an archive with man pages and completions and as a Debian package; the list of what it is made of;
# checksums. Two runs on the same commit pack the same bytes in the same order.
#
#   scripts/dist.sh [TARGET]
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"
cd "$root"

cargo_cyclonedx_version=0.5.9
cargo_deb_version=3.8.0

# Beyond these something has gone in that does not belong there.
most_bytes=20000000
most_start_ms=50

main() {
    local target=${1:-$(uname -m)-unknown-linux-musl} program version
    version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' Cargo.toml)
    rm -rf target/dist target/tree
    mkdir -p target/dist
    build "$target"
    program=target/$target/release/jigger
    grow_tree "$program" "$target"
    pack "jigger-$version-$target" "jigger-$target.tar.gz"
    debian_package "$target"
    bill_of_materials "$target"
    (cd target/dist && sha256sum -- * >"SHA256SUMS-${target%%-*}")
    check_size
    check_start "$target"
    ls -l target/dist >&2
}

# LuaJIT is C: it needs a compiler for musl. Zig has one for every processor.
build() {
    rustup target add "$1" 2>/dev/null || fail "rustup cannot add the target $1"
    if is_native "$1"; then
        have musl-gcc || install_packages "a C compiler for musl" musl-tools
        cargo build --release --locked --package jigger --target "$1"
    else
        have cargo-zigbuild || fail "cargo-zigbuild is missing, which builds for another processor: pip install cargo-zigbuild ziglang"
        cargo zigbuild --release --locked --package jigger --target "$1"
    fi
}

is_native() { [ "${1%%-*}" = "$(uname -m)" ]; }

# target/tree: what is installed below a prefix. The program says its man pages and completions itself; one
# of another processor has them said by a program of this one.
grow_tree() {
    local tree=target/tree teller=$1
    is_native "$2" || {
        cargo build --locked --package jigger
        teller=target/debug/jigger
    }
    mkdir -p $tree/bin $tree/share/{man/man1,bash-completion/completions,zsh/site-functions,fish/vendor_completions.d,doc/jigger}
    # rustc's own llvm tools know every processor; binutils only this one.
    cp "$1" $tree/bin/jigger
    if is_native "$2"; then strip --strip-all $tree/bin/jigger; fi
    "$teller" man --dir $tree/share/man/man1
    "$teller" completions bash >$tree/share/bash-completion/completions/jigger
    "$teller" completions zsh >$tree/share/zsh/site-functions/_jigger
    "$teller" completions fish >$tree/share/fish/vendor_completions.d/jigger.fish
    cp README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE $tree/share/doc/jigger/
}

# pack FOLDER ARCHIVE: the tree under that name, at the commit's time.
pack() {
    tar --sort=name --mtime="@$(git log -1 --format=%ct)" --owner=0 --group=0 --numeric-owner \
        --transform="s,^\.,$1," -C target/tree -cf - . | gzip -9n >"target/dist/$2"
}

debian_package() {
    have_cargo_tool cargo-deb $cargo_deb_version || {
        say "no Debian package is made"
        return
    }
    # Of a package that is built already, from the tree. Its time is the commit's too.
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) \
        cargo deb --quiet --no-build --no-strip --locked --package jigger --target "$1" --output target/dist/
}

bill_of_materials() {
    have_cargo_tool cargo-cyclonedx $cargo_cyclonedx_version || {
        say "no list of what it is made of"
        return
    }
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) cargo cyclonedx --quiet --manifest-path crates/jigger/Cargo.toml \
        --format json --target "$1" --override-filename jigger-bom
    mv crates/jigger/jigger-bom.json "target/dist/jigger-$1.cdx.json"
    # It writes one for each member of the workspace.
    rm -f crates/*/jigger-bom.json
}

check_size() {
    local bytes
    bytes=$(stat -c %s target/tree/bin/jigger)
    say "the program has $bytes bytes"
    [ "$bytes" -le $most_bytes ] || fail "the program has $bytes bytes, more than $most_bytes"
}

# The mean of 50 starts, where it can run here at all.
check_start() {
    local begun elapsed_ms
    is_native "$1" || {
        say "not run: it is for another processor"
        return
    }
    if ldd target/tree/bin/jigger >/dev/null 2>&1; then fail "the program is not static"; fi
    begun=$(date +%s%N)
    for _ in {1..50}; do target/tree/bin/jigger --version >/dev/null; done
    elapsed_ms=$((($(date +%s%N) - begun) / 50000000))
    say "it starts and tells its version in $elapsed_ms ms"
    [ "$elapsed_ms" -le $most_start_ms ] || fail "it takes $elapsed_ms ms to start, more than $most_start_ms"
}

main "$@"
