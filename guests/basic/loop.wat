;; Loops. Proves that a deadline and fuel end a guest that never calls the host and never returns,
;; and that a guest which does return in time is left alone.
(module $loop
  (memory (export "memory") 1)
  (func $spin (export "spin") (loop $forever (br $forever)))
  (func $start (export "_start") (call $spin))
  ;; Loops that also work: on memory, and through calls.
  (func $spin_memory (export "spin_memory")
    (loop $forever
      (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
      (br $forever)))
  (func $nothing)
  (func $spin_calls (export "spin_calls")
    (loop $forever (call $nothing) (br $forever)))
  ;; Endless refusals: a guest that does not give up.
  (func $spin_grow (export "spin_grow")
    (loop $forever (drop (memory.grow (i32.const 65535))) (br $forever)))
  ;; One instruction of bulk work at a time, each of them long.
  (func $spin_fill (export "spin_fill")
    (loop $forever
      (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536))
      (br $forever)))
  ;; Counts to n and gives n.
  (func $count (export "count") (param $n i64) (result i64)
    (local $i i64)
    (block $done
      (loop $next
        (br_if $done (i64.ge_u (local.get $i) (local.get $n)))
        (local.set $i (i64.add (local.get $i) (i64.const 1)))
        (br $next)))
    (local.get $i)))
