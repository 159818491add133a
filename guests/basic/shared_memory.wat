;; A shared memory. Proves that the threads proposal is off: shared memories go past the limiter.
(module $shared_memory
  (memory (export "memory") 1 16 shared)
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "_start")))
