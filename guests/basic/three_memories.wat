;; Three memories of one page each. Proves that the limit holds for their sum: each of them may stay
;; below it and the growth that passes it together with the others is still refused.
(module $three_memories
  (memory $a (export "a") 1)
  (memory $b (export "b") 1)
  (memory $c (export "c") 1)
  (func $grow_a (export "grow_a") (param $pages i32) (result i32)
    (memory.grow $a (local.get $pages)))
  (func $grow_b (export "grow_b") (param $pages i32) (result i32)
    (memory.grow $b (local.get $pages)))
  (func $grow_c (export "grow_c") (param $pages i32) (result i32)
    (memory.grow $c (local.get $pages)))
  (func $size_a (export "size_a") (result i32) (memory.size $a))
  (func $size_b (export "size_b") (result i32) (memory.size $b))
  (func $size_c (export "size_c") (result i32) (memory.size $c))
  ;; Pages of all three.
  (func $total (export "total") (result i32)
    (i32.add (i32.add (memory.size $a) (memory.size $b)) (memory.size $c)))
  ;; Grows a, b and c in turn by one page until one of them is refused; gives the total then.
  (func $exhaust (export "exhaust") (result i32)
    (block $refused
      (loop $next
        (br_if $refused (i32.eq (memory.grow $a (i32.const 1)) (i32.const -1)))
        (br_if $refused (i32.eq (memory.grow $b (i32.const 1)) (i32.const -1)))
        (br_if $refused (i32.eq (memory.grow $c (i32.const 1)) (i32.const -1)))
        (br $next)))
    (call $total))
  (func $start (export "_start") (drop (call $exhaust))))
