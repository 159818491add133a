;; Garbage-collected objects without end: kept in a list, as one huge array, in arrays whose size
;; overflows, and as garbage that a collector has to find. The heap counts against the limit.
(module $gc_hoard
  (type $bytes (array (mut i8)))
  (type $wide (array (mut i64)))
  (rec (type $node (struct (field (mut (ref null $node))) (field (mut (ref null $bytes))))))
  (global $kept (mut (ref null $node)) (ref.null $node))
  (func (export "list")
    (loop $more
      (global.set $kept (struct.new $node (global.get $kept) (array.new_default $bytes (i32.const 4096))))
      (br $more)))
  (func (export "huge") (drop (array.new_default $bytes (i32.const 0x7fffffff))))
  (func (export "overflow") (drop (array.new_default $wide (i32.const 0x20000001))))
  (func (export "all_ones") (drop (array.new_default $wide (i32.const -1))))
  (func (export "garbage")
    (loop $more
      (drop (array.new_default $bytes (i32.const 4096)))
      (br $more))))
