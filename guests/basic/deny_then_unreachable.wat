;; Asks for far too much, and runs into `unreachable` when it is refused, as programs do that never
;; expected malloc to fail. Proves that the trap is reported as out of memory, with the refusal and
;; with the functions collect_rows, load_table, reserve. With on_exceed = "trap" it ends one step
;; earlier, at memory.grow. `unrelated` traps without any refusal: that one is a plain trap.
(module $deny_then_unreachable
  (memory (export "memory") 1)
  (func $reserve (param $pages i32) (result i32)
    (local $before i32)
    (local.set $before (memory.grow (local.get $pages)))
    (if (i32.eq (local.get $before) (i32.const -1)) (then (unreachable)))
    (local.get $before))
  (func $load_table (param $pages i32) (result i32)
    (i32.add (call $reserve (local.get $pages)) (i32.const 0)))
  (func $collect_rows (export "collect_rows") (param $pages i32) (result i32)
    (i32.add (call $load_table (local.get $pages)) (i32.const 0)))
  ;; 1024 pages are 64 MiB.
  (func $start (export "_start")
    (drop (call $collect_rows (i32.const 1024))))
  ;; Copes with a refusal; gives -1 when refused.
  (func $try (export "try") (param $pages i32) (result i32)
    (memory.grow (local.get $pages)))
  (func $unrelated (export "unrelated") (unreachable)))
