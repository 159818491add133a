;; A data segment whose first half fits and whose second half lies past the end of memory: the
;; instantiation traps, and the half that was written is gone with it.
(module $data_edge
  (memory 1)
  (data (i32.const 0) "\a7\a7\a7\a7")
  (data (i32.const 65532) "\a7\a7\a7\a7\a7\a7\a7\a7"))
