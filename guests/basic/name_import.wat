;; Imports whose names hold terminal escapes and line feeds. Proves that the message about an
;; unknown import escapes them.
(module $name_import
  (import "\1b[31menv" "line\nfeed\1b[0m" (func))
  (import "gnp\e2\80\aelmth" "before\00after" (func (param i32)))
  (func (export "_start")))
