;; A data segment near 4 GiB, where its address and length wrap around.
(module $data_far
  (memory 1)
  (data (i32.const 0xfffffffc) "\a7\a7\a7\a7\a7\a7\a7\a7"))
