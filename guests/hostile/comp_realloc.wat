;; An allocator made to break the host, which calls it to hand over the program's arguments: it gives
;; an address past the end, an odd one, one whose end wraps around, it traps, never returns, grows the
;; memory, or calls the host back. Each is the guest's end and nobody else's.
(component $hostile_realloc
  (import "wasi:cli/environment@0.2.0" (instance $environment
    (export "get-arguments" (func (result (list string))))))
  ;; What the allocator does is in a global that $main sets.
  (core module $memory_module
    (memory (export "memory") 1)
    (global $how (export "how") (mut i32) (i32.const 0))
    (func $deep (result i32) (i32.add (call $deep) (i32.const 1)))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (block $ok (block $end (block $odd (block $wraps (block $traps (block $loops (block $grows
        (block $recurses (block $zero
          (br_table $ok $end $odd $wraps $traps $loops $grows $recurses $zero (global.get $how)))
          (return (i32.const 0)))
          (return (call $deep)))
          (drop (memory.grow (i32.const 1)))
          (return (i32.shl (i32.sub (memory.size) (i32.const 1)) (i32.const 16))))
          (loop $l (br $l)))
          (unreachable))
          (return (i32.const -4)))
          (return (i32.const 1025)))
          (return (i32.const 65536)))
      (i32.const 1024)))
  (core instance $m (instantiate $memory_module))
  (alias core export $m "memory" (core memory $memory))
  (alias core export $m "realloc" (core func $realloc))
  (core func $arguments (canon lower (func $environment "get-arguments") (memory $memory)
    (realloc $realloc)))
  (core module $main_module
    (import "m" "how" (global $how (mut i32)))
    (import "w" "arguments" (func $arguments (param i32)))
    (func (export "run") (result i32) (call $arguments (i32.const 0)) (i32.const 0))
    (func $with (param i32) (result i32)
      (global.set $how (local.get 0)) (call $arguments (i32.const 0)) (i32.const 0))
    (func (export "past_the_end") (result i32) (call $with (i32.const 1)))
    (func (export "odd") (result i32) (call $with (i32.const 2)))
    (func (export "wraps") (result i32) (call $with (i32.const 3)))
    (func (export "traps") (result i32) (call $with (i32.const 4)))
    (func (export "loops") (result i32) (call $with (i32.const 5)))
    (func (export "grows") (result i32) (call $with (i32.const 6)))
    (func (export "grows_again") (result i32)
      (loop $l (drop (call $with (i32.const 6))) (br $l)) (i32.const 0))
    (func (export "recurses") (result i32) (call $with (i32.const 7)))
    (func (export "zero") (result i32) (call $with (i32.const 8)))
    (func (export "result_past_the_end") (result i32)
      (call $arguments (i32.const 65532)) (i32.const 0)))
  (core instance $main (instantiate $main_module
    (with "m" (instance $m))
    (with "w" (instance (export "arguments" (func $arguments))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $cli)))
