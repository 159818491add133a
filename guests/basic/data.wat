;; Two pages with data at their beginning, across the boundary between them, and in their very last
;; bytes, and a passive segment. Proves that every new sandbox sees the data of its component, also
;; in a slot that another tenant wrote all over, and that data in the last bytes is laid without
;; touching the guard behind. `check` gives 1 when everything is as declared and zero elsewhere.
(module $data
  (memory (export "memory") 2)
  (data (i32.const 0) "begin!\00\00")
  (data (i32.const 65532) "boundary")
  (data (i32.const 131064) "the end!")
  (data $passive "passive!")
  (func $peek (export "peek") (param $address i32) (result i32)
    (i32.load8_u (local.get $address)))
  (func $copy_passive (export "copy_passive") (param $address i32)
    (memory.init $passive (local.get $address) (i32.const 0) (i32.const 8)))
  (func $drop_passive (export "drop_passive") (data.drop $passive))
  ;; Overwrites all of memory.
  (func $scribble (export "scribble")
    (memory.fill (i32.const 0) (i32.const 0xa5) (i32.const 131072)))
  (func $zero (param $from i32) (param $to i32) (result i32)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $from) (local.get $to)))
        (if (i32.load8_u (local.get $from)) (then (return (i32.const 0))))
        (local.set $from (i32.add (local.get $from) (i32.const 1)))
        (br $next)))
    (i32.const 1))
  (func $check (export "check") (result i32)
    ;; "begin!", "boundary" and "the end!" as little-endian numbers
    (i32.and
      (i32.and
        (i32.and
          (i64.eq (i64.load (i32.const 0)) (i64.const 0x0000216e69676562))
          (i64.eq (i64.load (i32.const 65532)) (i64.const 0x7972_6164_6e75_6f62)))
        (i64.eq (i64.load (i32.const 131064)) (i64.const 0x2164_6e65_2065_6874)))
      (i32.and
        (call $zero (i32.const 8) (i32.const 65532))
        (call $zero (i32.const 65540) (i32.const 131064))))))
