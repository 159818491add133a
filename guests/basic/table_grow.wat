;; Three tables, of functions and of host references, that grow on demand. Proves that tables are
;; limited over all of them (each element costs the host memory that no linear memory shows), and
;; that a call through an empty entry, a wrong type or an index past the end is a trap.
(module $table_grow
  (type $number (func (result i32)))
  (type $other (func (param i64) (result i64)))
  (table $a (export "a") 4 funcref)
  (table $b 10 funcref)
  (table $c 0 externref)
  (elem (table $a) (i32.const 0) func $forty_two $twice)
  (func $forty_two (type $number) (i32.const 42))
  (func $twice (type $other) (i64.shl (local.get 0) (i64.const 1)))
  ;; Elements before the growth, or -1.
  (func $grow_a (export "grow_a") (param $elements i32) (result i32)
    (table.grow $a (ref.null func) (local.get $elements)))
  (func $grow_b (export "grow_b") (param $elements i32) (result i32)
    (table.grow $b (ref.null func) (local.get $elements)))
  (func $grow_c (export "grow_c") (param $elements i32) (result i32)
    (table.grow $c (ref.null extern) (local.get $elements)))
  (func $total (export "total") (result i32)
    (i32.add (i32.add (table.size $a) (table.size $b)) (table.size $c)))
  ;; call(0) = 42; call(1) has the wrong type; call(2) and call(3) are
  ;; empty; call(4) is past the end.
  (func $call (export "call") (param $index i32) (result i32)
    (call_indirect $a (type $number) (local.get $index)))
  ;; Asks for 50 million elements, and runs into `unreachable` when refused.
  (func $start (export "_start")
    (if (i32.eq (table.grow $b (ref.null func) (i32.const 50000000)) (i32.const -1))
      (then (unreachable))))
  (func $table_fill_over (export "fill_over")
    (table.fill $a (i32.const 3) (ref.null func) (i32.const 2)))
  (func $table_get_over (export "get_over")
    (drop (table.get $a (table.size $a)))))
