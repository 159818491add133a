;; Imports three things that nobody provides. Proves that such a component is refused when it is
;; loaded, and that the message names all of them, not only the first.
(module $unknown_import
  (import "env" "launch" (func (param i32) (result i32)))
  (import "env" "speed" (global i32))
  (import "moon" "landing_sites" (table 1 funcref))
  (func (export "_start") (drop (call 0 (i32.const 1)))))
