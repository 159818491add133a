# What TARGET may be, and which manifest counts.
. "$(dirname "$0")/lib.sh"

# A directory, a manifest, a binary with its manifest beside it: the same component.
for target in examples/hello examples/hello/ examples/hello/Component.toml examples/hello/hello.wasm; do
    try run "$target" one
    expect_code 0
    expect_in_out "Hello from inside the bulkhead!"
    expect_in_out "argument 1: one"
    expect_no_err
done
# From within the directory, too.
for target in . Component.toml hello.wasm ./hello.wasm; do
    last="cd examples/hello; bulkhead run $target" code=0
    (cd examples/hello && exec "$BULKHEAD" run "$target") >"$work/out" 2>"$work/err" || code=$?
    expect_code 0
    expect_in_out "Hello from inside the bulkhead!"
done
# Any .toml is a manifest.
try run examples/hog/deny.toml
expect_code 137
expect_in_err "hog: malloc of"

# Text and binary; a manifest without `source` names NAME.wasm.
manifest text 'max_bytes = "1MiB"'
try run "$work/text"
expect_code 0
try run "$work/text/guest.wat"
expect_code 0

# Nothing there.
record 66 run nowhere
record 66 run nowhere/at/all.wasm
record 66 run ''
record 66 run examples/hello/hello.wasm/below

# A binary alone is refused; stating the limit helps.
record 78 run guests/basic/trap.wat
record 78 run guests
try run --max-bytes=1MiB --invoke='add(20, 22)' guests/basic/add.wat
expect_code 0
expect_out 42
expect_no_err
# A directory without a manifest has nothing to run, whatever is stated.
record 78 run --max-bytes=1MiB guests

# A manifest beside a binary that is for another binary is not used, and that is said.
mkdir "$work/other"
cp guests/basic/add.wat "$work/other/guest.wat"
cp guests/basic/trap.wat "$work/other/trap.wat"
manifest other 'max_bytes = "1MiB"'
record 78 run "$work/other/trap.wat"
record 134 run --max-bytes=2MiB --report "$work/other/trap.wat"
expect_in_err "2097152 bytes"
# The same file under another name is the same binary.
ln -s guest.wat "$work/other/alias.wat"
record 0 run --invoke='add(1, 2)' "$work/other/alias.wat"
# A manifest that cannot be read might be the binary's own: it is never passed over.
echo '[' >"$work/other/Component.toml"
record 78 run --max-bytes=2MiB "$work/other/trap.wat"
rm "$work/other/Component.toml"
mkdir "$work/other/Component.toml"
record 66 run --max-bytes=2MiB "$work/other/trap.wat"

# The manifest is there, the component is not.
manifest empty 'max_bytes = "1MiB"'
rm "$work/empty/guest.wat"
record 66 run "$work/empty"

# What a component without a manifest is called.
cp guests/basic/add.wat "$work/my guest [2].wat"
try run --max-bytes=1MiB --report=json --invoke='nothing()' "$work/my guest [2].wat"
expect_in_err '"component": "my_guest__2_"'
expect_in_err '"version": "0.0.0"'
cp guests/basic/add.wat "$work/.wat"
try run --max-bytes=1MiB --report=json --invoke='nothing()' "$work/.wat"
expect_in_err '"component": "component"'
long=$(printf 'n%.0s' {1..200})
cp guests/basic/add.wat "$work/$long.wat"
try run --max-bytes=1MiB --report=json --invoke='nothing()' "$work/$long.wat"
expect_code 0
expect_in_err "\"component\": \"${long:0:128}\""

# Options end at TARGET; what comes after is the guest's, whatever it looks like.
arguments() { # WHAT THE GUEST SAW
    expect_code 0
    expect_out "$(printf '%s\n' "$@")"
}
args=guests/wasi/args.core.wasm
try run --max-bytes=1MiB $args --report --help -- -x '' 'a b'
arguments '7 arguments' '0: [args.core]' '1: [--report]' '2: [--help]' '3: [--]' '4: [-x]' '5: []' '6: [a b]'
try run --max-bytes=1MiB -- $args --version
arguments '2 arguments' '0: [args.core]' '1: [--version]'
try run --max-bytes=1MiB $args
arguments '1 arguments' '0: [args.core]'
try run --max-bytes 1MiB $args run
arguments '2 arguments' '0: [args.core]' '1: [run]'
# A target that looks like an option needs the two dashes.
cp "$args" "$work/--report"
last='bulkhead run -- --report' code=0
(cd "$work" && exec "$BULKHEAD" run --max-bytes=1MiB -- --report x) >"$work/out" 2>"$work/err" || code=$?
arguments '2 arguments' '0: [--report]' '1: [x]'
finish target.txt
