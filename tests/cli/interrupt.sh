# Ctrl-C and SIGTERM end the guest or the compiler, not the command: it reports what there is to
# report.
. "$(dirname "$0")/lib.sh"
set -m # without job control, what runs in the background ignores Ctrl-C

# The command, and no longer the shell that starts it, catches this signal (SigCgt is a mask).
command_file=$(readlink -f "$BULKHEAD")
catches() { # PID NUMBER
    local mask
    [[ $(readlink "/proc/$1/exe") == "$command_file" ]] || return 1
    mask=$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null)
    [[ -n $mask ]] && ((0x$mask & (1 << ($2 - 1))))
}

# The guest's turn has come: what is given up before that is gone, and the signal is caught again.
runs_guest() { # PID NUMBER
    [[ $(given_up "$1") != $(given_up $$) ]] && catches "$1" "$2"
}

given_up() { # PID
    grep -E '^(NoNewPrivs|Seccomp|Seccomp_filters):' "/proc/$1/status" 2>/dev/null
}

# Runs the command, sends it a signal as soon as its guest would notice, waits for it.
interrupted() { # SIGNAL NUMBER ARGUMENTS...
    local signal=$1 number=$2 tries=0
    shift 2
    last="bulkhead $(shown "$@") (then SIG$signal)"
    code=0
    "$BULKHEAD" "$@" >"$work/out" 2>"$work/err" </dev/null &
    local pid=$!
    until runs_guest "$pid" "$number" || ((tries++ == 3000)); do sleep 0.01; done
    kill -"$signal" "$pid"
    wait "$pid" || code=$?
}

for signal in "INT 2" "TERM 15"; do
    # shellcheck disable=SC2086
    set -- $signal
    for target in guests/basic/loop.wat guests/wasi/sleep.core.wasm guests/wasi/sleep.wasm \
        guests/component/run_loop.wat guests/basic/start_loop.wat; do
        interrupted "$1" "$2" run --max-bytes=1MiB --timeout=100 --report=json "$target"
        expect_code 130
        expect_in_err "cancelled: the call was ended from outside"
        expect_in_err '"result": "cancelled", "exit_code": 130'
    done
done

# What ignores Ctrl-C goes on ignoring it.
code=0
last="bulkhead run, with SIGINT ignored"
(trap '' INT && exec "$BULKHEAD" run --max-bytes=1MiB --timeout=100 guests/basic/loop.wat) \
    >"$work/out" 2>"$work/err" </dev/null &
pid=$!
tries=0
until runs_guest "$pid" 15 || ((tries++ == 3000)); do sleep 0.01; done
catches "$pid" 2 && fail "SIGINT was ignored and is caught now"
kill -TERM "$pid"
wait "$pid" || code=$?
expect_code 130

# -- while it compiles ----------------------------------------------------------------------------
slow_guest >"$work/slow.wat"
manifest slow 'max_bytes = "1MiB"'
cp "$work/slow.wat" "$work/slow/guest.wat"

# The compilers that run for this command: the warden is its child, or it has none between.
compilers() { # PID
    local file id parent
    for file in /proc/[0-9]*/status; do
        id=${file#/proc/}
        id=${id%/status}
        [[ $(readlink "/proc/$id/exe" 2>/dev/null) == */bulkhead-compile ]] || continue
        parent=$(sed -n 's/^PPid:[[:space:]]*//p' "$file" 2>/dev/null)
        [[ $parent == "$1" ]] ||
            [[ $(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$parent/status" 2>/dev/null) == "$1" ]] || continue
        echo "$id"
    done
}

# As Ctrl-C on a terminal: to every process that the command has started.
interrupted_compiling() { # SIGNAL ARGUMENTS...
    local signal=$1 tries=0 compiler=
    shift
    last="bulkhead $(shown "$@") (then SIG$signal)"
    code=0
    "$BULKHEAD" "$@" >"$work/out" 2>"$work/err" </dev/null &
    local pid=$!
    until compiler=$(compilers "$pid") && [[ -n $compiler ]] || ((tries++ == 3000)); do sleep 0.01; done
    checks=$((checks + 1))
    [[ -n $compiler ]] || fail "there is no compiler"
    kill -"$signal" -- "-$pid"
    wait "$pid" || code=$?
    expect_code 130
    checks=$((checks + 1))
    [[ ! -e /proc/$compiler/exe ]] || fail "the compiler is still there"
}

for signal in INT TERM; do
    named="interrupted by SIGTERM"
    [[ $signal == TERM ]] || named="interrupted by Ctrl-C (SIGINT)"
    interrupted_compiling $signal run --max-bytes=1MiB --report=json "$work/slow.wat"
    expect_in_err "bulkhead: $work/slow.wat: compiling it was $named"
    expect_in_err '{"component": "slow", "version": "0.0.0", "result": "cancelled", "exit_code": 130, '
    expect_in_err '"peak_bytes": 0,'
    interrupted_compiling $signal run --report "$work/slow"
    expect_in_err "bulkhead: $work/slow/guest.wat: compiling it was $named"
    expect_in_err "bulkhead: slow 1.2.3: cancelled, exit code 130"
    interrupted_compiling $signal run "$work/slow" --report
    expect_not_in_err "note:"
    interrupted_compiling $signal inspect "$work/slow.wat"
    expect_in_err "bulkhead: $work/slow.wat: compiling it was $named"
    interrupted_compiling $signal compile -o "$work/slow.bin" "$work/slow.wat"
    expect_in_err "bulkhead: $work/slow.wat: compiling it was $named"
    [[ ! -e $work/slow.bin ]] || fail "something was written"
    interrupted_compiling $signal check examples/hello nowhere "$work/slow" examples/hog
    expect_in_out "examples/hello: ok: "
    expect_in_out "$work/slow: failed: $work/slow/guest.wat: compiling it was $named"
    expect_in_out "3 checked, 2 failed, 1 not checked"
    interrupted_compiling $signal check --json "$work/slow" examples/hog
    expect_in_out '"error": "CANCELLED"'
    expect_in_out '"exit_code": 130'
done
finish
