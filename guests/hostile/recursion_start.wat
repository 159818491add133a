;; Recursion without end in the start function.
(module $recursion_start
  (func $deep (result i64) (i64.add (call $deep) (i64.const 1)))
  (func $start (drop (call $deep)))
  (start $start))
