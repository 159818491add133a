# What real toolchains make: Rust and AssemblyScript run within their limits, and say what they lack.
. "$(dirname "$0")/lib.sh"
guests=guests/languages
echo "one two one three" >"$work/words"

try run --max-bytes=1MiB --allow-dir="$work" --allow-random --allow-clocks $guests/words_rust.wasm "$work/words"
expect_code 0
expect_out "rust: 3 different words in $work/words, the year is sane"
# A hash map of Rust wants random numbers; without them it panics, and the report says what it lacked.
try run --max-bytes=1MiB $guests/words_rust.wasm
expect_code 134
expect_in_err 'before that, it asked for random numbers, which it does not declare (capabilities.random = true)'
try run --max-bytes=1MiB --allow-random $guests/words_rust.wasm
expect_code 134
expect_in_err 'before that, it asked for the time, which it does not declare (capabilities.clocks = true)'

try run --max-bytes=1MiB $guests/words_assemblyscript.wasm one two one
expect_code 0
expect_out 'assemblyscript: 2 different words, 26890 characters of garbage'
# Each ends at a limit that is too small for it, whoever made it.
try run --max-bytes=1MiB --fuel=10000 $guests/words_assemblyscript.wasm one
expect_code 124

# The table of guests/languages/README.md: the most in use, within the least that can be stated.
needs() { # GUEST AS_WRITTEN BYTES [ARGUMENT...]
    local grouped
    grouped=$(sed -E ':again; s/^([0-9]+)([0-9]{3})/\1,\2/; t again' <<<"$3")
    try run --report --max-bytes=512KiB --allow-dir="$work" --allow-random --allow-clocks "$1" "${@:4}"
    expect_code 0
    grep -qF "peak " <(grep -F "($3 bytes)" "$work/err") || fail "expected a peak of $3 bytes"
    grep -qF "| \`$2\` | $grouped bytes | 512 KiB |" $guests/README.md ||
        fail "$guests/README.md does not say that $2 uses $grouped bytes"
}
needs guests/wasi/print.core.wasm guests/wasi/print.core.wasm 131072
needs guests/wasi/print.wasm guests/wasi/print.wasm 262144
needs $guests/words_rust.wasm words_rust.wasm 131072 "$work/words"
needs $guests/words_assemblyscript.wasm words_assemblyscript.wasm 65536 one two one
finish
