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
finish
