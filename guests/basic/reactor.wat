;; A reactor as C++ makes one: constructors fill a table of squares, and a function reads it. A
;; second call of _initialize would trap, and so does a call before the first.
(module
  (memory (export "memory") 1)
  (global $begun (mut i32) (i32.const 0))
  (func $_initialize (export "_initialize") (local $i i32)
    (if (global.get $begun) (then unreachable))
    (global.set $begun (i32.const 1))
    (loop $next
      (i32.store (i32.shl (local.get $i) (i32.const 2))
        (i32.mul (local.get $i) (local.get $i)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (i32.const 100)))))
  (func $square (export "square") (param $i i32) (result i32)
    (if (i32.eqz (global.get $begun)) (then unreachable))
    (i32.load (i32.shl (local.get $i) (i32.const 2)))))
