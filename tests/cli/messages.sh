# What a person reads who sees it first: the wrong file, the wrong order, the wrong WASI. Each message
# says what is there, and what to do.
. "$(dirname "$0")/lib.sh"
limit=--max-bytes=1MiB

wrong_file() { # NAME
    local name=$1
    record 65 run $limit "$work/$name"
    expect_in_err "bulkhead: $work/$name: not a component: this is "
    try inspect "$work/$name"
    expect_code 65
    expect_in_err "this is "
}
make() { # NAME FORMAT, to printf
    # shellcheck disable=SC2059
    printf "$2" >"$work/$1"
    wrong_file "$1"
}

# -- files ----------------------------------------------------------------------------------------
: >"$work/empty.wasm"
wrong_file empty.wasm
make blank.wasm '\n \t\n'
make cut.wasm '\0as'
make guest.wasm.gz '\037\213\010\0\0\0\0\0\0\003'
make guest.wasm.zst '\050\265\057\375\004\0'
make guest.wasm.xz '\3757zXZ\0'
make guest.wasm.bz2 'BZh91AY&SY'
make guest.wasm.lz4 '\004\042\115\030'
make guest.zip 'PK\003\004\024\0'
make guest.7z '7z\274\257\047\034'
{ head -c 257 /dev/zero; printf 'ustar\00000'; head -c 300 /dev/zero; } >"$work/guest.tar"
wrong_file guest.tar
printf '\177ELF\002\001\001\0\0\0\0\0\0\0\0\0\003\0\076\0' >"$work/program"
wrong_file program
printf '\177ELF\002\001\001\0\0\0\0\0\0\0\0\0\001\0\076\0' >"$work/guest.o"
wrong_file guest.o
printf '\177ELF\002\001\001\0\0\0\0\0\0\0\0\0\004\0\076\0' >"$work/core"
wrong_file core
make program.exe 'MZ\220\0\003'
make program.macos '\317\372\355\376\007\0'
make Program.class '\312\376\272\276\0\0'
make libguest.a '!<arch>\nguest.o/'
make guest.bc 'BC\300\336'
make page.wasm '<!DOCTYPE html>\n<html><head><title>404</title>'
make feed.wasm '<?xml version="1.0"?>'
make pointer.wasm 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n'
make wide.wat '\377\376(\0m\0o\0d\0u\0l\0e\0)\0'
make base64.wasm 'AGFzbQEAAAA='
make manifest.wasm '# a comment\n[component]\nname = "x"\n'
make answer.wasm '{"error": "not found"}'
make world.wit '// what it has\npackage my:photos@1.0.0;\n\ninterface images {}\n'
make glue.wasm 'import { instantiate } from "./guest.js";\n'
make main.c '#include <stdio.h>\n'
make script.wasm '#!/bin/sh\n'
make document.wasm '%%PDF-1.7\n'
# A megabyte and more is recognised too, before it is too large to be text.
{ printf '\037\213\010\0'; head -c 2000000 /dev/zero; } >"$work/large.wasm"
wrong_file large.wasm
# What nobody knows is a parser's affair.
echo 'module' >"$work/unknown.wasm"
record 65 run $limit "$work/unknown.wasm"
record 66 inspect guests

# Object files and libraries are modules, but not such as can run.
object='(import "env" "__linear_memory" (memory 1))'
echo "(module $object (@custom \"linking\" \"\\02\"))" >"$work/object.wat"
record 65 run $limit "$work/object.wat"
echo "(module (@custom \"dylink.0\" \"\") (import \"env\" \"memory_base\" (global i32)))" >"$work/library.wat"
record 65 run $limit "$work/library.wat"
# A linked module may have kept the section.
echo '(module (func (export "_start")) (@custom "linking" "\02"))' >"$work/kept.wat"
record 0 run $limit "$work/kept.wat"

# -- features and versions ------------------------------------------------------------------------
record 65 run $limit guests/basic/gc_heap.wat
expect_in_err "--enable=gc"
record 65 run $limit guests/basic/memory64.wat
expect_not_in_err "--enable=gc"
echo '(module (type $f (func)) (func (param (ref $f))))' >"$work/typed.wat"
record 65 run $limit "$work/typed.wat"
expect_in_err "--enable=gc"

