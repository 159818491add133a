;; Takes all the memory it may have, and then asks for ever, in the start function: before anybody
;; has a sandbox to look at. The deadline and the limit hold there too, and nothing stays behind.
(module $grow_start
  (memory 1)
  (func $start
    (drop (memory.grow (i32.const 15)))
    (memory.fill (i32.const 0) (i32.const 0xa7) (i32.const 1048576))
    (loop $again (drop (memory.grow (i32.const 1))) (br $again)))
  (start $start))
