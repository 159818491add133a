;; A reactor whose constructor aborts.
(module
  (memory (export "memory") 1)
  (func $construct unreachable)
  (func $_initialize (export "_initialize") (call $construct))
  (func (export "answer") (result i32) (i32.const 42)))
