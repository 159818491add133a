;; Recursion without end: plainly, with frames of kilobytes, through a table, with many parameters and
;; results, by way of exceptions. A trap each time, on the caller's stack; the host's own stack is
;; never touched.
(module $recursion
  (type $same (func (param i64) (result i64)))
  (table 1 funcref)
  (elem (i32.const 0) func $through)
  (tag $e (param i64))
  (func $plain (export "plain") (type $same)
    (i64.add (call $plain (local.get 0)) (i64.const 1)))
  (func $through (export "through_table") (type $same)
    (i64.add (call_indirect (type $same) (local.get 0) (i32.const 0)) (i64.const 1)))
  (func $wide (export "wide") (param i64) (result i64)
    (i64.add (local.get 0)
      (call $many (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0)
        (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0)
        (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0))))
  (func $many (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64)
    (i64.add (call $wide (local.get 3)) (i64.add (local.get 1) (local.get 15))))
  (func $catches (export "catches") (type $same)
    (block $caught (result i64)
      (return (try_table (result i64) (catch $e $caught)
        (i64.add (call $catches (local.get 0)) (i64.const 1))))))
  ;; Never more than one frame: this one ends at its deadline, not at the end of the stack.
  (func $tail (export "tail") (type $same) (return_call $tail (local.get 0))))
