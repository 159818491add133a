;; A memory with 64-bit addresses. Proves that the memory64 proposal is off: the slots are made for
;; 32 bits.
(module $memory64
  (memory (export "memory") i64 1)
  (func (export "grow") (param i64) (result i64) (memory.grow (local.get 0)))
  (func (export "_start")))
