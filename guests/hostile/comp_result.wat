;; Gives the host a result that no `result` can be, and has a cleanup after its return that traps,
;; never ends or recurses: code of the guest that runs after the answer is there.
(component $hostile_result
  (core module $main_module
    (func $deep (result i32) (i32.add (call $deep) (i32.const 1)))
    (func (export "run") (result i32) (i32.const 77))
    (func (export "negative") (result i32) (i32.const -1))
    (func (export "cleanup_traps") (result i32) (i32.const 0))
    (func (export "cleanup_loops") (result i32) (i32.const 1))
    (func (export "post") (param i32)
      (if (i32.eqz (local.get 0)) (then (unreachable)))
      (loop $l (br $l))))
  (core instance $main (instantiate $main_module))
  (func $run (result (result)) (canon lift (core func $main "run")
    (post-return (core func $main "post"))))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $cli)))
