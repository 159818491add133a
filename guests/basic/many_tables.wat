;; Declares 17 tables without elements, one more than a sandbox may have by default (max_tables =
;; 16). Proves that the number of tables is limited as well as their elements.
(module $many_tables
  (table 0 funcref) (table 0 funcref) (table 0 funcref) (table 0 funcref) (table 0 funcref)
  (table 0 funcref) (table 0 funcref) (table 0 funcref) (table 0 funcref) (table 0 funcref)
  (table 0 funcref) (table 0 funcref) (table 0 funcref) (table 0 funcref) (table 0 funcref)
  (table 0 funcref) (table 0 funcref)
  (func (export "_start")))
