;; Uses the component model's own async, where a callback of the wrong type once smashed the host's
;; stack. Guests may not use it at all: refused before anything runs.
(component
  (core module $m
    (func (export "run") (result i32) (i32.const 0))
    (func (export "callback") (param i32 i32 i32) (result i32) (i32.const 0)))
  (core instance $main (instantiate $m))
  (func (export "f") async
    (canon lift (core func $main "run") async (callback (core func $main "callback")))))
