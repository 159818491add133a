;; poll_oneoff with no subscriptions, one, thousands of clocks, 2^20 that do not fit and 2^32 - 1;
;; with the results written over the subscriptions that are being read, over their end, and past the
;; end of memory (another runtime wrote past its output buffer here). Clocks that never ring are
;; cancelled at the deadline.
(module $p1_poll
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 16)
  ;; A subscription is 48 bytes: user data, tag at 8 (0: clock), clock id at 16, timeout at 24,
  ;; precision at 32, flags at 40.
  (func $clocks (param $at i32) (param $count i32) (param $timeout i64) (local $i i32)
    (loop $next
      (i64.store (local.get $at) (i64.extend_i32_u (local.get $i)))
      (i32.store8 offset=8 (local.get $at) (i32.const 0))
      (i32.store offset=16 (local.get $at) (i32.const 1))
      (i64.store offset=24 (local.get $at) (local.get $timeout))
      (i64.store offset=32 (local.get $at) (i64.const 0))
      (i32.store16 offset=40 (local.get $at) (i32.const 0))
      (local.set $at (i32.add (local.get $at) (i32.const 48)))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                             (local.get $count)))))
  (func (export "none") (result i32)
    (i32.ne (call $poll (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 16)) (i32.const 0)))
  (func (export "overlapping") (result i32)
    (call $clocks (i32.const 0) (i32.const 8) (i64.const 0))
    (i32.and
      (i32.eqz (call $poll (i32.const 0) (i32.const 0) (i32.const 8) (i32.const 1024)))
      (i32.le_u (i32.load (i32.const 1024)) (i32.const 8))))
  (func (export "count_inside") (result i32)
    (call $clocks (i32.const 0) (i32.const 8) (i64.const 0))
    (i32.eqz (call $poll (i32.const 0) (i32.const 512) (i32.const 8) (i32.const 16))))
  (func (export "output_at_the_edge") (result i32)
    (call $clocks (i32.const 0) (i32.const 1) (i64.const 0))
    (i32.eqz (call $poll (i32.const 0) (i32.const 1048544) (i32.const 1) (i32.const 1024))))
  (func (export "output_past_end")
    (call $clocks (i32.const 0) (i32.const 2) (i64.const 0))
    (drop (call $poll (i32.const 0) (i32.const 1048544) (i32.const 2) (i32.const 1024))))
  (func (export "input_past_end")
    (drop (call $poll (i32.const 1048544) (i32.const 0) (i32.const 1) (i32.const 1024))))
  (func (export "million") (result i32)
    (i32.ne (i32.const 0) (call $poll (i32.const 0) (i32.const 0) (i32.const 0x100000) (i32.const 1024))))
  (func (export "all_ones") (result i32)
    (i32.ne (i32.const 0) (call $poll (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 1024))))
  (func (export "wraps") (result i32)
    (i32.ne (i32.const 0) (call $poll (i32.const 0) (i32.const 0) (i32.const 0x05555556) (i32.const 1024))))
  ;; All that fit: 21,000 subscriptions of 48 bytes are a megabyte.
  (func (export "thousands") (result i32)
    (call $clocks (i32.const 0) (i32.const 21000) (i64.const 0x7fffffffffffffff))
    (i32.ne (i32.const 0) (call $poll (i32.const 0) (i32.const 0) (i32.const 21000) (i32.const 1048000))))
  (func (export "thousands_again")
    (loop $again
      (call $clocks (i32.const 0) (i32.const 21000) (i64.const 0))
      (drop (call $poll (i32.const 0) (i32.const 0) (i32.const 21000) (i32.const 1048000)))
      (br $again)))
  (func (export "never")
    (call $clocks (i32.const 0) (i32.const 1) (i64.const -1))
    (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 1024))))
  (func (export "often")
    (loop $again
      (call $clocks (i32.const 0) (i32.const 1) (i64.const 0))
      (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 1024)))
      (br $again))))
