;; Allocates garbage-collected arrays of 8 KiB. Proves that the GC heap counts like a linear memory:
;; `hoard` keeps every array and ends as out of memory at the limit, `churn` keeps none and can go
;; on for ever. Without the host's GC feature the module is refused.
(module $gc_heap
  (type $cells (array (mut i64)))
  (type $link (struct (field $cells (ref $cells)) (field $next (ref null $link))))
  (global $kept (mut (ref null $link)) (ref.null $link))
  (func $allocate (result (ref $cells))
    (array.new $cells (i64.const 0x5a5a5a5a5a5a5a5a) (i32.const 1024)))
  (func $keep_one
    (global.set $kept (struct.new $link (call $allocate) (global.get $kept))))
  ;; Keeps n arrays; gives the number of arrays kept in all.
  (func $keep (export "keep") (param $n i32) (result i32)
    (local $link (ref null $link)) (local $count i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $n)))
        (call $keep_one)
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $next)))
    (local.set $link (global.get $kept))
    (block $end
      (loop $next
        (br_if $end (ref.is_null (local.get $link)))
        (local.set $link (struct.get $link $next (local.get $link)))
        (local.set $count (i32.add (local.get $count) (i32.const 1)))
        (br $next)))
    (local.get $count))
  (func $hoard (export "hoard") (loop $next (call $keep_one) (br $next)))
  (func $start (export "_start") (call $hoard))
  (func $release (export "release") (global.set $kept (ref.null $link)))
  (func $churn (export "churn") (param $n i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $n)))
        (drop (call $allocate))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $next)))))
