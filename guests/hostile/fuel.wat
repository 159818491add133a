;; Runs on the edge of its fuel: an empty function on a single unit, a loop, and bulk operations that
;; do a lot for one instruction. Fuel that is used up ends the guest and never wraps around.
(module $fuel
  (memory 16)
  (func (export "empty") (result i32) (i32.const 1))
  (func (export "loop") (loop $l (br $l)))
  (func (export "fills") (loop $l
    (memory.fill (i32.const 0) (i32.const 1) (i32.const 1048576)) (br $l)))
  (func $deep (export "recursion") (call $deep)))
