;; One core module with a memory of 6 pages (393,216 bytes), instantiated three times: 1,179,648
;; bytes in all, although the binary declares only one memory and it is below 512 KiB. Proves that
;; the fit at load counts instances, not declarations: refused under 1 MiB, runs under 2 MiB.
(component $three_instances
  (core module $main
    (memory (export "memory") 6)
    (func $run (export "run") (result i32) (i32.const 0)))
  (core instance $first (instantiate $main))
  (core instance $second (instantiate $main))
  (core instance $third (instantiate $main))
  (func $run (result (result)) (canon lift (core func $first "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $cli)))
