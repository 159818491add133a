# Every option of every command, as --help lists them, with every value that is none: exit code 2, and
# a message that names the option. And given twice, which is no mistake.
. "$(dirname "$0")/lib.sh"

guest=guests/component/run_ok.wat
bad_text=$'\377'
long=$(printf '%0300d' 0 | tr 0 9)

# A value that is right. An option without a row here fails: the list is what --help says.
good() { # OPTION
    case $1 in
    max-bytes) echo 1MiB ;;
    timeout) echo 10 ;;
    fuel) echo 1000000 ;;
    ceiling) echo 8MiB ;;
    floor) echo 64KiB ;;
    enable) echo gc ;;
    max-compile-seconds) echo 1_000 ;;
    max-compile-bytes) echo 1024MiB ;;
    max-artifact-bytes) echo 256MiB ;;
    max-cache-bytes) echo 1MiB ;;
    cache-dir) echo "$work/code" ;;
    compiler) readlink -f "$(dirname "$BULKHEAD")/bulkhead-compile" ;;
    max-component-bytes) echo 16MiB ;;
    max-function-bytes) echo 1MiB ;;
    max-functions) echo 50_000 ;;
    max-instances) echo 64 ;;
    max-instance-bytes) echo 256KiB ;;
    max-memories) echo 16 ;;
    max-stack-bytes) echo 512KiB ;;
    max-tables) echo 16 ;;
    max-table-elements) echo 10_000 ;;
    invoke) echo 'run()' ;;
    report) echo json ;;
    allow-dir) echo guests ;;
    allow-env) echo HOME ;;
    allow-net) echo localhost:80 ;;
    allow-precompiled) echo ;;
    json | no-cache | no-lockdown | require-lockdown | no-debug-info | allow-clocks | allow-manifest | allow-random | allow-stdin) echo ;;
    *) return 1 ;;
    esac
}

# What a value comes to: 2 unless it says something after all.
wanted() { # OPTION VALUE
    case $1=$2 in
    # Names that a directory and a variable may have.
    allow-dir=*[!/]* | allow-dir=/*) [[ $2 == "$bad_text" ]] && echo 2 || echo 66 ;;
    allow-env="$bad_text" | allow-env= | allow-env==) echo 2 ;;
    allow-env=*) echo 0 ;;
    timeout=1e3 | *) echo 2 ;;
    esac
}

values=("$bad_text" "" "$long" -1 nan inf 1e3 0x10 1.5.2 18446744073709551616 ' 1' '1 ' 1MiBB =)

# `name`, or `name=` when it takes a value, `name[=` when it may.
options_of() { # COMMAND
    "$BULKHEAD" "$1" --help | sed -nE 's/^ {6}--([a-z-]+)(\[?=)?.*/\1\2/p' | grep -v '^usage$'
}

call() { # COMMAND OPTIONS...
    local command=$1
    shift
    case $command in
    run) try run --max-bytes=1MiB "$@" $guest ;;
    check) try check "$@" examples/hello ;;
    inspect) try inspect "$@" $guest ;;
    esac
}

