;; Two core modules, each with a memory of 4 pages: 524,288 bytes together, the least limit that the
;; default policy allows. `run` grows them in turn by one page until one is refused, and succeeds if
;; at least one growth was refused before both together hold 64 MiB. Proves that the limit is the
;; sum over the core instances of a component: under 1 MiB it ends with 16 pages in all.
(component $two_memories
  (core module $store
    (memory (export "memory") 4)
    (func $grow_store (export "grow") (result i32) (memory.grow (i32.const 1))))
  (core module $main
    (import "store" "grow" (func $grow_store (result i32)))
    (memory (export "memory") 4)
    (func $run (export "run") (result i32)
      (local $rounds i32)
      (loop $next
        (if (i32.eq (call $grow_store) (i32.const -1)) (then (return (i32.const 0))))
        (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then (return (i32.const 0))))
        (local.set $rounds (i32.add (local.get $rounds) (i32.const 1)))
        (br_if $next (i32.lt_u (local.get $rounds) (i32.const 512))))
      (i32.const 1)))
  (core instance $store (instantiate $store))
  (core instance $main (instantiate $main (with "store" (instance $store))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $cli)))
