;; A component inside a component, its inner one instantiated twice with one memory of 5 pages each,
;; beside one of its own: 11 pages, 720,896 bytes. Proves that the fit at load also counts the
;; instances of nested components: refused under 512 KiB, runs under 1 MiB.
(component $nested
  (component $inner
    (core module $main
      (memory (export "memory") 5)
      (func $answer (export "answer") (result i32) (i32.const 42)))
    (core instance $main (instantiate $main))
    (func (export "answer") (result u32) (canon lift (core func $main "answer"))))
  (instance $first (instantiate $inner))
  (instance $second (instantiate $inner))
  (core func $first_answer (canon lower (func $first "answer")))
  (core func $second_answer (canon lower (func $second "answer")))
  (core module $main
    (import "inner" "first" (func $first (result i32)))
    (import "inner" "second" (func $second (result i32)))
    (memory (export "memory") 1)
    (func $run (export "run") (result i32) (i32.ne (call $first) (call $second))))
  (core instance $main (instantiate $main
    (with "inner" (instance
      (export "first" (func $first_answer))
      (export "second" (func $second_answer))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $cli)))
