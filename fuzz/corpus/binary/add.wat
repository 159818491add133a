;; Pure functions on every number type, with no memory, table or import. Proves that calls carry
;; values of all four types in and out without loss, several results in order, and that a guest
;; without memory is charged nothing.
(module $add
  (func $add (export "add") (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1)))
  (func $add64 (export "add64") (param i64 i64) (result i64)
    (i64.add (local.get 0) (local.get 1)))
  (func $addf (export "addf") (param f32 f32) (result f32)
    (f32.add (local.get 0) (local.get 1)))
  (func $addd (export "addd") (param f64 f64) (result f64)
    (f64.add (local.get 0) (local.get 1)))
  ;; swap(a, b) = b, a
  (func $swap (export "swap") (param i32 i64) (result i64 i32)
    (local.get 1) (local.get 0))
  ;; Gives its arguments back: every bit must survive, NaN payloads included.
  (func $echo (export "echo") (param i32 i64 f32 f64) (result i32 i64 f32 f64)
    (local.get 0) (local.get 1) (local.get 2) (local.get 3))
  (func $nothing (export "nothing"))
  ;; A type that the host's core calls do not carry.
  (func $vector (export "vector") (param v128) (result v128) (local.get 0))
  ;; An export that is not a function.
  (global (export "answer") i32 (i32.const 42)))
