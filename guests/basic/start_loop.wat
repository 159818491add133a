;; Never comes out of its start function. Proves that the deadline also covers instantiation.
(module $start_loop
  (memory (export "memory") 1)
  (func $begin (loop $forever (br $forever)))
  (start $begin)
  (func (export "_start")))
