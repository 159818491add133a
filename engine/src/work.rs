//! What it takes to compile a binary, estimated from its instructions before anything is compiled.
//!
//! The compiler is not linear: register allocation takes time about as the square of the joins that
//! one variable goes through, code motion as the square of the depth of loops. Each term below is
//! such an observation, as a number of nanoseconds on the machine that it was measured on; the
//! result is in microseconds. With fuel, what is left of it is one more variable, which changes at
//! every branch, and everything takes half as much again. The estimate is one pass over the bytes, with memory for the locals
//! and the blocks that are open, which the validator bounds at 50,000 and the body's size.
//!
//! Nothing here decides: C compares the result with what the host allows.

use wasmparser::{
    AbstractHeapType, BlockType, CompositeInnerType, ContType, FrameKind, FuncType,
    FunctionBody, HeapType, ModuleArity, Operator, RefType, SubType, ValType,
};

/// What a function takes however small it is, and what one takes that can be called from outside.
const FUNCTION: u64 = 90_000;
const ENTRY: u64 = 160_000;
/// A signature: what it takes, for each parameter and result, and for each pair of them.
const SIGNATURE: u64 = 80_000;
const SIGNATURE_VALUE: u64 = 8_000;
const SIGNATURE_PAIR: u64 = 18;
/// A declared local, used or not.
const LOCAL: u64 = 150;
/// A block or loop by itself.
const BLOCK: u64 = 2_500;
/// Where paths meet (blocks, ifs, loops), for each local that is read in the function.
const JOIN_LOCAL: u64 = 600;
const LOOP_LOCAL: u64 = 2_500;
/// A loop, besides.
const LOOP: u64 = 20_000;
/// A local that differs where paths meet, or a value that a block takes or leaves.
const MEET: u64 = 3_000;
/// The square of the number of times that one of them does, and of those at loops.
const MEET_AGAIN: u64 = 30;
const LOOP_AGAIN: u64 = 60;
/// Locals that change in a loop times those that change in the loops inside it.
const NESTED: u64 = 60;
/// Each operator, for the square of the number of loops around it.
const DEPTH: u64 = 2;
/// Each value that each target of a branch table takes: the validator looks at all of them.
const TARGET_VALUE: u64 = 16;
/// Each field of a structure that begins with zeros.
const ZERO_FIELD: u64 = 8_000;
/// The square of the number of operators that branch without being a block.
const HIDDEN_AGAIN: u64 = 30;
/// The square of the number of ways from a call to a handler, and of calls in one handler's reach
/// for each local that changes there.
const HANDLER_AGAIN: u64 = 3;
const HANDLER_LOCAL: u64 = 6;

/// Above this nobody needs to know more, and sums stay far from overflowing.
const ENOUGH: u64 = 1 << 60;
const LOCALS_MAX: u32 = 50_000;

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct bhd_engine_function_t {
    pub module: u32,
    index: u32,
    pub work: u64,
    bytes: u64,
    locals: u64,
    blocks: u64,
    loops: u64,
    calls: u64,
}

/// What the bodies of a module refer to.
#[derive(Default)]
pub struct Signatures {
    types: Vec<SubType>,
    functions: Vec<u32>,
    /// Can be called from outside, so that there is a second way in.
    entries: Vec<bool>,
    tags: Vec<u32>,
    /// Tables and globals of references that are counted.
    tables: Vec<bool>,
    globals: Vec<bool>,
    imported: u32,
    bodies: u32,
    /// The engine makes a heap for it as soon as it is instantiated.
    pub needs_heap: bool,
}

/// Of an object in the heap, not of a function.
fn is_counted(ty: &RefType, signatures: &Signatures) -> bool {
    match ty.heap_type() {
        HeapType::Abstract { ty, .. } => !matches!(
            ty,
            AbstractHeapType::Func | AbstractHeapType::NoFunc | AbstractHeapType::Cont | AbstractHeapType::NoCont
        ),
        HeapType::Concrete(at) | HeapType::Exact(at) => {
            let at = at.as_module_index().unwrap_or(u32::MAX) as usize;
            let known = signatures.types.get(at).map(|t| &t.composite_type.inner);
            !matches!(known, Some(CompositeInnerType::Func(_) | CompositeInnerType::Cont(_)))
        }
    }
}

impl Signatures {
    /// How many parameters and results it has.
    pub fn add_type(&mut self, ty: SubType) -> u64 {
        let values = match &ty.composite_type.inner {
            CompositeInnerType::Func(f) => (f.params().len() + f.results().len()) as u64,
            _ => 0,
        };
        self.types.push(ty);
        values
    }

