;; Imports random numbers, a capability of WASI that is not granted. Proves that the component is
;; refused when it is loaded, as a denied capability and not as an unknown import.
(module $random_import
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (drop (call $random_get (i32.const 0) (i32.const 16)))))
