;; A command that never returns. Proves that the deadline and fuel end a component as they end a
;; core module.
(component $run_loop
  (core module $main
    (func $spin (loop $forever (br $forever)))
    (func $run (export "run") (result i32) (call $spin) (i32.const 0)))
  (core instance $main (instantiate $main))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $cli)))
