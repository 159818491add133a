# scripts/engine: builds once, also when two ask at the same time; again when the crate or the
# compiler changes; leaves nothing half done; checks a prebuilt engine. With a cargo of straw.
. "$(dirname "$0")/lib.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree
mkdir -p "$work/bin" "$tree"
cp -r scripts "$tree/"
mkdir -p "$tree/rust/src" "$tree/rust/include"
cp rust/Cargo.toml rust/Cargo.lock "$tree/rust/"
cp rust/src/lib.rs "$tree/rust/src/"
cp rust/include/*.h "$tree/rust/include/"

# Says what the real one says, a line for each thing it made, and counts how often it was asked.
cat >"$work/bin/cargo" <<'CARGO'
#!/usr/bin/env bash
set -euo pipefail
echo "$*" >>"$STRAW/asked"
sleep 0.3
[[ ! -e $STRAW/broken ]] || { echo "error: broken" >&2; exit 101; }
out=$CARGO_TARGET_DIR/release
mkdir -p "$out/other/include/wasmtime" "$out/headers/include/wasmtime"
cp "$(type -P true)" "$out/libbulkhead_engine.a"
touch "$out/headers/include/wasmtime.h" "$out/headers/include/wasmtime/conf.h"
echo "{\"reason\":\"build-script-executed\",\"package_id\":\"registry#wasmtime-c-api-impl@48.0.8\",\"out_dir\":\"$out/headers\"}"
echo "{\"reason\":\"build-script-executed\",\"package_id\":\"registry#other@1.0\",\"out_dir\":\"$out/other\"}"
echo "{\"reason\":\"compiler-artifact\",\"package_id\":\"path#bulkhead-engine@0.1.0\",\"filenames\":[\"$out/libbulkhead_engine.a\"],\"fresh\":false}"
CARGO
printf '#!/bin/sh\necho "rustc 1.95.0"\ncat %s/compiler 2>/dev/null\nexit 0\n' "$work" >"$work/bin/rustc"
chmod +x "$work/bin/cargo" "$work/bin/rustc"

engine() {
    env -u BULKHEAD_ENGINE_DIR -u BULKHEAD_CARGO_TARGET_DIR PATH="$work/bin:$PATH" STRAW="$work" \
        XDG_CACHE_HOME="$work/cache" "$@" "$tree/scripts/engine"
}

asked() { wc -l <"$work/asked" | tr -d ' '; }

expect() { # WHAT IT IS ABOUT, WANTED, GOT
    [[ $3 == "$2" ]] || breach "$1"$'\n'"  expected: $2"$'\n'"  got:      $3"
}

# A failure says so and leaves nothing that could be taken for an engine.
touch "$work/broken"
expect "a build that fails" "engine: cargo could not build the engine; what it said is above" \
    "$(engine 2>&1 | tail -n 1)"
expect "what a failure leaves" "" "$(find "$work/cache/bulkhead" -mindepth 1 ! -name engine.lock)"
rm "$work/broken" "$work/asked"

# Two at once: one builds, both get the same.
engine >"$work/one" 2>"$work/one.said" &
engine >"$work/two" 2>"$work/two.said" || breach "the second of two fails: $(cat "$work/two.said")"
wait $! || breach "the first of two fails: $(cat "$work/one.said")"
expect "two at once" "$(cat "$work/one")" "$(cat "$work/two")"
expect "builds for two" 1 "$(asked)"
first=$(cat "$work/one")
grep -q "for the first time: 4 to 8 minutes" "$work/one.said" "$work/two.said" ||
    breach "the first build does not say that it takes minutes"
grep -q "another build of the engine is under way" "$work/one.said" "$work/two.said" ||
    breach "who waits does not say so"
for file in lib/libbulkhead_engine.a include/wasmtime/conf.h include/bulkhead_engine.h; do
    [[ -f $first/$file ]] || breach "the engine lacks $file"
done
grep -q -- "rustc --lib --release --locked" "$work/asked" || breach "cargo is not held to Cargo.lock"

expect "asked again" "$first" "$(engine 2>&1)"
expect "builds when asked again" 1 "$(asked)"

# What it is made of decides its name.
echo "// changed" >>"$tree/rust/src/lib.rs"
changed=$(engine 2>/dev/null || echo failed)
expect "builds after a change of the crate" 2 "$(asked)"
[[ $changed != "$first" ]] || breach "a changed crate has the same engine"
echo "commit-hash: another" >"$work/compiler"
[[ $(engine 2>/dev/null) != "$changed" ]] || breach "another compiler has the same engine"
mkdir "$tree/rust/target"
echo noise >"$tree/rust/target/noise"
engine >/dev/null 2>&1 || breach "fails after the crate was built in place"
expect "builds after another compiler, and none for rust/target" 3 "$(asked)"
expect "unfinished engines" "" "$(find "$work/cache/bulkhead" -name 'unfinished*')"

# A prebuilt one.
expect "a prebuilt engine" "$first" "$(engine BULKHEAD_ENGINE_DIR="$first" 2>&1)"
rm "$first/include/bulkhead_toml.h"
expect "a prebuilt engine without a header" \
    "engine: BULKHEAD_ENGINE_DIR=$first is no engine, it lacks: include/bulkhead_toml.h" \
    "$(engine BULKHEAD_ENGINE_DIR="$first" 2>&1 || true)"
expect "builds for prebuilt ones" 3 "$(asked)"

verdict "scripts/engine"
