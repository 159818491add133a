# Wrong usage: exit code 2, a line that says what to do, and nothing on standard output.
. "$(dirname "$0")/lib.sh"

wrong() { # ARGUMENTS...
    record 2 "$@"
    expect_out ""
    expect_in_err "bulkhead"
}
guest=guests/basic/add.wat

# The command itself.
wrong
wrong rum
wrong chekc examples/hello
wrong insepct
wrong Run
wrong hello.wasm
wrong ./Component.toml
wrong frobnicate
wrong ""
wrong --frobnicate
wrong help frobnicate
wrong help run check

# What is missing or too much.
wrong run
wrong run --report
wrong check
wrong inspect
wrong inspect a.wasm b.wasm

# Options that are none.
wrong run --frobnicate $guest
wrong run --max-bites=1MiB $guest
wrong run -x $guest
wrong check --frobnicate .
wrong run --max-bytes

# Sizes: the grammar of a manifest.
for size in 2MB 2M 2m 1GiB lots "" -1 1.5 1e6 0x100000 99999999999999999999 1__0; do
    wrong run --max-bytes="$size" $guest
done
wrong run --ceiling=8MB $guest
wrong check --floor=x .

# Seconds, fuel, features, formats.
for seconds in soon "" -1 1e3 0x10 nan inf 30s 1.2.3 .; do
    wrong run --max-bytes=1MiB --timeout="$seconds" $guest
done
for fuel in lots "" 0 -1 1.5 1_ _1 1__0 99999999999999999999; do
    wrong run --max-bytes=1MiB --fuel="$fuel" $guest
done
wrong run --enable=threads $guest
wrong run --report=xml $guest

# What would do nothing.
wrong run --max-bytes=1MiB --json $guest
wrong run --max-bytes=1MiB --json --report=json $guest
wrong run --max-bytes=1MiB --allow-manifest $guest

# --invoke that is not a call.
for call in "" add "add(1" "add 1)" "(1, 2)" "add(1,)" "add(,1)" "add(1,,2)" "add(,)"; do
    wrong run --max-bytes=1MiB --invoke="$call" $guest
done

# A range that is none.
wrong run --floor=2MiB --ceiling=1MiB $guest
wrong run --floor=1KiB $guest
wrong check --ceiling=5000000000 .
wrong inspect --floor=0 $guest
finish usage.txt
