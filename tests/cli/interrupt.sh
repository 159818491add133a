# Ctrl-C and SIGTERM end the guest, not the command: it reports what there is to report.
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

# Runs the command, sends it a signal as soon as it would notice, waits for it.
interrupted() { # SIGNAL NUMBER ARGUMENTS...
    local signal=$1 number=$2 tries=0
    shift 2
    last="bulkhead $(shown "$@") (then SIG$signal)"
    code=0
    "$BULKHEAD" "$@" >"$work/out" 2>"$work/err" </dev/null &
    local pid=$!
    until catches "$pid" "$number" || ((tries++ == 3000)); do sleep 0.01; done
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
until catches "$pid" 15 || ((tries++ == 3000)); do sleep 0.01; done
catches "$pid" 2 && fail "SIGINT was ignored and is caught now"
kill -TERM "$pid"
wait "$pid" || code=$?
expect_code 130
finish
