;; The same command, and its run gives the error of its result. Proves that a failure which the
;; guest reports is exit code 1 and not a trap.
(component $run_err
  (core module $main
    (func $run (export "run") (result i32) (i32.const 1)))
  (core instance $main (instantiate $main))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $cli)))
