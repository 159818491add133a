# Every field of bhd_host_options that bounds a component has an option of the command, which lowers and
# raises it, and every refusal names both. The fields are read from the header: a new one fails here
# until it has a row.
. "$(dirname "$0")/lib.sh"

# FIELD: what it is for, or the option.
row() { # FIELD
    case $1 in
    policy) echo "--ceiling and --floor; tests/cli/limits.sh" ;;
    features) echo "--enable; tests/cli/limits.sh" ;;
    allow_precompiled) echo "--allow-precompiled; tests/cli/compile.sh" ;;
    grants) echo "--allow-...; tests/cli/capabilities.sh" ;;
    max_sandboxes | slot_keep_bytes | slots_keep_bytes | worker_threads)
        echo "bounds the host, of which a command has one with one sandbox" ;;
    size | chained_signals | imports | debug_info) echo "about the program that embeds" ;;
    max_memories | max_tables | max_instances | max_component_bytes | max_functions | max_function_bytes | \
        max_compile_seconds | max_compile_bytes | max_artifact_bytes | max_stack_bytes | max_instance_bytes)
        echo option ;;
    compiler_path) echo "--compiler; tests/cli/effects.sh" ;;
    cache_directory | max_cache_bytes) echo "--cache-dir, --no-cache, --max-cache-bytes; tests/cli/effects.sh" ;;
    compile) echo "of programs that trust what they are given: the command does not" ;;
    max_compilations) echo "a command compiles one thing at a time" ;;
    reserved) echo "not used" ;;
    *) return 1 ;;
    esac
}

# The names of the fields, without comments and types.
fields() {
    sed -n '/^typedef struct bhd_host_options {/,/^} bhd_host_options;/p' include/bulkhead/host.h |
        sed -e 's|/\*.*\*/||' -e '/\/\*/,/\*\//d' -e '1d;$d' | tr '\n' ' ' | tr ';' '\n' |
        sed -E -e 's/^ *(const )?[a-z_0-9]+ +//' -e 's/\[[^]]*\]//g' -e 's/,/ /g' | tr -s ' *' '\n' | grep .
}

# Refused with the field and the option in the message, and taken with a larger one.
lowered() { # CODE FIELD LESS MORE OPTIONS AND TARGET...
    local wanted=$1 field=$2 option=${2//_/-} less=$3 more=$4
    shift 4
    proven+=" $field"
    record "$wanted" run --max-bytes=1MiB "--$option=$less" "$@"
    expect_in_err "host option $field, --$option"
    try run --max-bytes=1MiB "--$option=$more" "$@"
    expect_code 0
}

proven=
count='count(3)'
loop=guests/basic/loop.wat
lowered 65 max_component_bytes 64 64MiB --invoke="$count" $loop
lowered 65 max_functions 2 100 --invoke="$count" $loop
lowered 65 max_function_bytes 4 2MiB --invoke="$count" $loop
lowered 65 max_artifact_bytes 1000 512MiB --no-cache --invoke="$count" $loop
lowered 65 max_memories 2 3 guests/basic/three_memories.wat
lowered 65 max_instance_bytes 2KiB 1MiB guests/basic/three_memories.wat
lowered 65 max_tables 2 3 --invoke='call(0)' guests/basic/table_grow.wat
lowered 65 max_instances 2 3 --max-bytes=2MiB guests/component/three_instances.wat
lowered 134 max_stack_bytes 64KiB 1MiB --invoke='depth(8000)' guests/basic/recurse.wat

# What is above these bounds takes long, or much memory, with a larger one as well: there it is
# another number that ends it.
slow_guest >"$work/slow.wat"
exceeded() { # FIELD LESS MORE
    local option=${1//_/-} number
    proven+=" $1"
    for number in "$2" "$3"; do
        record 65 run --max-bytes=1MiB --"$option=$number" "$work/slow.wat"
        expect_in_err "host option $1, --$option"
    done
}
exceeded max_compile_seconds 1 2
exceeded max_compile_bytes 16MiB 20MiB

# What the defaults refuse and a host may allow.
raised() { # CODE FIELD MORE OPTIONS AND TARGET...
    local wanted=$1 field=$2 option=${2//_/-} more=$3
    shift 3
    try run --max-bytes=1MiB "$@"
    expect_code "$wanted"
    expect_in_err "host option $field, --$option"
    try run --max-bytes=1MiB "--$option=$more" "$@"
    expect_code 0
}
raised 65 max_memories 17 guests/basic/many_memories.wat
raised 65 max_tables 17 guests/basic/many_tables.wat
raised 134 max_stack_bytes 4MiB --invoke='depth(20000)' guests/basic/recurse.wat
# A binary of 21.5 MB, nearly all of it in a section that nobody reads.
{
    printf '\0asm\1\0\0\0\1\4\1\140\0\0\3\2\1\0\7\12\1\6_start\0\0\12\4\1\2\0\13'
    printf '\0\204\246\240\12\3big'
    head -c 21500672 /dev/zero
} >"$work/speech.wasm"
raised 65 max_component_bytes 32MiB "$work/speech.wasm"
record 65 run --max-bytes=1MiB "$work/speech.wasm"
try check --max-functions=2 examples/hello
expect_code 65
expect_in_out "host option max_functions, --max-functions"

for field in $(fields); do
    checks=$((checks + 1))
    what=$(row "$field") || { fail "bhd_host_options.$field has no row in $0"; continue; }
    [[ $what == option ]] || continue
    checks=$((checks + 1))
    [[ " $proven " == *" $field "* ]] || fail "nothing here is refused by --${field//_/-}"
done
checks=$((checks + 1))
[[ $(fields | wc -l) -ge 16 ]] || fail "the fields were not read: $(fields | tr '\n' ' ')"
finish host_options.txt
