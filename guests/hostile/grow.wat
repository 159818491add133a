;; Grows its memory by every amount that could upset a sum: one page until nothing is left, all pages
;; at once, 2^31 and 2^32 - 1 pages, where bytes overflow 32 bits and a careless product 64. Every
;; growth beyond the limit is refused, and what it had before it still has: an export gives 1 when
;; that is what it saw.
(module $grow
  (memory 1)
  (func $refused (param $pages i32) (result i32) (local $before i32)
    (local.set $before (memory.size))
    (i32.and
      (i32.eq (memory.grow (local.get $pages)) (i32.const -1))
      (i32.eq (memory.size) (local.get $before))))
  (func (export "by_one") (result i32)
    (loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
    (i32.and (i32.eq (memory.size) (i32.const 16)) (call $refused (i32.const 1))))
  (func (export "one_too_many") (result i32) (call $refused (i32.const 16)))
  (func (export "everything") (result i32) (call $refused (i32.const 65535)))
  (func (export "more_than_everything") (result i32) (call $refused (i32.const 65536)))
  (func (export "two_to_31") (result i32) (call $refused (i32.const 0x80000000)))
  (func (export "all_ones") (result i32) (call $refused (i32.const 0xffffffff)))
  ;; 65,536 pages in all when the page that exists is added: 0 in 32 bits of bytes.
  (func (export "wraps") (result i32) (call $refused (i32.const 0xffff)))
  (func (export "by_zero") (result i32) (local $i i32)
    (loop $again
      (if (i32.ne (memory.grow (i32.const 0)) (i32.const 1)) (then (return (i32.const 0))))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                              (i32.const 100000))))
    (i32.eq (memory.size) (i32.const 1)))
  ;; Everything it may have, written to, and then again and again a page more.
  (func (export "fill_and_ask") (result i32)
    (drop (memory.grow (i32.const 15)))
    (memory.fill (i32.const 0) (i32.const 0xa7) (i32.const 1048576))
    (loop $again (drop (memory.grow (i32.const 1))) (br $again))
    (i32.const 0))
  (func (export "for_ever") (result i32)
    (loop $again (drop (memory.grow (i32.const 0x7fff))) (br $again))
    (i32.const 0)))
