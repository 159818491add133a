;; The workhorse: one memory of one page, no declared maximum, and everything that a test needs to
;; grow, write, read and search it. Proves limits, accounting and cleaning: first_nonzero looks at
;; every byte of the current memory, so a recycled memory with one byte left over is found.
;; Addresses outside the memory trap.
(module $grow
  (memory (export "memory") 1)
  ;; Pages before the growth, or -1.
  (func $grow (export "grow") (param $pages i32) (result i32)
    (memory.grow (local.get $pages)))
  (func $size (export "size") (result i32) (memory.size))
  (func $touch (export "touch") (param $address i32) (param $value i32)
    (i32.store8 (local.get $address) (local.get $value)))
  (func $peek (export "peek") (param $address i32) (result i32)
    (i32.load8_u (local.get $address)))
  (func $fill (export "fill") (param $address i32) (param $length i32) (param $byte i32)
    (memory.fill (local.get $address) (local.get $byte) (local.get $length)))
  (func $sum (export "sum") (param $address i32) (param $length i32) (result i64)
    (local $total i64)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $length)))
        (local.set $total
          (i64.add (local.get $total) (i64.load8_u (local.get $address))))
        (local.set $address (i32.add (local.get $address) (i32.const 1)))
        (local.set $length (i32.sub (local.get $length) (i32.const 1)))
        (br $next)))
    (local.get $total))
  ;; Address of the first byte that is not zero, or -1 when all are.
  (func $first_nonzero (export "first_nonzero") (result i64)
    (local $address i64) (local $end i64)
    (local.set $end (i64.shl (i64.extend_i32_u (memory.size)) (i64.const 16)))
    (block $done
      (loop $next
        (br_if $done (i64.ge_u (local.get $address) (local.get $end)))
        (if (i64.ne (i64.load (i32.wrap_i64 (local.get $address))) (i64.const 0))
          (then
            (loop $byte
              (if (i32.eqz (i32.load8_u (i32.wrap_i64 (local.get $address))))
                (then
                  (local.set $address (i64.add (local.get $address) (i64.const 1)))
                  (br $byte))))
            (return (local.get $address))))
        (local.set $address (i64.add (local.get $address) (i64.const 8)))
        (br $next)))
    (i64.const -1))
  ;; Grows by `step` pages, touching the first and last byte of each growth, until it is refused or
  ;; `times` growths were done. Gives the number of growths.
  (func $grow_until (export "grow_until") (param $step i32) (param $times i32) (result i32)
    (local $before i32) (local $done i32)
    (block $refused
      (loop $next
        (br_if $refused (i32.ge_u (local.get $done) (local.get $times)))
        (local.set $before (memory.grow (local.get $step)))
        (br_if $refused (i32.eq (local.get $before) (i32.const -1)))
        (if (local.get $step)
          (then
            (i32.store8 (i32.shl (local.get $before) (i32.const 16)) (i32.const 1))
            (i32.store8 (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 1))
              (i32.const 1))))
        (local.set $done (i32.add (local.get $done) (i32.const 1)))
        (br $next)))
    (local.get $done))
  ;; Asks `times` times for `pages` more and gives the number of refusals.
  (func $refusals (export "refusals") (param $pages i32) (param $times i32) (result i32)
    (local $refused i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $times)))
        (local.set $times (i32.sub (local.get $times) (i32.const 1)))
        (if (i32.eq (memory.grow (local.get $pages)) (i32.const -1))
          (then (local.set $refused (i32.add (local.get $refused) (i32.const 1)))))
        (br $next)))
    (local.get $refused)))
