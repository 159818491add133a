;; Declares itself to be both, which no module may be.
(module
  (func (export "_initialize"))
  (func (export "_start")))
