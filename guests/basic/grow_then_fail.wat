;; Declares a maximum of 4 pages itself, grows to it, asks beyond it, and carries on. Proves that a
;; growth past the module's own maximum is the guest's affair: -1, not charged, not counted as a
;; refusal by the limiter, and the memory still works afterwards.
(module $grow_then_fail
  (memory (export "memory") 1 4)
  ;; Tries 6 growths of one page: 3 succeed. Gives the number that failed, 3.
  (func $run (export "run") (result i32)
    (local $tries i32) (local $failed i32)
    (loop $next
      (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1))
        (then (local.set $failed (i32.add (local.get $failed) (i32.const 1)))))
      (local.set $tries (i32.add (local.get $tries) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $tries) (i32.const 6))))
    ;; The last byte of the fourth page works.
    (i32.store8 (i32.const 262143) (i32.const 7))
    (if (i32.ne (i32.load8_u (i32.const 262143)) (i32.const 7)) (then (unreachable)))
    (local.get $failed))
  (func $size (export "size") (result i32) (memory.size)))
