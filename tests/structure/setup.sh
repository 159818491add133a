# scripts/setup says in one line what is missing, installs it when it may, and says nothing when
# nothing is missing.
. "$(dirname "$0")/lib.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A machine that has everything, made of links; a test takes something away.
machine() {
    rm -rf "$work/bin"
    mkdir "$work/bin"
    local tool
    for tool in bash ln awk sort head dirname sha256sum cut find xargs paste mktemp rm mkdir cat \
        make cmake ninja pkg-config ld.bfd flock sed gcc g++; do
        ln -s "$(type -P $tool || type -P true)" "$work/bin/$tool"
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

setup_with() { # COMMANDS...
    env -i PATH="$work/bin" HOME="$work" bash scripts/setup --check "$@" 2>&1 || true
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
expect "a command more" "setup: missing: valgrind gcovr (on Debian: apt-get install valgrind gcovr)" \
    "$(setup_with valgrind gcovr)"

rust 1.94.1
expect "old Rust" \
    "setup: missing: Rust 1.95 or later (found 1.94.1; see https://rustup.rs)" "$(setup)"
rust 1.100.0
expect "newer Rust" "" "$(setup)"
rm "$work/bin/cargo"
expect "no Rust" \
    "setup: missing: Rust 1.95 or later (cargo, rustc; see https://rustup.rs)" "$(setup)"
expect "no Rust but a prebuilt engine" "" "$(setup BULKHEAD_ENGINE_DIR=/somewhere)"
rm "$work/bin/cmake"
expect "no Rust and no cmake: still one line" \
    "setup: missing: cmake (on Debian: apt-get install cmake); Rust 1.95 or later (cargo, rustc; see https://rustup.rs)" \
    "$(setup)"

# With the right to install, what is missing is installed, once. This apt-get makes ninja appear.
machine
rm "$work/bin/ninja"
printf '#!/bin/sh\nshift\nexec "$@"\n' >"$work/bin/sudo"
printf '#!/bin/sh\necho "$@" >>%s/asked\n[ "$1" != install ] || ln -s cargo %s/bin/ninja\n' "$work" "$work" \
    >"$work/bin/apt-get"
chmod +x "$work/bin/sudo" "$work/bin/apt-get"
expect "may install" "setup: installing ninja-build" \
    "$(env -i PATH="$work/bin" HOME="$work" bash scripts/setup 2>&1 || echo failed)"
expect "what apt-get was asked" \
    $'update -qq\ninstall -y -qq --no-install-recommends ninja-build' "$(cat "$work/asked")"
expect "everything is there now" "" "$(env -i PATH="$work/bin" HOME="$work" bash scripts/setup 2>&1)"

verdict "scripts/setup"
