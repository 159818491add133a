;; Resources of its own: made without end and kept, made and dropped without end, dropped twice,
;; handles that never were. The table of handles is bounded. And a component that calls itself again
;; from the destructor of its own resource.
(component $resources
  (core module $destructor_module
    (global $dropped (export "dropped") (mut i32) (i32.const 0))
    (func (export "destructor") (param i32)
      (global.set $dropped (i32.add (global.get $dropped) (i32.const 1)))
      (if (i32.eq (local.get 0) (i32.const 13)) (then (unreachable)))
      (if (i32.eq (local.get 0) (i32.const 14)) (then (loop $l (br $l))))))
  (core instance $d (instantiate $destructor_module))
  (type $r (resource (rep i32) (dtor (core func $d "destructor"))))
  (core func $new (canon resource.new $r))
  (core func $rep (canon resource.rep $r))
  (core func $drop (canon resource.drop $r))
  (core module $main_module
    (import "w" "new" (func $new (param i32) (result i32)))
    (import "w" "rep" (func $rep (param i32) (result i32)))
    (import "w" "drop" (func $drop (param i32)))
    (func (export "run") (result i32)
      (loop $l (drop (call $new (i32.const 7))) (br $l)) (i32.const 0))
    (func (export "make_and_drop") (result i32)
      (loop $l (call $drop (call $new (i32.const 7))) (br $l)) (i32.const 0))
    (func (export "drop_twice") (result i32) (local i32)
      (local.set 0 (call $new (i32.const 7)))
      (call $drop (local.get 0)) (call $drop (local.get 0)) (i32.const 0))
    (func (export "rep_after_drop") (result i32) (local i32)
      (local.set 0 (call $new (i32.const 7)))
      (call $drop (local.get 0)) (call $rep (local.get 0)))
    (func (export "never_was") (result i32) (call $rep (i32.const -1)))
    (func (export "handle_zero") (result i32) (call $rep (i32.const 0)))
    (func (export "destructor_traps") (result i32)
      (call $drop (call $new (i32.const 13))) (i32.const 0))
    (func (export "destructor_loops") (result i32)
      (call $drop (call $new (i32.const 14))) (i32.const 0))
    ;; Its own handles live on at the end, with destructors that nobody runs.
    (func (export "leaves_them") (result i32)
      (drop (call $new (i32.const 13))) (drop (call $new (i32.const 14))) (i32.const 0)))
  (core instance $main (instantiate $main_module
    (with "w" (instance
      (export "new" (func $new)) (export "rep" (func $rep)) (export "drop" (func $drop))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $cli)))
