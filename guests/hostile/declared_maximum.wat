;; Declares a maximum below its limit and asks for more: a refusal that is the guest's own affair, so
;; that it is answered with -1 in both modes and is no out-of-memory.
(module $declared_maximum
  (memory 1 4)
  (func (export "past_its_own") (result i32)
    (i32.and
      (i32.and
        (i32.eq (memory.grow (i32.const 4)) (i32.const -1))
        (i32.eq (memory.grow (i32.const 3)) (i32.const 1)))
      (i32.and
        (i32.eq (memory.grow (i32.const 1)) (i32.const -1))
        (i32.eq (memory.size) (i32.const 4))))))
