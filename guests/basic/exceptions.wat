;; Throws and catches WebAssembly exceptions. Proves that what the host allows of the proposal
;; works, that an exception nobody catches ends the call, and that the objects of exceptions, which
;; live in the GC heap, count: `throw_many` drops them and may go on for ever, `hoard` keeps each of
;; them alive inside the next and ends as out of memory.
(module $exceptions
  (tag $number (param i32))
  (tag $link (param exnref))
  (func $throw (export "throw") (param i32) (throw $number (local.get 0)))
  ;; catch(n) = n + 1
  (func $catch (export "catch") (param i32) (result i32)
    (block $caught (result i32)
      (try_table (catch $number $caught)
        (call $throw (local.get 0)))
      (unreachable))
    (i32.add (i32.const 1)))
  (func $throw_many (export "throw_many") (param $n i32) (result i32)
    (local $caught i32)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $caught) (local.get $n)))
        (local.set $caught (call $catch (local.get $caught)))
        (br $next)))
    (local.get $caught))
  (func $throw_link (param exnref) (throw $link (local.get 0)))
  (func $hoard (export "hoard")
    (local $exception exnref)
    (loop $next
      (local.set $exception
        (block $caught (result exnref)
          (try_table (catch_all_ref $caught)
            (call $throw_link (local.get $exception)))
          (unreachable)))
      (br $next)))
  (func $start (export "_start") (call $throw (i32.const 1))))