    pub fn add_function(&mut self, ty: u32, imported: bool) {
        self.functions.push(ty);
        self.entries.push(false);
        self.imported += imported as u32;
    }

    pub fn add_table(&mut self, ty: &RefType, imported: bool) {
        let counted = is_counted(ty, self);
        self.tables.push(counted);
        self.needs_heap |= counted && !imported;
    }

    pub fn add_global(&mut self, ty: &ValType, imported: bool) {
        let counted = matches!(ty, ValType::Ref(r) if is_counted(r, self));
        self.globals.push(counted);
        self.needs_heap |= counted && !imported;
    }

    pub fn add_elements(&mut self, ty: &RefType, count: u32) {
        self.needs_heap |= count > 0 && is_counted(ty, self);
    }

    /// As the engine's compiler decides it, but for code that cannot be reached, which it skips.
    pub fn look_for_heap(&mut self, operator: &Operator<'_>) {
        use Operator::*;
        if self.needs_heap {
            return;
        }
        let table = |at: u32| self.tables.get(at as usize).copied().unwrap_or(false);
        let global = |at: u32| self.globals.get(at as usize).copied().unwrap_or(false);
        let needs = match operator {
            TableGet { table: at } | TableSet { table: at } | TableGrow { table: at }
            | TableFill { table: at } | TableInit { table: at, .. } => table(*at),
            TableCopy { dst_table, .. } => table(*dst_table),
            GlobalGet { global_index } | GlobalSet { global_index } => global(*global_index),
            Throw { .. } => true,
            TryTable { try_table } => try_table
                .catches
                .iter()
                .any(|c| matches!(c, wasmparser::Catch::One { .. } | wasmparser::Catch::OneRef { .. })),
            RefI31 | I31GetS | I31GetU | RefEq | AnyConvertExtern | ExternConvertAny => false,
            _ => proposal(operator) == "gc",
        };
        self.needs_heap |= needs;
    }

    pub fn add_tag(&mut self, ty: u32) {
        self.tags.push(ty);
    }

    /// The work of the second way in, the first time.
    pub fn add_entry(&mut self, function: u32) -> u64 {
        match self.entries.get_mut(function as usize) {
            Some(known) if !*known => *known = true,
            _ => return 0,
        }
        let values = self.arity_of(function).map_or(0, |(p, r)| p as u64 + r as u64);
        ENTRY + signature(values)
    }

    fn fields(&self, ty: u32) -> u64 {
        match self.types.get(ty as usize).map(|t| &t.composite_type.inner) {
            Some(CompositeInnerType::Struct(s)) => s.fields.len() as u64,
            _ => 0,
        }
    }

    fn arity_of(&self, function: u32) -> Option<(u32, u32)> {
        let ty = *self.functions.get(function as usize)?;
        self.arity(ty)
    }

    fn arity(&self, ty: u32) -> Option<(u32, u32)> {
        match &self.types.get(ty as usize)?.composite_type.inner {
            CompositeInnerType::Func(f) => Some((f.params().len() as u32, f.results().len() as u32)),
            _ => None,
        }
    }

    fn block_arity(&self, ty: BlockType) -> (u64, u64) {
        match ty {
            BlockType::Empty => (0, 0),
            BlockType::Type(_) => (0, 1),
            BlockType::FuncType(t) => self.arity(t).map_or((0, 0), |(p, r)| (p.into(), r.into())),
        }
    }
}

pub fn signature(values: u64) -> u64 {
    SIGNATURE + SIGNATURE_VALUE * values + SIGNATURE_PAIR * values * values
}

#[derive(Clone, Copy, Default)]
struct Local {
    /// In which function the rest is about.
    function: u64,
    last_set: u64,
    met: u64,
    met_at_loops: u64,
    is_read: bool,
}

struct Frame {
    ty: BlockType,
    kind: FrameKind,
    began: u64,
    /// Locals that changed in here, as differences between one frame and the one around it.
    changed: i64,
    catches: u64,
    calls: u64,
    is_try: bool,
}

struct LoopFrame {
    began: u64,
    changed: i64,
    inside: u64,
}

/// Reads one body after the other; what it allocates is kept from one to the next.
#[derive(Default)]
pub struct Estimate {
    locals: Vec<Local>,
    frames: Vec<Frame>,
    loops: Vec<LoopFrame>,
    /// Counts changes of locals, over all functions.
    now: u64,
    function: u64,
    body: Body,
}

