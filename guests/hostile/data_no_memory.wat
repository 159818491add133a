;; A data segment for a memory without a single page, and of one byte at its end.
(module $data_no_memory
  (memory 0)
  (data (i32.const 0) "\a7"))
