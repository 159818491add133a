;; A reactor whose constructor never ends.
(module
  (memory (export "memory") 1)
  (func $_initialize (export "_initialize") (loop $forever (br $forever)))
  (func (export "answer") (result i32) (i32.const 42)))
