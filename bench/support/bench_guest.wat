;; The guest of the benches. Every function gives a result that the bench checks, so that a guest
;; which did not do its work is an error and not a good number.
(module $bench_guest
  ;; As compilers write it: no declared maximum.
  (memory (export "memory") 2)
  ;; What a small program in C has: a table of functions and some data.
  (table 16 funcref)
  (elem (i32.const 1) $same $fib)
  (data (i32.const 1024) "sixty-four bytes of data, which a program written in C easily has")

  (func $same (export "same") (param i32) (result i32) (local.get 0))

  ;; Writes a word at an address and gives it back.
  (func $touch (export "touch") (param $at i32) (result i32)
    (i32.store (local.get $at) (local.get $at))
    (i32.load (local.get $at)))

  ;; Grows by one page so many times; gives the number of refusals.
  (func $grow (export "grow") (param $times i32) (result i32)
    (local $refused i32)
    (loop $next
      (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1))
        (then (local.set $refused (i32.add (local.get $refused) (i32.const 1)))))
      (br_if $next (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
    (local.get $refused))

  ;; The same, and writes a word to every 4 KiB of what it got, as a program does that asked its
  ;; allocator for memory because it has something to put there.
  (func $grow_use (export "grow_use") (param $times i32) (result i32)
    (local $refused i32) (local $at i32) (local $end i32)
    (loop $next
      (local.set $at (memory.grow (i32.const 1)))
      (if (i32.eq (local.get $at) (i32.const -1))
        (then (local.set $refused (i32.add (local.get $refused) (i32.const 1))))
        (else
          (local.set $at (i32.shl (local.get $at) (i32.const 16)))
          (local.set $end (i32.add (local.get $at) (i32.const 65536)))
          (loop $page
            (i32.store (local.get $at) (local.get $at))
            (local.set $at (i32.add (local.get $at) (i32.const 4096)))
            (br_if $page (i32.lt_u (local.get $at) (local.get $end))))))
      (br_if $next (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
    (local.get $refused))

  ;; Calls itself twice for every number: nothing but calls inside the guest.
  (func $fib (export "fib") (param $n i32) (result i32)
    (if (result i32) (i32.lt_u (local.get $n) (i32.const 2))
      (then (local.get $n))
      (else (i32.add (call $fib (i32.sub (local.get $n) (i32.const 1)))
                     (call $fib (i32.sub (local.get $n) (i32.const 2)))))))

  ;; FNV-1a over the first page, which is zero but for the data, byte by byte, so many times.
  (func $hash (export "hash") (param $rounds i32) (result i32)
    (local $hash i32) (local $at i32)
    (local.set $hash (i32.const 0x811c9dc5))
    (loop $round
      (local.set $at (i32.const 0))
      (loop $byte
        (local.set $hash
          (i32.mul (i32.xor (local.get $hash) (i32.load8_u (local.get $at)))
                   (i32.const 0x01000193)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br_if $byte (i32.lt_u (local.get $at) (i32.const 65536))))
      (br_if $round (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
    (local.get $hash))

  ;; A sieve over the second page: mostly stores, at changing distances. Gives the number of primes
  ;; below 65536.
  (func $sieve (export "sieve") (param $rounds i32) (result i32)
    (local $n i32) (local $at i32) (local $primes i32)
    (loop $round
      (memory.fill (i32.const 65536) (i32.const 1) (i32.const 65536))
      (local.set $primes (i32.const 0))
      (local.set $n (i32.const 2))
      (loop $number
        (if (i32.load8_u offset=65536 (local.get $n))
          (then
            (local.set $primes (i32.add (local.get $primes) (i32.const 1)))
            (local.set $at (i32.add (local.get $n) (local.get $n)))
            (block $struck
              (loop $multiple
                (br_if $struck (i32.ge_u (local.get $at) (i32.const 65536)))
                (i32.store8 offset=65536 (local.get $at) (i32.const 0))
                (local.set $at (i32.add (local.get $at) (local.get $n)))
                (br $multiple)))))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $number (i32.lt_u (local.get $n) (i32.const 65536))))
      (br_if $round (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
    (local.get $primes)))
