;; Loops that never end, without calls, with calls, over bulk operations on all of memory, over
;; tables, over a branch table, over exceptions. Each is stopped at the deadline, or when its fuel is
;; used up, wherever it is. Its memory is a page below the limit: exceptions need a heap of one page.
(module $loops
  (memory 15)
  (table $t 5000 funcref)
  (tag $e)
  (func (export "empty") (loop $l (br $l)))
  (func $nothing)
  (func (export "calls") (loop $l (call $nothing) (br $l)))
  (func (export "nested") (loop $a (loop $b (loop $c (br $c)) (br $b)) (br $a)))
  (func (export "fill") (loop $l
    (memory.fill (i32.const 0) (i32.const 1) (i32.const 983040)) (br $l)))
  (func (export "copy") (loop $l
    (memory.copy (i32.const 1) (i32.const 0) (i32.const 983039)) (br $l)))
  (func (export "table_fill") (loop $l
    (table.fill $t (i32.const 0) (ref.func $nothing) (i32.const 5000)) (br $l)))
  (func (export "table_copy") (loop $l
    (table.copy $t $t (i32.const 1) (i32.const 0) (i32.const 4999)) (br $l)))
  (func (export "branches") (local i32)
    (loop $l
      (block $a (block $b
        (br_table $a $b $l (local.tee 0 (i32.add (local.get 0) (i32.const 1))))))
      (br $l)))
  (func (export "throws")
    (loop $l (block $c (try_table (catch_all $c) (throw $e))) (br $l)))
  (elem declare func $nothing))
