;; A memory that says itself how far it may grow: the engine refuses the rest without asking anybody,
;; which is what a refused growth costs where there is no limiter.
(module $declared_maximum
  (memory (export "memory") 64 64)
  (func $grow (export "grow") (param $times i32) (result i32)
    (local $refused i32)
    (loop $next
      (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1))
        (then (local.set $refused (i32.add (local.get $refused) (i32.const 1)))))
      (br_if $next (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
    (local.get $refused)))