echo '(module (import "wasi_unstable" "fd_write" (func (param i32 i32 i32 i32) (result i32))))' >"$work/old.wat"
record 65 run $limit "$work/old.wat"
echo '(module (import "wasi_snapshot_preview1" "sock_open" (func (param i32 i32 i32) (result i32))))' >"$work/more.wat"
record 65 run $limit "$work/more.wat"
echo '(component (import "wasi:cli/environment@0.3.0" (instance (export "go" (func)))))' >"$work/new.wat"
record 65 run $limit "$work/new.wat"
echo '(component (import "wasi:cli/environment@0.2.0-rc-2023-12-05" (instance (export "go" (func)))))' >"$work/candidate.wat"
record 65 run $limit "$work/candidate.wat"
echo '(component (import "wasi:cli/stdout@0.2.0" (instance)) (import "wasi:clocks/timezone@0.2.0" (instance (export "utc-offset" (func (result s32))))))' >"$work/draft.wat"
record 65 run $limit "$work/draft.wat"
sed 's/@0\.2\.0/@0.3.0/' guests/component/run_ok.wat >"$work/run3.wat"
record 65 run $limit "$work/run3.wat"
echo '(component (import "wasi:cli/run@0.3.0" (instance (export "run" (func async (result (result)))))))' >"$work/async.wat"
record 65 run $limit "$work/async.wat"

# -- what is not a command ------------------------------------------------------------------------
record 65 run $limit guests/basic/reactor.wat
record 65 run $limit guests/component/not_a_command.wat
echo '(module)' >"$work/nothing.wat"
record 65 run $limit "$work/nothing.wat"

# -- the wrong order ------------------------------------------------------------------------------
record 78 run guests/basic/add.wat $limit
record 78 run guests/basic/add.wat --timeout 3 --max-bytes 1MiB
record 65 run $limit guests/basic/add.wat '--invoke=add(1, 2)'
record 77 run examples/notes --allow-dir=examples/notes/notes:rw
record 65 run $limit guests/basic/gc_heap.wat --enable=gc
# What is the guest's is not mistaken for it.
record 0 run $limit guests/component/run_ok.wat --max-bytes=2MiB --invoke
record 78 run guests/basic/add.wat --maximum=1MiB max-bytes

# -- refusals before the end ----------------------------------------------------------------------
exits='(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))'
grows='(if (i32.eq (memory.grow (i32.const 100)) (i32.const -1)) (then (call $exit (i32.const 1))))'
echo "(module $exits (memory (export \"memory\") 1) (func (export \"_start\") $grows))" >"$work/gives_up.wat"
record 1 run $limit "$work/gives_up.wat"
echo "(module $exits (memory (export \"memory\") 1) (func (export \"_start\")
  (drop (memory.grow (i32.const 100))) $grows))" >"$work/gives_up_twice.wat"
record 1 run $limit "$work/gives_up_twice.wat"
record 1 run $limit --report "$work/gives_up_twice.wat"
echo "(component (core module \$m (memory 1) (func (export \"run\") (result i32)
    (drop (memory.grow (i32.const 100))) (i32.const 1)))
  (core instance \$i (instantiate \$m))
  (func \$run (result (result)) (canon lift (core func \$i \"run\")))
  (instance \$cli (export \"run\" (func \$run)))
  (export \"wasi:cli/run@0.2.0\" (instance \$cli)))" >"$work/fails.wat"
record 1 run $limit "$work/fails.wat"
# The same of what it may not have: the time, random numbers, an address.
record 1 run $limit guests/wasi/ask.core.wasm time
record 1 run $limit guests/wasi/ask.core.wasm random
record 1 run $limit --allow-net=192.0.2.1:4242 guests/component/connect.wat
asks='(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))'
random='(drop (call $random (i32.const 0) (i32.const 4)))'
echo "(module $asks $exits (memory (export \"memory\") 1) (func (export \"_start\") $random
  (drop (memory.grow (i32.const 100))) (call \$exit (i32.const 5))))" >"$work/both.wat"
record 5 run $limit "$work/both.wat"
record 5 run $limit --allow-random "$work/both.wat"
echo "(module $asks (memory (export \"memory\") 1) (func (export \"_start\") $random))" >"$work/does_without.wat"
record 0 run $limit "$work/does_without.wat"
# Success is success, also when something was refused; and a failure without refusals needs no note.
echo "(module (memory 1) (func (export \"_start\") (drop (memory.grow (i32.const 100)))))" >"$work/copes.wat"
record 0 run $limit "$work/copes.wat"
record 1 run $limit guests/component/run_err.wat

# -- one of something -----------------------------------------------------------------------------
record 124 run $limit --fuel=1 guests/basic/loop.wat
record 0 inspect guests/basic/data.wat
finish messages.txt
