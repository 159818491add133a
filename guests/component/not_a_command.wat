;; A component that exports a function of its own and no wasi:cli/run. Proves that running something
;; which is not a command is answered with what is missing.
(component $not_a_command
  (core module $main
    (func $answer (export "answer") (result i32) (i32.const 42)))
  (core instance $main (instantiate $main))
  (func (export "answer") (result u32) (canon lift (core func $main "answer"))))
