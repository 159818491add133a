;; Writes to standard output and error without end, through WASI preview 1: single bytes, all of its
;; memory at once, through vectors that all name the same megabyte, through as many vectors as fit,
;; and through a million vectors that do not fit. The host keeps nothing of it and is stopped at no
;; call: the guest ends at its deadline or in a trap.
(module $p1_flood
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 16)
  (func $vector (param $at i32) (param $base i32) (param $size i32)
    (i32.store (local.get $at) (local.get $base))
    (i32.store offset=4 (local.get $at) (local.get $size)))
  ;; Vectors from 64 on, `count` of them, all of the same bytes.
  (func $vectors (param $count i32) (param $base i32) (param $size i32) (local $i i32)
    (loop $next
      (call $vector (i32.add (i32.const 64) (i32.shl (local.get $i) (i32.const 3)))
        (local.get $base) (local.get $size))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                             (local.get $count)))))
  (func $flood (param $fd i32) (param $count i32)
    (loop $again
      (drop (call $fd_write (local.get $fd) (i32.const 64) (local.get $count) (i32.const 0)))
      (br $again)))
  (func (export "bytes") (call $vectors (i32.const 1) (i32.const 0) (i32.const 1))
    (call $flood (i32.const 1) (i32.const 1)))
  (func (export "everything") (call $vectors (i32.const 1) (i32.const 0) (i32.const 1048576))
    (call $flood (i32.const 1) (i32.const 1)))
  (func (export "error_stream") (call $vectors (i32.const 1) (i32.const 0) (i32.const 65536))
    (call $flood (i32.const 2) (i32.const 1)))
  (func (export "same_megabyte")
    (call $vectors (i32.const 4096) (i32.const 0) (i32.const 1048576))
    (call $flood (i32.const 1) (i32.const 4096)))
  ;; The first vectors are empty, so that the host has to look at all of them.
  (func (export "empty_vectors")
    (call $vectors (i32.const 131000) (i32.const 0) (i32.const 0))
    (call $flood (i32.const 1) (i32.const 131000)))
  (func (export "million_vectors") (result i32)
    (i32.ne (i32.const 0) (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1000000) (i32.const 0))))
  (func (export "vectors_wrap") (result i32)
    (i32.ne (i32.const 0) (call $fd_write (i32.const 1) (i32.const 8) (i32.const 0x20000000) (i32.const 0))))
  (func (export "all_ones") (result i32)
    (i32.ne (i32.const 0) (call $fd_write (i32.const 1) (i32.const 0) (i32.const -1) (i32.const 0))))
  (func (export "vectors_past_end")
    (drop (call $fd_write (i32.const 1) (i32.const 1048572) (i32.const 1) (i32.const 0))))
  (func (export "bytes_past_end") (call $vectors (i32.const 1) (i32.const 1048575) (i32.const 2))
    (drop (call $fd_write (i32.const 1) (i32.const 64) (i32.const 1) (i32.const 0))))
  (func (export "bytes_wrap") (result i32) (call $vectors (i32.const 1) (i32.const 16) (i32.const -1))
    (i32.ne (i32.const 0) (call $fd_write (i32.const 1) (i32.const 64) (i32.const 1) (i32.const 0))))
  (func (export "count_past_end") (call $vectors (i32.const 1) (i32.const 0) (i32.const 1))
    (drop (call $fd_write (i32.const 1) (i32.const 64) (i32.const 1) (i32.const 1048573))))
  (func (export "count_unaligned") (call $vectors (i32.const 1) (i32.const 0) (i32.const 1))
    (drop (call $fd_write (i32.const 1) (i32.const 64) (i32.const 1) (i32.const 3)))))
