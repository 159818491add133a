;; Declares 17 memories of no page at all, one more than a sandbox may have by default (max_memories
;; = 16). Proves that the number of memories is limited as well as their size: each of them takes a
;; slot.
(module $many_memories
  (memory 0) (memory 0) (memory 0) (memory 0) (memory 0) (memory 0)
  (memory 0) (memory 0) (memory 0) (memory 0) (memory 0) (memory 0)
  (memory 0) (memory 0) (memory 0) (memory 0) (memory 0)
  (func (export "_start")))
