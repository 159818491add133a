;; Calls for random numbers. Proves that a module that was not given them gets the error "not
;; capable" and goes on; anything else is unreachable.
(module $random_import
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (if (i32.ne (call $random_get (i32.const 0) (i32.const 16)) (i32.const 76))
      (then (unreachable)))))
