;; The smallest command of the component model: it exports wasi:cli/run, imports nothing, has one
;; memory of one page and succeeds. Proves that a component runs without any WASI at all.
(component $run_ok
  (core module $main
    (memory (export "memory") 1)
    (func $run (export "run") (result i32) (i32.const 0)))
  (core instance $main (instantiate $main))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $cli)))
