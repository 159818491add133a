;; Three memories, each of them below the limit and together above it, growing in turn and all at
;; once. The limit is on the sum: three memories under "1 MiB" have 16 pages together, never 48.
(module $sum
  (memory $a 1) (memory $b 1) (memory $c 1)
  (func $total (result i32)
    (i32.add (i32.add (memory.size $a) (memory.size $b)) (memory.size $c)))
  (func (export "in_turn") (result i32) (local $granted i32)
    (loop $round
      (local.set $granted (i32.const 0))
      (if (i32.ne (memory.grow $a (i32.const 1)) (i32.const -1))
        (then (local.set $granted (i32.const 1))))
      (if (i32.ne (memory.grow $b (i32.const 1)) (i32.const -1))
        (then (local.set $granted (i32.const 1))))
      (if (i32.ne (memory.grow $c (i32.const 1)) (i32.const -1))
        (then (local.set $granted (i32.const 1))))
      (br_if $round (local.get $granted)))
    (i32.eq (call $total) (i32.const 16)))
  (func (export "each_ten") (result i32)
    (drop (memory.grow $a (i32.const 10)))
    (drop (memory.grow $b (i32.const 10)))
    (drop (memory.grow $c (i32.const 10)))
    (i32.eq (call $total) (i32.const 13)))
  ;; From one memory into another, past the end of either.
  (func (export "copy_over_source") (result i32)
    (memory.copy $a $b (i32.const 0) (i32.const 1) (i32.const 65536)) (i32.const 0))
  (func (export "copy_over_target") (result i32)
    (memory.copy $a $b (i32.const 65535) (i32.const 0) (i32.const 2)) (i32.const 0))
  (func (export "load_other") (result i32) (i32.load $c (i32.const 65533))))