/// What is being found out about one body.
#[derive(Default)]
struct Body {
    work: u64,
    reads: u64,
    blocks: u64,
    loops: u64,
    calls: u64,
    hidden: u64,
    handlers: u64,
    /// Blocks that take or leave values.
    carried: u64,
    implicit: Local,
}

impl Body {
    fn add(&mut self, cost: u64, times: u64) {
        self.work = self.work.saturating_add(cost.saturating_mul(times)).min(ENOUGH);
    }
}

struct Around<'a> {
    signatures: &'a Signatures,
    frames: &'a [Frame],
}

impl ModuleArity for Around<'_> {
    fn sub_type_at(&self, at: u32) -> Option<&SubType> {
        self.signatures.types.get(at as usize)
    }
    fn tag_type_arity(&self, at: u32) -> Option<(u32, u32)> {
        self.signatures.arity(*self.signatures.tags.get(at as usize)?)
    }
    fn type_index_of_function(&self, at: u32) -> Option<u32> {
        self.signatures.functions.get(at as usize).copied()
    }
    fn func_type_of_cont_type(&self, _: &ContType) -> Option<&FuncType> {
        None
    }
    fn sub_type_of_ref_type(&self, _: &RefType) -> Option<&SubType> {
        None
    }
    fn control_stack_height(&self) -> u32 {
        self.frames.len() as u32
    }
    fn label_block(&self, depth: u32) -> Option<(BlockType, FrameKind)> {
        let at = self.frames.len().checked_sub(1 + depth as usize)?;
        Some((self.frames[at].ty, self.frames[at].kind))
    }
}

impl Estimate {
    /// The next body of the module: what it takes, in nanoseconds, and what it is.
    pub fn body(
        &mut self,
        signatures: &mut Signatures,
        body: &FunctionBody<'_>,
        metered: bool,
    ) -> (u64, bhd_engine_function_t) {
        let index = signatures.imported + signatures.bodies;
        signatures.bodies += 1;
        let ty = signatures.functions.get(index as usize).copied().unwrap_or(u32::MAX);
        let (parameters, results) = signatures.arity(ty).unwrap_or((0, 0));
        let mut locals = u64::from(parameters);
        if let Ok(groups) = body.get_locals_reader() {
            for group in groups {
                let Ok((count, _)) = group else { break };
                locals = locals.saturating_add(count.into());
            }
        }
        self.begin(ty);
        let values = u64::from(parameters) + u64::from(results);
        self.body.add(FUNCTION, 1);
        self.body.add(SIGNATURE_VALUE, values);
        self.body.add(LOCAL, locals.min(LOCALS_MAX.into()));
        if let Ok(mut operators) = body.get_operators_reader() {
            // An operator that cannot be read ends the compilation as well.
            while !operators.eof() && self.body.work < ENOUGH {
                let Ok(operator) = operators.read() else { break };
                signatures.look_for_heap(&operator);
                self.operator(&operator, signatures, metered);
            }
        }
        self.end();
        if metered {
            self.body.add(self.body.work / 2, 1);
        }
        let b = &self.body;
        let about = bhd_engine_function_t {
            module: 0,
            index,
            work: b.work / 1000,
            bytes: body.range().len() as u64,
            locals,
            blocks: b.blocks,
            loops: b.loops,
            calls: b.calls,
        };
        (b.work, about)
    }

    fn begin(&mut self, ty: u32) {
        self.function += 1;
        self.now += 1;
        self.body = Body::default();
        self.frames.clear();
        self.loops.clear();
        self.push(BlockType::FuncType(ty), FrameKind::Block, 0, false);
        self.body.blocks = 0;
    }

    fn end(&mut self) {
        let b = &mut self.body;
        b.add(JOIN_LOCAL, b.reads.saturating_mul(b.blocks));
        b.add(LOOP_LOCAL, b.reads.saturating_mul(b.loops));
        b.add(HIDDEN_AGAIN, b.hidden.saturating_mul(b.hidden));
        b.add(HANDLER_AGAIN, b.handlers.saturating_mul(b.handlers));
    }

    fn push(&mut self, ty: BlockType, kind: FrameKind, catches: u64, is_try: bool) {
        let catches = catches + self.frames.last().map_or(0, |f| f.catches);
        self.now += 1;
        self.frames.push(Frame {
            ty, kind, began: self.now, changed: 0, catches, calls: 0, is_try,
        });
        if kind == FrameKind::Loop {
            self.loops.push(LoopFrame { began: self.now, changed: 0, inside: 0 });
        }
    }