for command in run check inspect; do
    listed=$(options_of $command)
    # The parsers of the options are the same.
    [[ $command == run ]] || values=("$bad_text" "" -1)
    checks=$((checks + 1))
    [[ $(wc -l <<<"$listed") -ge 10 || $command != run ]] || fail "--help of $command lists too few options"
    for option in $listed; do
        name=${option%%[=\[]*}
        checks=$((checks + 1))
        value=$(good "$name") || {
            last="bulkhead $command --$name"
            fail "this test has no right value for --$name"
            continue
        }
        # Right, and twice.
        case $option in
        *=) twice=(--"$name=$value" --"$name=$value") ;;
        *) twice=(--"$name" --"$name") ;;
        esac
        # Of no use without --invoke.
        [[ $command/$name != run/json ]] || twice+=(--invoke='add(1, 2)' guests/basic/add.wat)
        call $command "${twice[@]}"
        # A kernel or a sanitizer may leave the lockdown without a part, which is then refused.
        if [[ $name == require-lockdown && $code -eq 2 ]]; then
            expect_in_err "--require-lockdown: the second line of defence lacks: "
        elif [[ $name == allow-manifest ]]; then
            expect_code 2
            expect_in_err "--allow-manifest: no Component.toml asks for anything here"
        else
            expect_code 0
        fi
        if [[ $option != *= || $option == *\[= ]]; then
            # What takes none is given one.
            call $command --"$name=surplus"
            expect_code 2
            expect_in_err "--$name"
            continue
        fi
        for value in "${values[@]}"; do
            # Names that a file may have, and a directory is made where it is named.
            [[ $name != compiler && $name != cache-dir || -z $value ]] || continue
            call $command --"$name=$value"
            expect_code "$(wanted "$name" "$value")"
            [[ $code -eq 0 ]] || expect_in_err "--$name"
            [[ $code -eq 0 ]] || expect_out ""
        done
        # The value is missing.
        try $command --"$name"
        expect_code 2
        expect_in_err "--$name"
    done
done

# Numbers just outside what may be, and what is no number.
compiling="max-component-bytes=0 max-component-bytes=4294967297 max-functions=0 max-functions=1000001
    max-function-bytes=0 max-function-bytes=4294967297 max-compile-seconds=0 max-compile-seconds=86401
    max-compile-bytes=16777215 max-compile-bytes=1099511627777 max-artifact-bytes=0
    max-artifact-bytes=1099511627777 max-stack-bytes=65535 max-stack-bytes=4194305 max-cache-bytes=0
    max-cache-bytes=9223372036854775808"
loading="max-memories=0 max-memories=1001 max-tables=0 max-tables=4294967296 max-instances=0
    max-instances=4294967297"
for command in run check inspect; do
    [[ $command != inspect ]] || loading=
    for value in $compiling $loading; do
        call $command --$value
        expect_code 2
        expect_in_err "--${value%=*}: ${value#*=} is "
    done
    for name in max-compile-seconds max-compile-bytes max-artifact-bytes; do
        call $command --$name=soon
        expect_code 2
        expect_in_err "bulkhead $command: --$name: "
    done
done
# What nothing is held against is not an option.
for name in ceiling=8MiB max-memories=16 max-tables=16 max-instances=64; do
    call inspect --$name
    expect_code 2
    expect_in_err "--${name%=*}"
done

# What is not UTF-8 and is the guest's: its arguments, its variables, its directories.
record 2 run --max-bytes=1MiB guests/wasi/args.wasm one "$bad_text"
record 2 run --max-bytes=1MiB guests/wasi/args.core.wasm "$bad_text"
record 2 run --max-bytes=1MiB --allow-env="$bad_text" guests/wasi/args.wasm
export BAD_VALUE=$bad_text
record 2 run --max-bytes=1MiB --allow-env=BAD_VALUE guests/wasi/args.wasm
manifest bad 'max_bytes = "1MiB"'
printf '[capabilities]\nenv = ["BAD_VALUE"]\n' >>"$work/bad/Component.toml"
cp guests/wasi/args.wasm "$work/bad/guest.wat"
record 2 run --allow-manifest "$work/bad"
mkdir "$work/$bad_text"
try run --max-bytes=1MiB --allow-dir="$work/$bad_text" guests/wasi/args.wasm
expect_code 2
expect_in_err "--allow-dir: "
expect_in_err "is not UTF-8 text"

# A directory that a manifest has another name for may be called anything.
manifest named 'max_bytes = "1MiB"'
cp guests/wasi/args.wasm "$work/named/guest.wat"
printf '[capabilities]\ndirectories = [{ host = "here", guest = "/here" }]\n' >>"$work/named/Component.toml"
mv "$work/named" "$work/$bad_text/named"
mkdir "$work/$bad_text/named/here"
try run --allow-dir="$work/$bad_text" "$work/$bad_text/named"
expect_code 0

# The same grant twice is one grant; reading and writing is the larger of two.
same=(--allow-env=HOME --allow-env=HOME --allow-net=localhost:80 --allow-net=LOCALHOST:80
    --allow-dir=guests --allow-dir=guests/ --allow-dir=guests:ro)
record 0 run --max-bytes=1MiB "${same[@]}" guests/wasi/args.wasm
mkdir "$work/place"
try run --max-bytes=1MiB --allow-dir="$work/place" --allow-dir="$work/place:rw" guests/wasi/ask.wasm write "$work/place/file" text
expect_code 0
many=()
for i in $(seq 100); do many+=(--allow-env=HOME --allow-dir=guests); done
try run --max-bytes=1MiB "${many[@]}" guests/wasi/args.wasm
expect_code 0
# There is an end to it.
envs=() nets=() dirs=() same=()
for i in $(seq 65); do envs+=(--allow-env=V$i) nets+=(--allow-net=localhost:$i) dirs+=(--allow-dir="$work/d$i"); done
for i in $(seq 1025); do same+=(--allow-dir=guests --allow-net=localhost:1 --allow-env=HOME); done
expect_too_many() { # OPTION ARGUMENTS...
    local option=$1
    shift
    try run --max-bytes=1MiB "$@" guests/wasi/args.wasm
    expect_code 2
    expect_in_err "bulkhead run: $option: no more than 64 may be given"
}
expect_too_many --allow-env "${envs[@]}"
expect_too_many --allow-net "${nets[@]}"
expect_too_many --allow-dir "${dirs[@]}"
# What is granted already takes no room.
try run --max-bytes=1MiB "${same[@]}" guests/wasi/args.wasm
expect_code 0
record 66 run --max-bytes=1MiB --allow-dir=guests/nowhere guests/wasi/args.wasm
record 66 run --max-bytes=1MiB --allow-dir=guests/README.md guests/wasi/args.wasm
finish options.txt
