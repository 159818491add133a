;; A memory with pages of one byte. Proves that the custom-page-sizes proposal is off: limits are
;; kept in pages of 64 KiB.
(module $custom_page_size
  (memory (export "memory") 100 1000 (pagesize 1))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "_start")))
