# How long the text of a result may be. A guest chooses the names of its types, and how many values
# repeat them: what is a few bytes each as a value is gigabytes as text. Generated guests with each
# kind of name, at the bound and beyond it, in memory that the text without a bound would not fit in.
. "$(dirname "$0")/lib.sh"

function_of() { # NAME TYPE: gives a list of n values, of bytes that are all the same
    printf '(type $%s-type %s) (export $%s "%s-type" (type $%s-type))\n' "$1" "$2" "$1" "$1" "$1"
    printf '(type $%s-list (list $%s))\n' "$1" "$1"
    printf '(func $%s-lift (param "n" u32) (result $%s-list)\n' "$1" "$1"
    printf '(canon lift (core func $%s "list") (memory $%s-memory)))\n' "$3" "$3"
    printf '(export "%s" (func $%s-lift))\n' "$1" "$1"
}
instance() { # NAME BYTE: whose lists are bytes like this
    cat <<END
(core module \$$1-module
  (memory (export "memory") 3)
  (func (export "list") (param \$n i32) (result i32)
    (i32.store (i32.const 0) (i32.const 64))
    (i32.store (i32.const 4) (local.get \$n))
    (memory.fill (i32.const 64) (i32.const $2) (i32.const 131072))
    (i32.const 0)))
(core instance \$$1 (instantiate \$$1-module))
(alias core export \$$1 "memory" (core memory \$$1-memory))
END
}
guest_of() { # LETTERS: every kind of name has so many
    local name
    name=$(printf "%0$1d" 0 | tr 0 a)
    echo '(component'
    instance ones 1
    instance zeros 0
    function_of enum "(enum \"b\" \"$name\")" ones
    function_of variant "(variant (case \"b\" u8) (case \"$name\" u8))" ones
    function_of record "(record (field \"$name\" u8))" ones
    function_of flags "(flags \"$name\")" ones
    function_of nested '(option (tuple (result (error $enum))))' ones
    # JSON writes fields that are none, and WAVE leaves them out.
    function_of none "(record (field \"$name\" (option u8)))" zeros
    echo ')'
}
# n values of the enum are n * 1,024 bytes as WAVE, "[a, a]"; or gigabytes.
long=$work/long.wat longer=$work/longer.wat
guest_of 1022 >"$long"
guest_of 50000 >"$longer"

# In 512 MiB of data of its own: many times the bound, and an eighth of what had been taken.
invoke() { # GUEST CALL [--json]
    last="bulkhead run --invoke=$2 ${3:-}"
    code=0
    (ulimit -d 524288 && exec "$BULKHEAD" run --max-bytes=1MiB ${3:-} --invoke="$2" "$1") \
        >"$work/out" 2>"$work/err" </dev/null || code=$?
}
written() { # BYTES, with the newline
    expect_code 0
    expect_no_err
    checks=$((checks + 1))
    [[ $(wc -c <"$work/out") -eq $1 ]] || fail "expected $1 bytes on standard output"
}
refused() { # GUEST CALL [--json]: and nothing is written
    invoke "$@"
    expect_code 2
    checks=$((checks + 1))
    [[ ! -s $work/out ]] || fail "expected nothing on standard output"
    expect_in_err "bulkhead: --invoke: what ${2%%(*} gave takes more than 16 MiB as text, in which the names of cases, fields and flags are repeated for each value; ask it for less, or call it in a program, which gets values and no text"
}

invoke "$long" 'enum(2)'
written $((2 * 1024 + 1))

# 16 MiB are written, and one value more is not. JSON has two quotes for each.
invoke "$long" 'enum(16384)'
written $((16384 * 1024 + 1))
refused "$long" 'enum(16385)'
invoke "$long" 'enum(16352)' --json
written $((16352 * 1026 + 1))
refused "$long" 'enum(16353)' --json
refused "$long" 'enum(16384)' --json

# Names that are not written do not count.
invoke "$longer" 'none(16384)'
written $((16384 * 5 + 1))
refused "$longer" 'none(16384)' --json

# Every kind of name, far beyond it.
refused "$longer" 'enum(30000)' --json
for kind in enum variant record flags nested; do
    for json in "" --json; do
        invoke "$long" "$kind(100)" $json
        expect_code 0
        refused "$longer" "$kind(5000)" $json
    done
done

record 2 run --max-bytes=1MiB --invoke='flags(20000)' "$long"
record 2 run --max-bytes=1MiB --json --invoke='record(17000)' "$long"
finish invoke_sizes.txt
