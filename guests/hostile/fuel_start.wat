;; A start function that wants more fuel than there is.
(module $fuel_start
  (func $start (loop $l (br $l)))
  (start $start))
