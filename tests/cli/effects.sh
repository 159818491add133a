# Every option of every command, as --help lists them, changes what the command says or does: for
# each there is a run that differs from the same run without it. One that is accepted and does
# nothing fails here, and so does one without a row.
. "$(dirname "$0")/lib.sh"

manifest one 'max_bytes = "1MiB"'
manifest large 'max_bytes = "8MiB"'
manifest little 'max_bytes = "64KiB"'
for guest in basic/gc_heap basic/three_memories basic/table_grow component/three_instances; do
    manifest "${guest#*/}" 'max_bytes = "2MiB"'
    cp "guests/$guest.wat" "$work/${guest#*/}/guest.wat"
done
# A name of as many letters that is an address, so that no server is asked.
sed 's/"one\.example")/"192.0.2.100")/' guests/component/lookup.wat >"$work/lookup.wat"
echo text >"$work/file"
manifest precompiled 'max_bytes = "1MiB"'
"$BULKHEAD" compile -o "$work/hello.bin" examples/hello
"$BULKHEAD" compile -o "$work/precompiled/guest.wat" "$work/precompiled/guest.wat"
manifest slow 'max_bytes = "1MiB"'
slow_guest >"$work/slow/guest.wat"

# Says and does nothing where no part is missing; security/lockdown takes parts away.
nothing_is_missing='run/require-lockdown'

# Sets what comes before, and what comes behind, the option to try, and the option itself.
row() { # COMMAND/OPTION TAKES_A_VALUE
    kept=
    before=(--max-bytes=1MiB)
    target=(guests/component/run_ok.wat)
    option="--${1#*/}"
    [[ -z $2 ]] || option+="="
    [[ $1 == run/* ]] || before=()
    [[ $1 != compile/* ]] || before=(-o "$work/compiled.bin")
    [[ $1 != check/* ]] || target=("$work/one")
    case $1 in
    compile/output) before=() option+="$work/compiled.bin" ;;
    compile/fuel) ;;
    compile/enable) option+=gc ;;
    compile/compiler) option+=/nowhere ;;
    compile/max-compile-seconds) option+=0 ;;
    compile/max-stack-bytes) option+=64KiB ;;
    compile/max-functions) option+=1 target=(guests/basic/table_grow.wat) ;;
    compile/max-*) option+=1 ;;
    run/allow-precompiled | inspect/allow-precompiled) target=("$work/hello.bin") ;;
    check/allow-precompiled) target=("$work/precompiled") ;;
    */max-component-bytes) option+=10 ;;
    check/max-functions) option+=1 target=("$work/table_grow") ;;
    */max-functions) option+=1 target=(guests/basic/table_grow.wat) ;;
    */max-function-bytes | */max-instance-bytes | */max-artifact-bytes) option+=1 ;;
    */compiler) option+=/nowhere ;;
    # Two bounds, so that a run without the option ends as well.
    check/max-compile-seconds) option+=1 before=(--max-compile-seconds=2) target=("$work/slow") ;;
    */max-compile-seconds) option+=1 before+=(--max-compile-seconds=2) target=("$work/slow/guest.wat") ;;
    check/max-compile-bytes) option+=16MiB before=(--max-compile-bytes=17MiB) target=("$work/slow") ;;
    */max-compile-bytes) option+=16MiB before+=(--max-compile-bytes=17MiB) target=("$work/slow/guest.wat") ;;
    # Nothing is said about what is kept: it is there or not.
    */max-cache-bytes) option+=1 kept=yes ;;
    run/cache-dir | check/cache-dir | inspect/cache-dir) option+="$work/xdg/other" kept=yes ;;
    */no-cache) kept=yes ;;
    # Nothing runs, but it is compiled for that stack, and kept for `run' with the same option.
    check/max-stack-bytes | inspect/max-stack-bytes) option+=64KiB kept=yes ;;
    run/max-instances) option+=1 target=(guests/component/three_instances.wat) ;;
    run/max-memories) option+=1 target=(guests/basic/three_memories.wat) ;;
    run/max-tables) option+=1 target=(guests/basic/table_grow.wat) ;;
    check/max-instances) option+=1 target=("$work/three_instances") ;;
    check/max-memories) option+=1 target=("$work/three_memories") ;;
    check/max-tables) option+=1 target=("$work/table_grow") ;;
    run/enable) option+=gc before+=(--invoke='keep(10)') target=(guests/basic/gc_heap.wat) ;;
    check/enable) option+=gc target=("$work/gc_heap") ;;
    inspect/enable) option+=gc target=(guests/basic/gc_heap.wat) ;;
    run/ceiling | check/ceiling) option+=8MiB before=() target=("$work/large") ;;
    run/floor | check/floor) option+=64KiB before=() target=("$work/little") ;;
    inspect/floor) option+=64KiB ;;
    check/json | inspect/json) ;;
    run/json) before+=(--invoke='echo-shape(circle(2.5))') target=(guests/component/values.wat) ;;
    run/max-bytes) option+=512KiB before+=(--report=json) ;;
    run/timeout) option+=0.1 before+=(--timeout=0.2) target=(guests/basic/loop.wat) ;;
    run/fuel) option+=1000000 before+=(--report=json) ;;
    run/max-table-elements) option+=0 target=(guests/basic/table_grow.wat) ;;
    run/max-stack-bytes) option+=64KiB target=(guests/basic/recurse.wat) ;;
    run/invoke) option+='add(1, 2)' target=(guests/basic/add.wat) ;;
    run/report) ;;
    run/no-lockdown) before+=(--report) ;;
    run/no-debug-info) before+=(--invoke='run(0)') target=(guests/debug/lines_4.core.wasm) ;;
    run/allow-clocks) target=(guests/wasi/ask.wasm time) ;;
    run/allow-random) target=(guests/wasi/ask.wasm random) ;;
    run/allow-stdin) target=(guests/wasi/ask.wasm stdin) ;;
    run/allow-env) option+=BHD_VARIABLE target=(guests/wasi/ask.wasm env BHD_VARIABLE) ;;
    run/allow-dir) option+="$work" target=(guests/wasi/ask.wasm cat "$work/file") ;;
    run/allow-net) option+=192.0.2.100:80 target=("$work/lookup.wat") ;;
    run/allow-manifest) before=() target=(examples/notes args) ;;
    cache/cache-dir) option+="$work/no_cache" target=(list) ;;
    *) return 1 ;;
    esac
}

