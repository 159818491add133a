# --help, --version and `help`: everywhere, on standard output, with exit code 0.
. "$(dirname "$0")/lib.sh"

# What help is made of does not depend on the version, so the version is not part of the golden.
for arguments in "--help" "run --help" "check --help" "inspect --help" "compile --help" "cache --help" "help --help" "help exit-codes"; do
    # shellcheck disable=SC2086
    record 0 $arguments
    expect_no_err
done

# The other ways to the same texts.
same() { # OTHER WORDS -- SAME AS THESE
    local first=() second=() side=first word
    for word in "$@"; do
        if [[ $word == -- ]]; then side=second; elif [[ $side == first ]]; then first+=("$word"); else second+=("$word"); fi
    done
    try "${first[@]}"
    expect_code 0
    cp "$work/out" "$work/other"
    try "${second[@]}"
    checks=$((checks + 1))
    cmp -s "$work/out" "$work/other" || fail "differs from bulkhead ${first[*]}"
}
same -h -- --help
same help -- --help
same help run -- run --help
same help check -- check --help
same help inspect -- inspect --help
same help compile -- compile --help
same help cache -- cache --help
same help help -- help --help
same run -h -- run --help
same check -h -- check --help
same inspect -h -- inspect --help
same compile -h -- compile --help
same cache -h -- cache --help
same run --help nowhere.wasm -- run --help

# The version names the engine's, everywhere the same.
for arguments in "--version" "-V" "run --version" "check --version" "inspect -V" "cache --version" "help --version"; do
    # shellcheck disable=SC2086
    try $arguments
    expect_code 0
    expect_no_err
    checks=$((checks + 1))
    grep -qE '^bulkhead [0-9]+\.[0-9]+\.[0-9]+ \(Wasmtime [0-9]+\.[0-9]+\.[0-9]+\)$' "$work/out" ||
        fail "not a version line"
done

# Every exit code that the list names is in --help, too.
try help exit-codes
numbers=$(grep -oE '^ +[0-9]+' "$work/out")
try --help
for number in $numbers; do
    checks=$((checks + 1))
    tr '\n' ' ' <"$work/out" | grep -qE "[: ]$number [a-z]" || fail "--help does not name $number"
done
finish help.txt
