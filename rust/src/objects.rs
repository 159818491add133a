//! Which references are to objects, which the engine keeps in a heap that it collects, and whether
//! one core module makes the engine have such a heap as soon as it is instantiated.

use wasmparser::{
    AbstractHeapType, Catch, CompositeInnerType, HeapType, Operator, RefType, SubType, ValType,
};

#[derive(Default)]
pub struct Objects {
    /// Of the types: they are those of functions, or continuations.
    are_functions: Vec<bool>,
    /// Tables and globals of references to objects.
    tables: Vec<bool>,
    globals: Vec<bool>,
    pub needs_heap: bool,
}

impl Objects {
    /// To an object in the heap, not to a function.
    pub fn is_object(&self, ty: &RefType) -> bool {
        use AbstractHeapType::*;
        match ty.heap_type() {
            HeapType::Abstract { ty, .. } => !matches!(ty, Func | NoFunc | Cont | NoCont),
            HeapType::Concrete(at) | HeapType::Exact(at) => {
                let at = at.as_module_index().unwrap_or(u32::MAX) as usize;
                !self.are_functions.get(at).copied().unwrap_or(false)
            }
        }
    }

    pub fn is_object_value(&self, ty: &ValType) -> bool {
        matches!(ty, ValType::Ref(r) if self.is_object(r))
    }

    pub fn add_type(&mut self, ty: &SubType) {
        use CompositeInnerType::{Cont, Func};
        self.are_functions.push(matches!(ty.composite_type.inner, Func(_) | Cont(_)));
    }

    pub fn add_table(&mut self, ty: &RefType, imported: bool) {
        let is_object = self.is_object(ty);
        self.tables.push(is_object);
        self.needs_heap |= is_object && !imported;
    }

    pub fn add_global(&mut self, ty: &ValType, imported: bool) {
        let is_object = self.is_object_value(ty);
        self.globals.push(is_object);
        self.needs_heap |= is_object && !imported;
    }

    /// Those of a segment that is written as expressions.
    pub fn add_elements(&mut self, ty: &RefType, count: u32) {
        self.needs_heap |= count > 0 && self.is_object(ty);
    }

    /// None: there is no such table.
    pub fn table(&self, at: u32) -> Option<bool> {
        self.tables.get(at as usize).copied()
    }

    pub fn global(&self, at: u32) -> bool {
        self.globals.get(at as usize).copied().unwrap_or(false)
    }

    pub fn global_count(&self) -> u64 {
        self.globals.len() as u64
    }

    /// As the engine's compiler decides it, but for code that cannot be reached, which it skips.
    pub fn add_operator(&mut self, operator: &Operator<'_>) {
        use Operator::*;
        if self.needs_heap {
            return;
        }
        self.needs_heap = match operator {
            TableGet { table: at } | TableSet { table: at } | TableGrow { table: at }
            | TableFill { table: at } | TableInit { table: at, .. }
            | TableCopy { dst_table: at, .. } => self.table(*at).unwrap_or(false),
            GlobalGet { global_index: at } | GlobalSet { global_index: at } => self.global(*at),
            Throw { .. } => true,
            TryTable { try_table } => try_table.catches.iter().any(is_with_values),
            RefI31 | I31GetS | I31GetU | RefEq | AnyConvertExtern | ExternConvertAny => false,
            _ => is_of_objects(operator),
        };
    }
}

/// What was thrown is an object.
fn is_with_values(catch: &Catch) -> bool {
    matches!(catch, Catch::One { .. } | Catch::OneRef { .. })
}

/// It came with them.
pub fn is_of_objects(operator: &Operator<'_>) -> bool {
    macro_rules! by_proposal {
        ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
            match operator {
                $(Operator::$op { .. } => stringify!($proposal),)*
                _ => "",
            }
        };
    }
    wasmparser::for_each_operator!(by_proposal) == "gc"
}
