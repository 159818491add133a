;; Floods a stream of WASI 0.2 in every way that the interface has: 4 KiB at a time without end,
;; hundreds of KiB at once without having asked, zeros that only the host has (2^64 - 1 of them),
;; splicing without end, contents that lie past the end of memory. The host buffers nothing of it
;; beyond its bounds: the guest ends at its deadline or in a trap.
(component $streams_flood
  (import "wasi:io/error@0.2.0" (instance $error (export "error" (type (sub resource)))))
  (alias export $error "error" (type $error_type))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (alias outer $streams_flood $error_type (type $e))
    (export "error" (type $its_error (eq $e)))
    (export "input-stream" (type $in (sub resource)))
    (export "output-stream" (type $out (sub resource)))
    (type $failed (variant (case "last-operation-failed" (own $its_error)) (case "closed")))
    (export "stream-error" (type $stream_error (eq $failed)))
    (type $nothing (result (error $stream_error)))
    (type $number (result u64 (error $stream_error)))
    (export "[method]output-stream.check-write"
      (func (param "self" (borrow $out)) (result $number)))
    (export "[method]output-stream.write"
      (func (param "self" (borrow $out)) (param "contents" (list u8)) (result $nothing)))
    (export "[method]output-stream.blocking-write-and-flush"
      (func (param "self" (borrow $out)) (param "contents" (list u8)) (result $nothing)))
    (export "[method]output-stream.write-zeroes"
      (func (param "self" (borrow $out)) (param "len" u64) (result $nothing)))
    (export "[method]output-stream.blocking-write-zeroes-and-flush"
      (func (param "self" (borrow $out)) (param "len" u64) (result $nothing)))
    (export "[method]output-stream.splice"
      (func (param "self" (borrow $out)) (param "src" (borrow $in)) (param "len" u64)
        (result $number)))
    (export "[method]output-stream.blocking-splice"
      (func (param "self" (borrow $out)) (param "src" (borrow $in)) (param "len" u64)
        (result $number)))))
  (alias export $streams "output-stream" (type $output))
  (alias export $streams "input-stream" (type $input))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer $streams_flood $output (type $s))
    (export "output-stream" (type $stream (eq $s)))
    (export "get-stdout" (func (result (own $stream))))))
  (import "wasi:cli/stdin@0.2.0" (instance $stdin
    (alias outer $streams_flood $input (type $s))
    (export "input-stream" (type $stream (eq $s)))
    (export "get-stdin" (func (result (own $stream))))))
  (core module $memory_module (memory (export "memory") 15))
  (core instance $m (instantiate $memory_module))
  (alias core export $m "memory" (core memory $memory))
  (core func $get_stdout (canon lower (func $stdout "get-stdout")))
  (core func $get_stdin (canon lower (func $stdin "get-stdin")))
  (core func $check (canon lower (func $streams "[method]output-stream.check-write")
    (memory $memory)))
  (core func $write (canon lower (func $streams "[method]output-stream.write") (memory $memory)))
  (core func $write_flush
    (canon lower (func $streams "[method]output-stream.blocking-write-and-flush")
      (memory $memory)))
  (core func $zeroes (canon lower (func $streams "[method]output-stream.write-zeroes")
    (memory $memory)))
  (core func $zeroes_flush
    (canon lower (func $streams "[method]output-stream.blocking-write-zeroes-and-flush")
      (memory $memory)))
  (core func $splice (canon lower (func $streams "[method]output-stream.splice")
    (memory $memory)))
  (core func $splice_block
    (canon lower (func $streams "[method]output-stream.blocking-splice") (memory $memory)))
  (core module $main_module
    (import "m" "memory" (memory 15))
    (import "w" "stdout" (func $stdout (result i32)))
    (import "w" "stdin" (func $stdin (result i32)))
    (import "w" "check" (func $check (param i32 i32)))
    (import "w" "write" (func $write (param i32 i32 i32 i32)))
    (import "w" "write_flush" (func $write_flush (param i32 i32 i32 i32)))
    (import "w" "zeroes" (func $zeroes (param i32 i64 i32)))
    (import "w" "zeroes_flush" (func $zeroes_flush (param i32 i64 i32)))
    (import "w" "splice" (func $splice (param i32 i32 i64 i32)))
    (import "w" "splice_block" (func $splice_block (param i32 i32 i64 i32)))
    (global $out (mut i32) (i32.const 0))
    (global $in (mut i32) (i32.const 0))
    (func $open
      (global.set $out (call $stdout))
      (global.set $in (call $stdin)))
    (func (export "run") (result i32) (call $open)
      (loop $l
        (call $write_flush (global.get $out) (i32.const 64) (i32.const 4096) (i32.const 0))
        (br $l))
      (i32.const 0))
    (func (export "write_without_asking") (result i32) (call $open)
      (loop $l
        (call $write (global.get $out) (i32.const 64) (i32.const 900000) (i32.const 0))
        (br $l))
      (i32.const 0))
    (func (export "write_what_is_allowed") (result i32) (call $open)
      (loop $l
        (call $check (global.get $out) (i32.const 0))
        (call $write (global.get $out) (i32.const 64) (i32.load (i32.const 8)) (i32.const 32))
        (br $l))
      (i32.const 0))
    (func (export "flush_too_much") (result i32) (call $open)
      (call $write_flush (global.get $out) (i32.const 64) (i32.const 900000) (i32.const 0))
      (i32.const 0))
    (func (export "zeroes_without_end") (result i32) (call $open)
      (loop $l (call $zeroes_flush (global.get $out) (i64.const 4096) (i32.const 0)) (br $l))
      (i32.const 0))
    (func (export "all_zeroes") (result i32) (call $open)
      (call $zeroes (global.get $out) (i64.const -1) (i32.const 0)) (i32.const 0))
    (func (export "all_zeroes_flush") (result i32) (call $open)
      (call $zeroes_flush (global.get $out) (i64.const -1) (i32.const 0)) (i32.const 0))
    (func (export "splice_everything") (result i32) (call $open)
      (loop $l
        (call $splice (global.get $out) (global.get $in) (i64.const -1) (i32.const 0)) (br $l))
      (i32.const 0))
    (func (export "splice_block_everything") (result i32) (call $open)
      (loop $l
        (call $splice_block (global.get $out) (global.get $in) (i64.const -1) (i32.const 0))
        (br $l))
      (i32.const 0))
    (func (export "past_the_end") (result i32) (call $open)
      (call $write (global.get $out) (i32.const 983039) (i32.const 2) (i32.const 0))
      (i32.const 0))
    (func (export "wraps") (result i32) (call $open)
      (call $write (global.get $out) (i32.const 16) (i32.const -1) (i32.const 0)) (i32.const 0))
    (func (export "result_past_the_end") (result i32) (call $open)
      (call $check (global.get $out) (i32.const 983040)) (i32.const 0))
    (func (export "result_unaligned") (result i32) (call $open)
      (call $check (global.get $out) (i32.const 3)) (i32.const 0))
    (func (export "no_such_handle") (result i32)
      (call $check (i32.const 12345) (i32.const 0)) (i32.const 0))
    (func (export "wrong_handle") (result i32) (call $open)
      (call $check (global.get $in) (i32.const 0)) (i32.const 0)))
  (core instance $main (instantiate $main_module
    (with "m" (instance $m))
    (with "w" (instance
      (export "stdout" (func $get_stdout)) (export "stdin" (func $get_stdin))
      (export "check" (func $check)) (export "write" (func $write))
      (export "write_flush" (func $write_flush)) (export "zeroes" (func $zeroes))
      (export "zeroes_flush" (func $zeroes_flush)) (export "splice" (func $splice))
      (export "splice_block" (func $splice_block))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $cli)))
