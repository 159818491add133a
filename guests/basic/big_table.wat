;; Begins with tables of 6,000 and 5,000 elements. Proves that a component whose tables together
;; start with more than max_table_elements (10,000 unless declared) is refused when it is loaded.
(module $big_table
  (table $a 6000 funcref)
  (table $b 5000 externref)
  (func $start (export "_start")))
