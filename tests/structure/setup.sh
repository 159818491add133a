# scripts/setup and scripts/engine say in one line what is missing, and nothing when nothing is.
. "$(dirname "$0")/lib.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A machine that has everything, made of links; a test takes something away.
machine() {
    rm -rf "$work/bin"
    mkdir "$work/bin"
    local tool
    for tool in bash awk sort head dirname sha256sum cut find xargs paste mktemp rm mkdir cat \
        make cmake ninja pkg-config ld.bfd flock sed gcc g++; do
        ln -s "$(command -v $tool || command -v true)" "$work/bin/$tool"
    done
    printf '#!/bin/sh\nexit 0\n' >"$work/bin/pkg-config.sh"
    chmod +x "$work/bin/pkg-config.sh"
    ln -sf pkg-config.sh "$work/bin/pkg-config"
    rust 1.95.0
}

rust() { # VERSION
    local tool
    for tool in cargo rustc; do
        printf '#!/bin/sh\necho "%s %s (0123 2026-01-01)"\n' $tool "$1" >"$work/bin/$tool"
        chmod +x "$work/bin/$tool"
    done
}

setup() {
    env -i PATH="$work/bin" HOME="$work" "$@" bash scripts/setup --check 2>&1 || true
}

expect() { # WHAT IT IS ABOUT, WANTED, GOT
    [[ $3 == "$2" ]] || breach "$1"$'\n'"  expected: $2"$'\n'"  got:      $3"
}

machine
expect "a complete machine" "" "$(setup)"

rm "$work/bin/ninja"
expect "without ninja" "setup: missing: ninja (on Debian: apt-get install ninja-build)" "$(setup)"

printf '#!/bin/sh\n[ "$2" != jansson ]\n' >"$work/bin/pkg-config.sh"
expect "without ninja and jansson" \
    "setup: missing: ninja jansson (on Debian: apt-get install ninja-build libjansson-dev)" "$(setup)"

machine
rust 1.94.1
expect "old Rust" \
    "setup: missing: Rust 1.95 or later (found 1.94.1; see https://rustup.rs)" "$(setup)"
rust 2.0.0
expect "newer Rust" "" "$(setup)"
rm "$work/bin/cargo"
expect "no Rust" \
    "setup: missing: Rust 1.95 or later (cargo, rustc; see https://rustup.rs)" "$(setup)"
expect "no Rust but a prebuilt engine" "" "$(setup BULKHEAD_ENGINE_DIR=/somewhere)"
rm "$work/bin/cmake"
expect "no Rust and no cmake: still one line" \
    "setup: missing: cmake (on Debian: apt-get install cmake); Rust 1.95 or later (cargo, rustc; see https://rustup.rs)" \
    "$(setup)"

mkdir -p "$work/half/lib" "$work/half/include/wasmtime"
touch "$work/half/lib/libbulkhead_engine.a" "$work/half/include/wasmtime.h" \
    "$work/half/include/wasmtime/conf.h" "$work/half/include/bulkhead_engine.h"
expect "an engine without a header" \
    "engine: BULKHEAD_ENGINE_DIR=$work/half is no engine, it lacks: include/bulkhead_toml.h" \
    "$(BULKHEAD_ENGINE_DIR=$work/half scripts/engine 2>&1 || true)"
touch "$work/half/include/bulkhead_toml.h"
expect "a whole engine" "$work/half" "$(BULKHEAD_ENGINE_DIR=$work/half scripts/engine 2>&1 || true)"

verdict "scripts/setup and scripts/engine"
