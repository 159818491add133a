;; Keeps one counter in a global, one in memory and one in a table. Proves that sandboxes of the
;; same component share no state, that state lives from call to call, and that a new sandbox begins
;; from zero however often the slot was used before.
(module $counter
  (memory (export "memory") 1)
  (table $table 8 funcref)
  (elem declare func $bump_global)
  (global $count (mut i32) (i32.const 0))
  ;; Adds one and gives the new value.
  (func $bump_global (export "bump_global") (result i32)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (global.get $count))
  (func $bump_memory (export "bump_memory") (result i32)
    (i32.store (i32.const 1024) (i32.add (i32.load (i32.const 1024)) (i32.const 1)))
    (i32.load (i32.const 1024)))
  ;; Fills the next free entry and gives the number of filled ones, 8 at most.
  (func $bump_table (export "bump_table") (result i32)
    (local $i i32)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $i) (table.size $table)))
        (if (ref.is_null (table.get $table (local.get $i)))
          (then
            (table.set $table (local.get $i) (ref.func $bump_global))
            (return (i32.add (local.get $i) (i32.const 1)))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
    (table.size $table))
  (func $read_global (export "read_global") (result i32) (global.get $count))
  (func $read_memory (export "read_memory") (result i32) (i32.load (i32.const 1024))))
