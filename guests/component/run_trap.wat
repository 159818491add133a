;; A command that traps three functions deep. Proves that a trap inside a component is reported with
;; the functions of its core module.
(component $run_trap
  (core module $main
    (func $inner (unreachable))
    (func $middle (call $inner))
    (func $run (export "run") (result i32) (call $middle) (i32.const 0)))
  (core instance $main (instantiate $main))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $cli)))
