;; Fills everything that it has with a pattern, memory up to its limit (less a page: the heap that
;; references to the host need), tables, globals, and then ends
;; in the way that `_live` is told: 0 returns, 1 traps, 2 asks for more memory than there is, 3
;; recurses, 4 exits, 5 loops, 6 sleeps. `clean` gives 1 when its own world is as new: what the last
;; tenant of the same slots, tables and globals had is gone.
(module $leftovers
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (table $functions 100 funcref)
  (table $hosts 100 externref)
  (elem (table $functions) (i32.const 7) func $mark)
  (data (i32.const 131064) "own data")
  (global $a (mut i32) (i32.const 0))
  (global $b (mut i64) (i64.const 11))
  (global $c (mut f64) (f64.const 0))
  (global $d (mut v128) (v128.const i64x2 0 0))
  (global $e (mut funcref) (ref.null func))
  (func $mark)
  (func $deep (result i64) (i64.add (call $deep) (i64.const 1)))
  (func $zero (param $from i32) (param $to i32) (result i32)
    (loop $next
      (if (i64.ne (i64.load (local.get $from)) (i64.const 0)) (then (return (i32.const 0))))
      (br_if $next
        (i32.lt_u (local.tee $from (i32.add (local.get $from) (i32.const 8))) (local.get $to))))
    (i32.const 1))
  (func $tables (result i32) (local $i i32)
    (loop $next
      (if (i32.ne (i32.eqz (ref.is_null (table.get $functions (local.get $i))))
                  (i32.eq (local.get $i) (i32.const 7)))
        (then (return (i32.const 0))))
      (if (i32.eqz (ref.is_null (table.get $hosts (local.get $i))))
        (then (return (i32.const 0))))
      (br_if $next
        (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100))))
    (i32.and
      (i32.eq (table.size $functions) (i32.const 100))
      (i32.eq (table.size $hosts) (i32.const 100))))
  (func $globals (result i32)
    (i32.and
      (i32.and
        (i32.and (i32.eqz (global.get $a)) (i64.eq (global.get $b) (i64.const 11)))
        (i64.eqz (i64.reinterpret_f64 (global.get $c))))
      (i32.and
        (i32.eqz (v128.any_true (global.get $d)))
        (ref.is_null (global.get $e)))))
  (func (export "clean") (result i32)
    (if (i32.eqz (call $globals)) (then (return (i32.const 0))))
    (if (i32.eqz (call $tables)) (then (return (i32.const 0))))
    (if (i32.ne (memory.size) (i32.const 2)) (then (return (i32.const 0))))
    (if (i32.eqz (call $zero (i32.const 0) (i32.const 131064))) (then (return (i32.const 0))))
    (if (i64.ne (i64.load (i32.const 131064)) (i64.const 0x61746164206e776f))
      (then (return (i32.const 0))))
    ;; What comes by growth is new too, in memory and in tables.
    (if (i32.ne (memory.grow (i32.const 6)) (i32.const 2)) (then (return (i32.const 0))))
    (if (i32.eqz (call $zero (i32.const 131072) (i32.const 524288)))
      (then (return (i32.const 0))))
    (if (i32.ne (table.grow $functions (ref.null func) (i32.const 400)) (i32.const 100))
      (then (return (i32.const 0))))
    (ref.is_null (table.get $functions (i32.const 499))))
  (func (export "live") (param $end i32)
    (drop (memory.grow (i32.const 13)))
    (memory.fill (i32.const 0) (i32.const 0xa7) (i32.shl (memory.size) (i32.const 16)))
    (drop (table.grow $functions (ref.func $mark) (i32.const 5000)))
    (table.fill $functions (i32.const 0) (ref.func $mark) (table.size $functions))
    (global.set $a (i32.const -1))
    (global.set $b (i64.const -1))
    (global.set $c (f64.const -1))
    (global.set $d (v128.const i64x2 -1 -1))
    (global.set $e (ref.func $mark))
    (block $sleeps (block $loops (block $exits (block $recurses (block $asks (block $traps
      (block $returns
        (br_table $returns $traps $asks $recurses $exits $loops $sleeps (local.get $end)))
        (return))
        (unreachable))
        (drop (memory.grow (i32.const 1000))) (unreachable))
        (drop (call $deep)) (return))
        (call $exit (i32.const 9)) (return))
        (loop $l (br $l)) (return))
    (i64.store (i32.const 0) (i64.const 0))
    (i32.store8 (i32.const 8) (i32.const 0))
    (i32.store (i32.const 16) (i32.const 1))
    (i64.store (i32.const 24) (i64.const 3600000000000))
    (i64.store (i32.const 32) (i64.const 0))
    (i32.store16 (i32.const 40) (i32.const 0))
    (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))))
