;; An element segment one entry past the end of its table: the instantiation traps.
(module $table_segment_edge
  (table 2 funcref)
  (func $f)
  (elem (i32.const 1) func $f $f))
