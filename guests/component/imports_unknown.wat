;; Imports two interfaces and a function that nobody provides. Proves that such a component is
;; refused when it is loaded, and that the message names all of them.
(component $imports_unknown
  (import "acme:robots/arm@1.0.0" (instance $arm
    (export "raise" (func (param "degrees" u32)))))
  (import "acme:robots/leg@1.0.0" (instance $leg
    (export "kick" (func))))
  (import "launch" (func $launch (result bool)))
  (core module $main
    (func $run (export "run") (result i32) (i32.const 0)))
  (core instance $main (instantiate $main))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $cli)))
