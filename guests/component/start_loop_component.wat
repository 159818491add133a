;; Hangs in the start function of its core module. Proves that the deadline covers the instantiation
;; of a component.
(component $start_loop_component
  (core module $main
    (func $begin (loop $forever (br $forever)))
    (start $begin)
    (func $run (export "run") (result i32) (i32.const 0)))
  (core instance $main (instantiate $main))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $cli)))
