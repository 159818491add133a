;; A reactor that looks at its arguments when it begins, as the runtimes of Go and C do: the call
;; goes through WASI, and so runs on a fiber.
(module
  (import "wasi_snapshot_preview1" "args_sizes_get"
    (func $args_sizes_get (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func $_initialize (export "_initialize")
    (drop (call $args_sizes_get (i32.const 0) (i32.const 4))))
  (func (export "argument_count") (result i32) (i32.load (i32.const 0))))
