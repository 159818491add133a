;; One export for every way to trap. Proves that each of them ends the call and nothing else, with
;; its own text, and that no access reaches past the current end of memory: at the edge, across it,
;; at the largest offset that WebAssembly has, in bulk, or with a vector. The memory is one page,
;; 65,536 bytes; accesses that fit give their value back.
(module $trap
  (memory (export "memory") 1)
  (data $bytes "0123456789abcdef")
  (func $unreachable (export "unreachable") (unreachable))
  (func $start (export "_start") (unreachable))
  ;; divide(1, 0) is a division by zero, divide(-2147483648, -1) an overflow.
  (func $divide (export "divide") (param i32 i32) (result i32)
    (i32.div_s (local.get 0) (local.get 1)))
  (func $remainder (export "remainder") (param i64 i64) (result i64)
    (i64.rem_u (local.get 0) (local.get 1)))
  ;; Traps for NaN, infinities and what does not fit 32 bits.
  (func $truncate (export "truncate") (param f64) (result i32)
    (i32.trunc_f64_s (local.get 0)))
  (func $load8 (export "load8") (param $address i32) (result i32)
    (i32.load8_u (local.get $address)))
  (func $load64 (export "load64") (param $address i32) (result i64)
    (i64.load (local.get $address)))
  (func $store8 (export "store8") (param $address i32)
    (i32.store8 (local.get $address) (i32.const 1)))
  (func $store64 (export "store64") (param $address i32)
    (i64.store (local.get $address) (i64.const -1)))
  ;; The largest offset: address + 4,294,967,295. load_far(-1) is 8 GiB away.
  (func $load_far (export "load_far") (param $address i32) (result i32)
    (i32.load8_u offset=4294967295 (local.get $address)))
  (func $store_far (export "store_far") (param $address i32)
    (i64.store offset=4294967295 (local.get $address) (i64.const -1)))
  ;; An offset of one page: fits no address.
  (func $load_next_page (export "load_next_page") (param $address i32) (result i32)
    (i32.load8_u offset=65536 (local.get $address)))
  (func $load_vector (export "load_vector") (param $address i32) (result i64)
    (i64x2.extract_lane 0 (v128.load (local.get $address))))
  (func $store_vector (export "store_vector") (param $address i32)
    (v128.store (local.get $address) (i64x2.splat (i64.const -1))))
  (func $load_lane (export "load_lane") (param $address i32) (result i64)
    (i64x2.extract_lane 1
      (v128.load64_lane 1 (local.get $address) (i64x2.splat (i64.const 0)))))
  (func $fill (export "fill") (param $address i32) (param $length i32)
    (memory.fill (local.get $address) (i32.const 255) (local.get $length)))
  (func $copy (export "copy") (param $to i32) (param $from i32) (param $length i32)
    (memory.copy (local.get $to) (local.get $from) (local.get $length)))
  (func $init (export "init") (param $to i32) (param $from i32) (param $length i32)
    (memory.init $bytes (local.get $to) (local.get $from) (local.get $length)))
  ;; Three functions deep, for backtraces.
  (func $inner (unreachable))
  (func $middle (call $inner))
  (func $outer (export "outer") (call $middle)))
