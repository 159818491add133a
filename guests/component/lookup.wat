;; Looks "one.example" up and waits for the answer. "run" succeeds when the name has an address and
;; fails when it has none; everything else traps. "all" asks for sixteen names, which differ in
;; their third letter, at once. A test puts another function in the place of "run", and another name
;; of the same length.
(component $lookup
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $p (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $p))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:sockets/network@0.2.0" (instance $network
    (export "network" (type (sub resource)))
    (type $e (enum "unknown" "access-denied" "not-supported" "invalid-argument" "out-of-memory"
      "timeout" "concurrency-conflict" "not-in-progress" "would-block" "invalid-state"
      "new-socket-limit" "address-not-bindable" "address-in-use" "remote-unreachable"
      "connection-refused" "connection-reset" "connection-aborted" "datagram-too-large"
      "name-unresolvable" "temporary-resolver-failure" "permanent-resolver-failure"))
    (export "error-code" (type (eq $e)))
    (type $a4 (tuple u8 u8 u8 u8))
    (export "ipv4-address" (type $ipv4 (eq $a4)))
    (type $a6 (tuple u16 u16 u16 u16 u16 u16 u16 u16))
    (export "ipv6-address" (type $ipv6 (eq $a6)))
    (type $a (variant (case "ipv4" $ipv4) (case "ipv6" $ipv6)))
    (export "ip-address" (type (eq $a)))))
  (alias export $network "network" (type $net))
  (alias export $network "error-code" (type $error))
  (alias export $network "ip-address" (type $address))
  (import "wasi:sockets/instance-network@0.2.0" (instance $instance
    (export "network" (type $n (eq $net)))
    (export "instance-network" (func (result (own $n))))))
  (import "wasi:sockets/ip-name-lookup@0.2.0" (instance $lookup
    (export "pollable" (type $p (eq $pollable)))
    (export "network" (type $n (eq $net)))
    (export "error-code" (type $e (eq $error)))
    (export "ip-address" (type $a (eq $address)))
    (export "resolve-address-stream" (type $r (sub resource)))
    (export "resolve-addresses" (func (param "network" (borrow $n)) (param "name" string)
      (result (result (own $r) (error $e)))))
    (export "[method]resolve-address-stream.resolve-next-address" (func
      (param "self" (borrow $r)) (result (result (option $a) (error $e)))))
    (export "[method]resolve-address-stream.subscribe" (func (param "self" (borrow $r))
      (result (own $p))))))

  (core module $libc
    (memory (export "memory") 1)
    (data (i32.const 1024) "one.example"))
  (core instance $libc (instantiate $libc))
  (core func $instance_network (canon lower (func $instance "instance-network")))
  (core func $resolve (canon lower (func $lookup "resolve-addresses")
    (memory (core memory $libc "memory")) string-encoding=utf8))
  (core func $next (canon lower
    (func $lookup "[method]resolve-address-stream.resolve-next-address")
    (memory (core memory $libc "memory"))))
  (core func $subscribe (canon lower
    (func $lookup "[method]resolve-address-stream.subscribe")))
  (core func $block (canon lower (func $poll "[method]pollable.block")))

  (core module $main
    (import "libc" "memory" (memory 1))
    (import "net" "instance-network" (func $network (result i32)))
    (import "net" "resolve" (func $resolve (param i32 i32 i32 i32)))
    (import "net" "next" (func $next (param i32 i32)))
    (import "net" "subscribe" (func $subscribe (param i32) (result i32)))
    (import "net" "block" (func $block (param i32)))
    (func (export "run") (result i32) (local $stream i32)
      (call $resolve (call $network) (i32.const 1024) (i32.const 11) (i32.const 0))
      (if (i32.load8_u (i32.const 0)) (then (unreachable)))
      (local.set $stream (i32.load (i32.const 4)))
      ;; Asked for before it can be there, it is not there or there.
      (call $next (local.get $stream) (i32.const 0))
      (if (i32.load8_u (i32.const 0)) (then
        (call $block (call $subscribe (local.get $stream)))
        (call $next (local.get $stream) (i32.const 0))))
      ;; An error, which has to be name-unresolvable.
      (if (i32.load8_u (i32.const 0)) (then
        (if (i32.ne (i32.load8_u (i32.const 2)) (i32.const 18)) (then (unreachable)))
        (return (i32.const 1))))
      ;; Some address.
      (i32.eqz (i32.load8_u (i32.const 2))))
    (func (export "all") (result i32) (local $network i32) (local $letter i32)
      (local.set $network (call $network))
      (local.set $letter (i32.const 97))
      (loop $again
        (i32.store8 (i32.const 1026) (local.get $letter))
        (call $resolve (local.get $network) (i32.const 1024) (i32.const 11) (i32.const 0))
        (if (i32.load8_u (i32.const 0)) (then (unreachable)))
        (br_if $again (i32.lt_u (local.tee $letter (i32.add (local.get $letter) (i32.const 1)))
                                (i32.const 113))))
      (call $block (call $subscribe (i32.load (i32.const 4))))
      (i32.const 0)))
  (core instance $main (instantiate $main
    (with "libc" (instance $libc))
    (with "net" (instance
      (export "instance-network" (func $instance_network))
      (export "resolve" (func $resolve))
      (export "next" (func $next))
      (export "subscribe" (func $subscribe))
      (export "block" (func $block))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $cli)))
