;; Calls itself in tail position, directly and through a table. Proves that tail calls work
;; (millions of them need no stack) and that an endless chain of them still ends at the deadline.
(module $tail_call
  (type $step (func (param i64) (result i64)))
  (table 1 funcref)
  (elem (i32.const 0) func $through_table)
  ;; Both count n down to 0 and give 0.
  (func $count_down (export "count_down") (type $step)
    (if (i64.eqz (local.get 0)) (then (return (i64.const 0))))
    (return_call $count_down (i64.sub (local.get 0) (i64.const 1))))
  (func $through_table (export "through_table") (type $step)
    (if (i64.eqz (local.get 0)) (then (return (i64.const 0))))
    (return_call_indirect (type $step)
      (i64.sub (local.get 0) (i64.const 1)) (i32.const 0)))
  (func $endless (export "endless") (return_call $endless))
  (func $start (export "_start") (return_call $endless)))
