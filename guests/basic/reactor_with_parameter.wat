;; _initialize takes what nobody could give it.
(module
  (func (export "_initialize") (param i32) (result i64) (i64.const 0))
  (func (export "answer") (result i32) (i32.const 42)))
