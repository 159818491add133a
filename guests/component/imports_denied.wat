;; Calls for random numbers, which WASI 0.2 has no error for. Proves that a component that was not
;; given them ends there, as denied.
(component $imports_denied
  (import "wasi:random/random@0.2.0" (instance $random
    (export "get-random-u64" (func (result u64)))))
  (core func $get_random_u64 (canon lower (func $random "get-random-u64")))
  (core module $main
    (import "random" "get-random-u64" (func $get_random_u64 (result i64)))
    (func $run (export "run") (result i32) (i64.eqz (call $get_random_u64))))
  (core instance $main (instantiate $main
    (with "random" (instance (export "get-random-u64" (func $get_random_u64))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $cli)))
