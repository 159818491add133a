;; A component made of components: one inner component instantiated twice, each with a memory of 5
;; pages, and a third with one page that calls both. 11 pages, 720,896 bytes. Proves that the fit at
;; load also counts the instances of nested components: refused under 512 KiB, runs under 1 MiB.
(component $nested
  (component $inner
    (core module $main
      (memory (export "memory") 5)
      (func $answer (export "answer") (result i32) (i32.const 42)))
    (core instance $main (instantiate $main))
    (func (export "answer") (result u32) (canon lift (core func $main "answer"))))
  (component $outer
    (import "first" (func $first (result u32)))
    (import "second" (func $second (result u32)))
    (core func $first_answer (canon lower (func $first)))
    (core func $second_answer (canon lower (func $second)))
    (core module $main
      (import "inner" "first" (func $first (result i32)))
      (import "inner" "second" (func $second (result i32)))
      (memory (export "memory") 1)
      (func $run (export "run") (result i32) (i32.ne (call $first) (call $second))))
    (core instance $main (instantiate $main
      (with "inner" (instance
        (export "first" (func $first_answer))
        (export "second" (func $second_answer))))))
    (func (export "run") (result (result)) (canon lift (core func $main "run"))))
  (instance $first (instantiate $inner))
  (instance $second (instantiate $inner))
  (instance $outer (instantiate $outer
    (with "first" (func $first "answer"))
    (with "second" (func $second "answer"))))
  (instance $cli (export "run" (func $outer "run")))
  (export "wasi:cli/run@0.2.0" (instance $cli)))