    fn block(&mut self, ty: BlockType, kind: FrameKind, catches: u64, signatures: &Signatures) {
        let (parameters, results) = signatures.block_arity(ty);
        let values = parameters + results;
        self.push(ty, kind, catches, catches > 0);
        let b = &mut self.body;
        b.blocks += 1;
        b.add(BLOCK, 1);
        if values > 0 {
            b.carried += 1;
            b.add(MEET, values);
            b.add(2 * MEET_AGAIN, values.saturating_mul(b.carried));
        }
        if kind == FrameKind::Loop {
            b.loops += 1;
            b.add(LOOP, 1);
            b.add(2 * LOOP_AGAIN, parameters.saturating_mul(b.carried));
            self.change_implicit();
        }
    }

    fn pop(&mut self) {
        let Some(frame) = self.frames.pop() else { return };
        let changed = frame.changed.max(0) as u64;
        if frame.is_try {
            self.body.add(HANDLER_LOCAL, changed.saturating_mul(frame.calls.saturating_mul(frame.calls)));
        }
        if let Some(outer) = self.frames.last_mut() {
            outer.changed += frame.changed;
            outer.calls += frame.calls;
        }
        if frame.kind == FrameKind::Loop
            && let Some(done) = self.loops.pop()
        {
            let changed = done.changed.max(0) as u64;
            self.body.add(NESTED, changed.saturating_mul(done.inside));
            if let Some(outer) = self.loops.last_mut() {
                outer.changed += done.changed;
                outer.inside = outer.inside.saturating_add(done.inside).saturating_add(changed);
            }
        }
    }

    /// A variable changes: it may differ at the end of every block that is open, and at the beginning
    /// of every loop, unless it has changed in there before.
    fn change(&mut self, mut variable: Local, is_local: bool) -> Local {
        if variable.function != self.function {
            variable = Local { function: self.function, ..Default::default() };
        }
        let since = variable.last_set;
        let known = self.frames.partition_point(|f| f.began <= since).max(1);
        let known_loops = self.loops.partition_point(|f| f.began <= since);
        let new = (self.frames.len().max(known) - known) as u64;
        let new_loops = (self.loops.len() - known_loops) as u64;
        if is_local && new > 0 {
            self.frames.last_mut().expect("one is new").changed += 1;
            self.frames[known - 1].changed -= 1;
        }
        if is_local && new_loops > 0 {
            self.loops.last_mut().expect("one is new").changed += 1;
            if let Some(outer) = known_loops.checked_sub(1) {
                self.loops[outer].changed -= 1;
            }
        }
        let squares = |old: u64, new: u64| new.saturating_mul(2 * old + new);
        self.body.add(MEET, new);
        self.body.add(MEET_AGAIN, squares(variable.met, new));
        self.body.add(LOOP_AGAIN, squares(variable.met_at_loops, new_loops));
        variable.met += new;
        variable.met_at_loops += new_loops;
        self.now += 1;
        variable.last_set = self.now;
        variable
    }

    /// The deadline, which every loop looks at and may change, and the fuel that is left.
    fn change_implicit(&mut self) {
        self.body.implicit = self.change(self.body.implicit, false);
    }

    fn local(&mut self, index: u32) -> Option<&mut Local> {
        if index >= LOCALS_MAX {
            return None;
        }
        let at = index as usize;
        if at >= self.locals.len() {
            self.locals.resize(at + 1, Local::default());
        }
        Some(&mut self.locals[at])
    }

    fn set(&mut self, index: u32) {
        if let Some(&mut local) = self.local(index) {
            self.locals[index as usize] = self.change(local, true);
        }
    }

    fn get(&mut self, index: u32) {
        let function = self.function;
        let Some(local) = self.local(index) else { return };
        if local.function != function {
            *local = Local { function, ..Default::default() };
        }
        let first = !local.is_read;
        local.is_read = true;
        self.body.reads += first as u64;
    }

    fn call(&mut self, cost: u64, values: u64) {
        let frame = self.frames.last_mut();
        let catches = frame.as_ref().map_or(0, |f| f.catches);
        if let Some(frame) = frame
            && catches > 0
        {
            frame.calls += 1;
        }
        let b = &mut self.body;
        b.calls += 1;
        b.handlers = b.handlers.saturating_add(catches);
        b.add(cost, 1);
        b.add(4_000, values);
        b.add(10_000, catches);
    }

