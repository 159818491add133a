;; Takes a handle to stdout again and again and never drops one. Proves that the entries which a
;; guest can make the host keep are bounded: it ends in a trap, not in a host that grows.
(component $handles
  (import "wasi:io/streams@0.2.0" (instance $streams
    (export "output-stream" (type (sub resource)))))
  (alias export $streams "output-stream" (type $output_stream))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer $handles $output_stream (type $stream))
    (export "output-stream" (type $own_stream (eq $stream)))
    (export "get-stdout" (func (result (own $own_stream))))))
  (core func $get_stdout (canon lower (func $stdout "get-stdout")))
  (core module $main
    (import "stdout" "get-stdout" (func $get_stdout (result i32)))
    (func $run (export "run") (result i32)
      (loop $forever (drop (call $get_stdout)) (br $forever))
      (i32.const 0)))
  (core instance $main (instantiate $main
    (with "stdout" (instance (export "get-stdout" (func $get_stdout))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $cli)))
