;; Begins with 17 pages, 1,114,112 bytes, as a default Rust build does. Proves that a component
;; which starts with more than its limit is refused when it is loaded, with both numbers, and that
;; it runs under a limit of exactly that size (then without room to grow).
(module $big_initial
  (memory (export "memory") 17)
  (func $start (export "_start"))
  (func $grow (export "grow") (param $pages i32) (result i32)
    (memory.grow (local.get $pages)))
  (func $size (export "size") (result i32) (memory.size)))
