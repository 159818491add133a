;; Imports its memory. Proves that such a module is refused: a memory that the host made would be
;; counted by nobody.
(module $memory_import
  (import "env" "memory" (memory 1 16))
  (func (export "_start") (drop (memory.grow (i32.const 1)))))
