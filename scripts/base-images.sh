#!/usr/bin/env bash
# Prints the base images for the contenders' Dockerfiles, as lines for a shell to source: the official
# images if a registry responds, otherwise substitutes ("stand-ins") that this script makes from the
# distribution's packages (mmdebstrap) and keeps in the engine for the next run.
#
#   scripts/base-images.sh [python|alpine|golang]...      all three without arguments
#
# REBUILD=1 makes the stand-ins again.
# shellcheck disable=SC2016  # mmdebstrap passes each hook the new root as $1
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

# Without this hook mmdebstrap also installs the package usrmerge, and with it 47 MB of Perl.
merged_usr=/usr/share/mmdebstrap/hooks/maybe-merged-usr

main() {
    local engine base
    engine=$(answering_engine) || {
        say "no container engine responds: no base images, so image sizes are left out"
        return
    }
    [ $# -gt 0 ] || set -- python alpine golang
    for base in "$@"; do
        case $base in
        python)
            offer "$engine" python JIGGER_PYTHON_BASE docker.io/library/python:3.13-slim
            offer "$engine" python JIGGER_PYTHON_ALPINE_BASE docker.io/library/python:3.13-alpine
            ;;
        alpine) offer "$engine" alpine JIGGER_ALPINE_BASE docker.io/library/alpine:latest ;;
        golang) offer "$engine" golang JIGGER_GOLANG_BASE docker.io/library/golang:latest ;;
        *) fail "there is no base '$base': python, alpine or golang" ;;
        esac
    done
}

# offer ENGINE BASE VARIABLE OFFICIAL: prints one line, or none if neither image is available.
offer() {
    local engine=$1 base=$2 variable=$3 official=$4 stand_in
    if registry_has "$engine" "$official"; then
        printf 'export %s=%q\n' "$variable" "$official"
        return
    fi
    stand_in=$(stand_in_name "$engine" "$base")
    if to_be_made "$engine" "$base" "$stand_in"; then
        make_stand_in "$engine" "$base" "$stand_in" || {
            say "could not make $stand_in: images on $official cannot be built here"
            return 0
        }
        made=$base
    fi
    printf 'export %s=%q\n' "$variable" "$stand_in"
}

# A stand-in that two variables share is made only once, also with REBUILD.
to_be_made() {
    local engine=$1 base=$2 stand_in=$3
    if [ -n "${REBUILD:-}" ] && [ "${made:-}" != "$base" ]; then
        return 0
    fi
    ! "$engine" image inspect "$stand_in" >/dev/null 2>&1
}

registry_has() {
    local engine=$1 official=$2
    "$engine" image inspect "$official" >/dev/null 2>&1 || "$engine" pull --quiet "$official" >/dev/null 2>&1
}

# Podman keeps what it imports under localhost/, and asks a registry for any other name.
stand_in_name() {
    case $1 in
    podman) echo "localhost/jigger-base/$2" ;;
    *) echo "jigger-base/$2" ;;
    esac
}

make_stand_in() {
    local engine=$1 base=$2 name=$3 work status=0
    # In subshells, so that a failed installation costs only a base image, not the run.
    have mmdebstrap || (install_packages "mmdebstrap (no image registry answers)" mmdebstrap uidmap) || return 1
    [ -s "$ca_bundle" ] || (install_packages "the certificate bundle" ca-certificates) || return 1
    say "no registry has the official image: making $name from $(distribution) packages (about a minute, kept for the next run)"
    work=$(mktemp -d)
    "bootstrap_$base" "$work/base.tar" >"$work/log" 2>&1 && import "$engine" "$base" "$name" "$work/base.tar" >>"$work/log" 2>&1 || status=$?
    if [ $status != 0 ]; then
        tail -n 20 "$work/log" >&2
    fi
    rm -rf "$work"
    return $status
}

import() {
    local engine=$1 base=$2 name=$3 tar=$4
    local folders=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin changes=()
    case $base in
    # pip's own certificate bundle may lack certificates that this machine trusts.
    python) changes+=(--change "ENV PIP_CERT=$ca_bundle" --change 'CMD ["python3"]') ;;
    golang)
        folders=/usr/local/go/bin:/go/bin:$folders
        changes+=(--change 'ENV GOPATH=/go' --change 'ENV GOTOOLCHAIN=local' --change 'WORKDIR /go')
        ;;
    alpine) changes+=(--change 'CMD ["/bin/sh"]') ;;
    esac
    "$engine" import --change "ENV PATH=$folders" "${changes[@]}" "$tar" "$name"
}

bootstrap_python() {
    bootstrap minbase python3,python3-pip "$1" --hook-dir="$merged_usr" \
        --customize-hook='rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED' \
        --customize-hook='ln -sf python3 "$1/usr/bin/python"'
}

# Like Alpine: busybox and the certificates, nothing else. The variant `extract` runs no other hooks.
bootstrap_alpine() {
    bootstrap extract busybox-static "$1" --skip=cleanup/apt,cleanup/mmdebstrap \
        --extract-hook="$root/scripts/busybox-root.sh \"\$1\" $ca_bundle"
}

bootstrap_golang() {
    have go || {
        echo "there is no go on PATH to copy"
        return 1
    }
    JIGGER_GOROOT=$(go env GOROOT) bootstrap minbase base-files "$1" --hook-dir="$merged_usr" \
        --customize-hook='mkdir -p "$1/go" && cp -aL "$JIGGER_GOROOT" "$1/usr/local/go"'
}

# bootstrap VARIANT PACKAGES TAR HOOK...
bootstrap() {
    local variant=$1 packages=$2 tar=$3 options=() sources=()
    shift 3
    if [ "$(id -u)" != 0 ]; then
        options+=(--mode=unshare)
    fi
    mapfile -t sources < <(package_sources)
    # The excluded paths are those that Debian's own slim image leaves out.
    mmdebstrap --quiet "${options[@]}" --variant="$variant" --include="$packages" \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
        --customize-hook="mkdir -p \"\$1\"/etc/ssl/certs && cp $ca_bundle \"\$1\"/etc/ssl/certs/" \
        "$@" \
        --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/* "$1"/var/log/*' \
        "$(distribution)" "$tar" "${sources[@]}"
}

# The package sources of the distribution that are configured on this machine, such as a company's mirror.
package_sources() {
    local file
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/{debian,ubuntu}.{list,sources}; do
        if [ -e "$file" ] && grep -qE '^(deb|Types:)[[:space:]]' "$file"; then
            echo "$file"
        fi
    done
}

main "$@"