# What a run says, writes and how it ends, with something on standard input, less what differs from
# run to run; and what it leaves in an empty cache, if that is the question.
outcome() { # FILE ARGUMENTS...
    local file=$1
    shift
    last="bulkhead $(shown "$@")"
    code=0
    rm -rf "$work/compiled.bin" "$XDG_CACHE_HOME"
    "$BULKHEAD" "$@" >"$work/out" 2>"$work/err" <"$work/file" || code=$?
    {
        echo "$code"
        cat "$work/out" "$work/err"
        [[ ! -f $work/compiled.bin ]] || sha256sum <"$work/compiled.bin"
        [[ -z $kept ]] || find "$XDG_CACHE_HOME" -type f | sort
    } | sed 's/^  lockdown  *none$/  no lockdown/' | normal >"$file"
}

export BHD_VARIABLE=value
commands=$("$BULKHEAD" --help | sed -nE '/^Commands:/,/^$/s/^  ([a-z]+) .*/\1/p' | grep -v '^help$')
checks=$((checks + 1))
[[ $(wc -l <<<"$commands") -ge 3 ]] || fail "--help lists too few commands"
for command in $commands; do
    listed=$("$BULKHEAD" $command --help | sed -nE 's/^ {6}--([a-z-]+)(\[?=)?.*/\1\2/p' | grep -v '^usage$')
    checks=$((checks + 1))
    [[ -n $listed && ($command != run || $(wc -l <<<"$listed") -ge 10) ]] ||
        fail "--help of $command lists too few options"
    for listing in $listed; do
        name=$command/${listing%%[=\[]*}
        [[ " $(tr -s ' \n' ' ' <<<"$nothing_is_missing") " != *" $name "* ]] || continue
        checks=$((checks + 1))
        last="bulkhead $name"
        takes=
        [[ $listing != *[!\[]= ]] || takes=yes
        row "$name" "$takes" || {
            fail "this test has no run in which that option does something"
            continue
        }
        outcome "$work/without" $command "${before[@]}" "${target[@]}"
        outcome "$work/with" $command "${before[@]}" "$option" "${target[@]}"
        ! cmp -s "$work/without" "$work/with" || fail "the option makes no difference"
    done
done

# Of no use in one way of running: refused, and what to do is said.
expect_refused() { # PART ARGUMENTS...
    local part=$1
    shift
    try run --max-bytes=1MiB "$@"
    expect_code 2
    expect_out ""
    expect_in_err "$part"
}
expect_refused '--json is how the results of --invoke are printed' --json guests/component/run_ok.wat
expect_refused '--allow-manifest: no Component.toml asks' --allow-manifest guests/component/run_ok.wat
expect_refused '--require-lockdown and --no-lockdown' --require-lockdown --no-lockdown \
    guests/component/run_ok.wat
finish
