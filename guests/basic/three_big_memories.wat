;; Three memories of 6 pages (393,216 bytes) each: every one is below 512 KiB, the sum of 1,179,648
;; bytes is above 1 MiB. Proves that the fit of a component at load is decided by the sum.
(module $three_big_memories
  (memory $a 6)
  (memory $b 6)
  (memory $c 6)
  (func $start (export "_start"))
  (func $total (export "total") (result i32)
    (i32.add (i32.add (memory.size $a) (memory.size $b)) (memory.size $c))))