    fn operator(&mut self, operator: &Operator<'_>, signatures: &Signatures, metered: bool) {
        use Operator::*;
        let depth = self.loops.len() as u64;
        self.body.add(DEPTH, depth * depth);
        let around = Around { signatures, frames: &self.frames };
        let (takes, gives) = operator.operator_arity(&around).unwrap_or((0, 0));
        let values = u64::from(takes) + u64::from(gives);
        let mut is_control = true;
        match *operator {
            Block { blockty } => return self.block(blockty, FrameKind::Block, 0, signatures),
            Loop { blockty } => return self.block(blockty, FrameKind::Loop, 0, signatures),
            If { blockty } => {
                self.body.add(4_000, 1);
                self.block(blockty, FrameKind::If, 0, signatures);
                if metered {
                    self.change_implicit();
                }
                return;
            }
            TryTable { ref try_table } => {
                let catches = try_table.catches.len() as u64;
                self.body.add(5_000, catches);
                return self.block(try_table.ty, FrameKind::Block, catches, signatures);
            }
            Else => return,
            End => return self.pop(),
            Br { .. } | Return | Unreachable | Throw { .. } | ThrowRef => {
                self.body.add(3_000, 1);
                self.body.add(500, values);
                if metered {
                    self.change_implicit();
                }
                return;
            }
            BrIf { .. } => {
                self.body.add(6_000, 1);
                self.body.add(100, values);
            }
            BrTable { ref targets } => {
                self.body.add(8_000, 1);
                self.body.add(100, values);
                self.body.add(400, u64::from(targets.len()));
                self.body.add(TARGET_VALUE, u64::from(targets.len()).saturating_mul(takes.into()));
                return;
            }
            Call { .. } | ReturnCall { .. } => self.call(10_000, values),
            CallIndirect { .. } | CallRef { .. } | ReturnCallIndirect { .. } | ReturnCallRef { .. } => {
                self.body.hidden += 1;
                self.call(70_000, values)
            }
            LocalGet { local_index } => {
                self.get(local_index);
                self.body.add(300, 1);
                is_control = false;
            }
            LocalSet { local_index } | LocalTee { local_index } => {
                self.set(local_index);
                self.body.add(300, 1);
                is_control = false;
            }
            StructNewDefault { struct_type_index } => {
                is_control = false;
                self.body.hidden += 1;
                self.body.add(70_000, 1);
                self.body.add(ZERO_FIELD, signatures.fields(struct_type_index));
            }
            _ => {
                is_control = false;
                let (cost, is_hidden) = weight(operator);
                self.body.add(cost, 1);
                self.body.hidden += is_hidden as u64;
            }
        }
        if metered && is_control {
            self.change_implicit();
        }
    }
}

fn proposal(operator: &Operator<'_>) -> &'static str {
    macro_rules! by_proposal {
        ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
            match operator {
                $(Operator::$op { .. } => stringify!($proposal),)*
                _ => "",
            }
        };
    }
    wasmparser::for_each_operator!(by_proposal)
}

/// What is neither control nor a local, in nanoseconds, and whether it branches inside: elements of
/// tables are made when they are asked for, references are counted.
fn weight(operator: &Operator<'_>) -> (u64, bool) {
    use Operator::*;
    match operator {
        Nop | Drop | I32Const { .. } | I64Const { .. } | F32Const { .. } | F64Const { .. } => {
            return (300, false);
        }
        RefNull { .. } | RefIsNull => return (1_500, false),
        TypedSelect { .. } => return (3_000, false),
        I32Load { .. } | I64Load { .. } | F32Load { .. } | F64Load { .. } | I32Load8S { .. }
        | I32Load8U { .. } | I32Load16S { .. } | I32Load16U { .. } | I64Load8S { .. }
        | I64Load8U { .. } | I64Load16S { .. } | I64Load16U { .. } | I64Load32S { .. }
        | I64Load32U { .. } => return (8_000, false),
        I32DivS | I32DivU | I32RemS | I32RemU | I64DivS | I64DivU | I64RemS | I64RemU
        | I32TruncF32S | I32TruncF32U | I32TruncF64S | I32TruncF64U | I64TruncF32S
        | I64TruncF32U | I64TruncF64S | I64TruncF64U | F32ConvertI64U | F64ConvertI64U
        | MemoryGrow { .. } => return (14_000, false),
        I32Store { .. } | I64Store { .. } | F32Store { .. } | F64Store { .. } | I32Store8 { .. }
        | I32Store16 { .. } | I64Store8 { .. } | I64Store16 { .. } | I64Store32 { .. } => {
            return (3_000, false);
        }
        _ => {}
    }
    match proposal(operator) {
        "mvp" | "sign_extension" => (1_500, false),
        "simd" | "relaxed_simd" => (6_000, false),
        "bulk_memory" | "saturating_float_to_int" => (15_000, false),
        _ => (70_000, true),
    }
}
