;; No attack but the victim: lives beside every hostile guest. It keeps a canary of four pages, which
;; the runner writes and reads back, and computes a number from all of it. Whatever a hostile guest
;; does, the number is right and every byte is where it was.
(module $neighbour
  (memory (export "memory") 4)
  (table 8 funcref)
  (elem (i32.const 3) $step)
  (type $step_type (func (param i64 i32) (result i64)))
  (func $step (type $step_type)
    (i64.mul
      (i64.xor (local.get 0) (i64.load8_u (local.get 1)))
      (i64.const 1099511628211)))
  ;; FNV-1a over the whole memory, each step through the table.
  (func (export "answer") (result i64) (local $h i64) (local $at i32)
    (local.set $h (i64.const 0xcbf29ce484222325))
    (loop $next
      (local.set $h
        (call_indirect (type $step_type) (local.get $h) (local.get $at) (i32.const 3)))
      (br_if $next
        (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.const 262144))))
    (local.get $h)))
