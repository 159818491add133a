;; A data segment that ends one byte past the end of memory, after one that fits. Proves that such a
;; component traps while it is instantiated and that nothing is written outside its memory.
(module $data_over
  (memory (export "memory") 1)
  (data (i32.const 0) "this fits")
  (data (i32.const 65529) "past end")
  (func (export "_start")))
