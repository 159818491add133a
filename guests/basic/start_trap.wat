;; Traps in its start function, before any export can be called. Proves that a sandbox which cannot
;; begin leaves nothing behind: no slot, no charge.
(module $start_trap
  (memory (export "memory") 2)
  (func $begin
    (i32.store (i32.const 0) (i32.const 1))
    (unreachable))
  (start $begin)
  (func (export "_start")))
