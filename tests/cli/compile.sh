# `bulkhead compile`: what it writes runs without a compiler, and only when it is asked for.
. "$(dirname "$0")/lib.sh"

umask 022
export XDG_CACHE_HOME=$work/xdg
out=$work/out.bin
allowed=(--allow-precompiled --no-cache --compiler=/nowhere)

# -- usage ----------------------------------------------------------------------------------------
record 2 compile
record 2 compile examples/hello
record 2 compile -o "$out"
record 2 compile -o "" examples/hello
record 2 compile -o "$out" examples/hello examples/notes
record 2 compile -o "$out" --no-cache examples/hello

# -- what it writes -------------------------------------------------------------------------------
record 0 compile -o "$out" examples/hello
expect_out ""
expect_no_err
checks=$((checks + 1))
[[ $(stat -c %a "$out") == 400 ]] || fail "the mode is $(stat -c %a "$out")"
record 0 run "${allowed[@]}" --max-bytes=1MiB "$out"
record 2 run --max-bytes=1MiB "$out"
record 2 inspect "$out"

# A text, a manifest, and a directory whose manifest has fuel: as it says.
for what in examples/hello/hello.wasm examples/hello/Component.toml guests/component/run_ok.wat; do
    try compile -o "$out" "$what"
    expect_code 0
    try run "${allowed[@]}" --max-bytes=1MiB "$out"
    expect_code 0
done
record 0 inspect --allow-precompiled "$out"
manifest metered 'max_bytes = "64KiB"' 'max_fuel = 1000'
try compile -o "$work/metered/out.bin" "$work/metered"
expect_code 0
sed -i 's/guest.wat/out.bin/' "$work/metered/Component.toml"
try run "${allowed[@]}" --floor=64KiB "$work/metered"
expect_code 0
try check --allow-precompiled --floor=64KiB "$work/metered"
expect_code 0
record 2 check --floor=64KiB "$work/metered"
record 0 check --allow-precompiled --floor=64KiB "$work/metered"

# With and without fuel; other options than those it was compiled under.
record 65 run "${allowed[@]}" --max-bytes=1MiB --fuel=100000000 "$out"
try compile --fuel -o "$out" examples/hello
expect_code 0
try run "${allowed[@]}" --max-bytes=1MiB --fuel=100000000 "$out"
expect_code 0
record 65 run "${allowed[@]}" --max-bytes=1MiB "$out"
for option in --enable=gc --max-stack-bytes=1MiB --max-functions=4000 --max-function-bytes=500KiB \
    --max-instance-bytes=200KiB; do
    try compile "$option" -o "$out" examples/hello
    expect_code 0
    try run "${allowed[@]}" --max-bytes=1MiB "$option" "$out"
    expect_code 0
    try run "${allowed[@]}" --max-bytes=1MiB "$out"
    expect_code 65
    expect_in_err "under other host options"
done

# What bounds compiling.
record 65 compile --max-component-bytes=1000 -o "$out" examples/hello
record 65 compile --max-artifact-bytes=1000 -o "$out" examples/hello
try compile --max-compile-bytes=1 -o "$out" examples/hello
expect_code 2
expect_in_err "--max-compile-bytes"
try compile --max-compile-seconds=0 -o "$out" examples/hello
expect_code 2
expect_in_err "--max-compile-seconds"
record 70 compile --compiler=/nowhere -o "$out" examples/hello

# -- who may --------------------------------------------------------------------------------------
try compile -o "$out" examples/hello
for command in run inspect; do
    limit=()
    [[ $command != run ]] || limit=(--max-bytes=1MiB)
    chmod 620 "$out"
    record 66 $command --allow-precompiled "${limit[@]}" "$out"
    chmod 400 "$out"
    try $command --allow-precompiled "${limit[@]}" "$out"
    expect_code 0
done
chmod 600 "$out"
printf 'X' | dd of="$out" bs=1 seek=5000 conv=notrunc status=none
record 65 run "${allowed[@]}" --max-bytes=1MiB "$out"
record 65 inspect --allow-precompiled "$out"
head -c -10 "$out" >"$work/cut.bin"
chmod 400 "$work/cut.bin"
record 65 run "${allowed[@]}" --max-bytes=1MiB "$work/cut.bin"
try compile -o "$out" examples/hello
record 65 run "${allowed[@]}" --max-bytes=1MiB --max-artifact-bytes=64KiB "$out"
record 65 run "${allowed[@]}" --max-bytes=1MiB --max-component-bytes=1KiB "$out"

# -- where it writes ------------------------------------------------------------------------------
mkdir "$work/directory"
echo mine >"$work/mine"
ln -s "$work/mine" "$work/link"
record 2 compile -o "$work/directory" examples/hello
record 2 compile -o "$work/link" examples/hello
record 66 compile -o "$work/missing/out.bin" examples/hello
record 65 compile -o "$work/other.bin" "$out"
checks=$((checks + 1))
[[ $(cat "$work/mine") == mine && ! -e $work/other.bin ]] || fail "something was written"
finish compile.txt
