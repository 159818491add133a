;; Grows its memory page by page in the start function until it is refused. Proves that the limiter
;; is in force before the first instruction of the guest runs. `pages` gives what it got.
(module $start_grow
  (memory (export "memory") 1)
  (global $growths (mut i32) (i32.const 0))
  (func $begin
    (block $refused
      (loop $next
        (br_if $refused (i32.eq (memory.grow (i32.const 1)) (i32.const -1)))
        (global.set $growths (i32.add (global.get $growths) (i32.const 1)))
        (br $next))))
  (start $begin)
  (func $growths_of (export "growths") (result i32) (global.get $growths))
  (func $pages (export "pages") (result i32) (memory.size))
  (func (export "_start")))
