//! What one instance holds in the host beside its memories and the elements of its tables, and what
//! one function asks of the compiler's tables that have a fixed size: both counted before anything
//! is compiled or instantiated.
//!
//! The sizes are the engine's own where it gives them; the others are not less than what it
//! allocates. So the sum is an upper bound, and a wall may be put on it. Nothing here decides.

use std::mem::size_of;

use wasmparser::{
    BlockType, CanonicalFunction, ComponentAlias, ComponentExport, ComponentExternalKind,
    ComponentImport, ComponentInstance, ComponentType, ComponentTypeDeclaration, ComponentTypeRef,
    ComponentTypeSectionReader, CompositeInnerType, ConstExpr, Data, Element, ElementItems,
    ElementKind, FuncType, FunctionBody, InstanceTypeDeclaration, Operator, Result, SubType,
    TypeBounds, TypeRef, ValType,
};
use wasmtime_environ::{HostPtr, PtrSize};

use crate::objects::{Objects, is_of_objects};

/// Parts of the sum, in the order of `enum bhd_engine_part`.
pub const INSTANCES: usize = 0;
pub const GLOBALS: usize = 1;
pub const ELEMENTS: usize = 2;
pub const FUNCTIONS: usize = 3;
pub const IMPORTS: usize = 4;
pub const DATA: usize = 5;
pub const LINKS: usize = 6;
pub const PARTS: usize = 7;

/// Bytes by part.
pub type Held = [u64; PARTS];

pub fn add(held: &mut Held, other: &Held) {
    add_times(held, other, 1);
}

pub fn add_times(held: &mut Held, other: &Held, times: u64) {
    for (sum, more) in held.iter_mut().zip(other) {
        *sum = sum.saturating_add(more.saturating_mul(times));
    }
}

pub fn most(held: &mut Held, other: &Held) {
    for (most, its) in held.iter_mut().zip(other) {
        *most = (*most).max(*its);
    }
}

/// An instance of a core module with its entry in the store; one of its memories, of its tables,
/// and a segment of elements that is kept.
const INSTANCE: u64 = 512;
const MEMORY: u64 = 512;
const TABLE: u64 = 256;
const SEGMENT: u64 = 64;
/// A value of a segment of elements.
const ELEMENT: u64 = size_of::<wasmtime::ValRaw>() as u64;
/// An imported function has a copy while the instance is made, and the host's functions a reference
/// in the store.
const IMPORT_COPIES: u64 = 2;
/// A segment of data: where it is, and how long.
const DATA_SEGMENT: u64 = 8 + 4;
/// An instance of a component; one of its canonical functions, which may be a lowered one with its
/// trampoline, and name a memory, a table and three functions; one of its types of resources.
const COMPONENT_INSTANCE: u64 = 512;
const CANONICAL: u64 = 104;
const RESOURCE: u64 = 96;
/// A function between two components is part of a core module that the engine makes: it imports
/// what both sides have of memories and functions, and is exported.
const ADAPTER: u64 = 640;

/// The compiler tells kinds of accesses to memory apart, with a number of 16 bits in each function:
/// each private global is one, each type that is compared, and each place in the stack where a
/// reference to an object is kept. What every function may have besides is below `REST`, memories
/// and tables of a module included, of which the validator allows 100 each.
const REST: u64 = 4096;
pub const ACCESSES_MAX: u64 = u16::MAX as u64 - REST;

/// The function that needs most, or what sets a module up when it is instantiated, which the engine
/// makes a function of.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct bhd_engine_accesses_t {
    pub count: u64,
    pub most: u64,
    pub module: u32,
    pub index: u32,
    pub is_set_up: bool,
}

impl bhd_engine_accesses_t {
    pub fn or(&mut self, other: Self) {
        if other.count > self.count {
            *self = other;
        }
    }
}

#[derive(Clone, Copy, Default)]
struct Arity {
    parameters: u64,
    results: u64,
}

/// One core module that is being read.
#[derive(Default)]
pub struct Module {
    held: Held,
    /// Functions that somebody may refer to: each has a record in the instance.
    escaping: Vec<bool>,
    /// Of the types: how many references to objects they take and give.
    arities: Vec<Arity>,
    functions: Vec<u32>,
    objects: Objects,
    set_up: u64,
    imported: u32,
    bodies: u32,
}

impl Module {
    fn hold(&mut self, part: usize, bytes: u64) {
        self.held[part] = self.held[part].saturating_add(bytes);
    }

    /// The engine makes a heap of objects for it as soon as it is instantiated.
    pub fn needs_heap(&self) -> bool {
        self.objects.needs_heap
    }

    pub fn add_type(&mut self, ty: &SubType) {
        let arity = match &ty.composite_type.inner {
            CompositeInnerType::Func(f) => self.arity_of(f),
            _ => Arity::default(),
        };
        self.arities.push(arity);
        self.objects.add_type(ty);
    }

    fn arity_of(&self, f: &FuncType) -> Arity {
        let count =
            |types: &[ValType]| types.iter().filter(|t| self.objects.is_object_value(t)).count();
        Arity { parameters: count(f.params()) as u64, results: count(f.results()) as u64 }
    }

    pub fn add_import(&mut self, ty: &TypeRef) {
        let bytes = match ty {
            TypeRef::Func(at) | TypeRef::FuncExact(at) => {
                self.functions.push(*at);
                self.imported += 1;
                u64::from(HostPtr.vm_func_ref().size())
                    + IMPORT_COPIES * u64::from(HostPtr.vm_function_import().size())
            }
            TypeRef::Table(ty) => {
                self.objects.add_table(&ty.element_type, true);
                IMPORT_COPIES * u64::from(HostPtr.vm_table_import().size())
            }
            TypeRef::Memory(_) => IMPORT_COPIES * u64::from(HostPtr.vm_memory_import().size()),
            TypeRef::Global(ty) => {
                self.objects.add_global(&ty.content_type, true);
                IMPORT_COPIES * u64::from(HostPtr.vm_global_import().size())
            }
            TypeRef::Tag(_) => IMPORT_COPIES * u64::from(HostPtr.vm_tag_import().size()),
        };
        self.hold(IMPORTS, bytes);
    }

    pub fn add_function(&mut self, ty: u32) {
        self.functions.push(ty);
    }

    pub fn add_tag(&mut self) {
        self.hold(GLOBALS, u64::from(HostPtr.vm_tag_definition().size()));
    }

    pub fn add_memory(&mut self) {
        self.hold(INSTANCES, MEMORY);
    }

    pub fn add_table(&mut self, table: &wasmparser::Table<'_>) {
        self.objects.add_table(&table.ty.element_type, false);
        self.hold(INSTANCES, TABLE);
        if let wasmparser::TableInit::Expr(value) = &table.init {
            self.add_expression(value);
        }
    }

    pub fn add_global(&mut self, global: &wasmparser::Global<'_>) {
        self.objects.add_global(&global.ty.content_type, false);
        self.hold(GLOBALS, u64::from(HostPtr.vm_global_definition().size()));
        if !self.add_expression(&global.init_expr) {
            self.set_up += 1;
        }
    }

    /// Somebody may refer to the function. Nothing is noted of one that there is not: it makes the
    /// module invalid.
    pub fn add_escaping(&mut self, function: u32) {
        let at = function as usize;
        if at >= self.functions.len() {
            return;
        }
        if self.escaping.len() <= at {
            self.escaping.resize(self.functions.len(), false);
        }
        if !self.escaping[at] {
            self.escaping[at] = true;
            self.hold(FUNCTIONS, u64::from(HostPtr.vm_func_ref().size()));
        }
    }

    /// Of what is computed when the module is instantiated. True: it is a constant, which takes no
    /// code.
    pub fn add_expression(&mut self, expression: &ConstExpr<'_>) -> bool {
        let mut count = 0;
        let mut is_constant = false;
        for operator in expression.get_operators_reader() {
            // What cannot be read ends the compilation as well.
            let Ok(operator) = operator else { break };
            match operator {
                Operator::End => continue,
                Operator::RefFunc { function_index } => self.add_escaping(function_index),
                Operator::RefNull { .. } => {}
                Operator::I32Const { .. }
                | Operator::I64Const { .. }
                | Operator::F32Const { .. }
                | Operator::F64Const { .. }
                | Operator::V128Const { .. } => is_constant = true,
                Operator::I32Add | Operator::I32Sub | Operator::I32Mul => {}
                Operator::I64Add | Operator::I64Sub | Operator::I64Mul => {}
                // A global, an object or its type.
                _ => self.set_up += 2,
            }
            count += 1;
        }
        is_constant && count == 1
    }

    pub fn add_element(&mut self, element: &Element<'_>) -> Result<()> {
        let count = match &element.items {
            ElementItems::Functions(functions) => functions.count(),
            ElementItems::Expressions(_, expressions) => expressions.count(),
        };
        match &element.kind {
            ElementKind::Passive => {
                self.hold(ELEMENTS, SEGMENT.saturating_add(ELEMENT * u64::from(count)));
            }
            ElementKind::Active { offset_expr, .. } => {
                self.add_expression(offset_expr);
            }
            ElementKind::Declared => {}
        }
        match element.items.clone() {
            ElementItems::Functions(functions) => {
                for function in functions {
                    self.add_escaping(function?);
                }
            }
            ElementItems::Expressions(ty, expressions) => {
                self.objects.add_elements(&ty, count);
                for expression in expressions {
                    self.add_expression(&expression?);
                }
            }
        }
        Ok(())
    }

    pub fn add_data(&mut self, data: &Data<'_>) {
        self.hold(DATA, DATA_SEGMENT);
        if let wasmparser::DataKind::Active { offset_expr, .. } = &data.kind {
            self.add_expression(offset_expr);
        }
    }

    /// The next body.
    pub fn add_body(&mut self, body: &FunctionBody<'_>) -> bhd_engine_accesses_t {
        let index = self.imported.wrapping_add(self.bodies);
        self.bodies += 1;
        let none = bhd_engine_accesses_t::default();
        let ty = self.functions.get(index as usize).copied().unwrap_or(u32::MAX);
        let mut objects = 0u64;
        if let Ok(groups) = body.get_locals_reader() {
            for group in groups {
                let Ok((count, ty)) = group else { return none };
                if self.objects.is_object_value(&ty) {
                    objects = objects.saturating_add(count.into());
                }
            }
        }
        objects = objects.saturating_add(self.arity(ty).parameters);
        let count = self.accesses(body, objects);
        bhd_engine_accesses_t { count, most: ACCESSES_MAX, module: 0, index, is_set_up: false }
    }

    fn arity(&self, ty: u32) -> Arity {
        self.arities.get(ty as usize).copied().unwrap_or_default()
    }

    fn block_arity(&self, ty: &BlockType) -> Arity {
        match ty {
            BlockType::Empty => Arity::default(),
            BlockType::Type(ty) => {
                Arity { parameters: 0, results: self.objects.is_object_value(ty).into() }
            }
            BlockType::FuncType(at) => self.arity(*at),
        }
    }

    /// Each reference to an object that an instruction gives may be kept in a place of its own, and
    /// each that a block takes or gives; where paths meet also each local that has changed in there.
    fn accesses(&mut self, body: &FunctionBody<'_>, locals: u64) -> u64 {
        let Ok(operators) = body.get_operators_reader() else { return 0 };
        let (mut globals, mut types, mut objects) = (0u64, 0u64, locals);
        let mut sets = 0u64;
        let mut open = Vec::new();
        for operator in operators {
            // What cannot be read ends the compilation as well.
            let Ok(operator) = operator else { break };
            self.objects.add_operator(&operator);
            use Operator::*;
            match &operator {
                GlobalGet { global_index: at } | GlobalSet { global_index: at } => {
                    let is_object = self.objects.global(*at);
                    globals += 1 + u64::from(is_object);
                    objects += u64::from(is_object);
                }
                LocalSet { .. } | LocalTee { .. } => sets += 1,
                Call { function_index: at } => {
                    let ty = self.functions.get(*at as usize).copied().unwrap_or(u32::MAX);
                    objects = objects.saturating_add(self.arity(ty).results);
                }
                CallIndirect { type_index: at, .. } | CallRef { type_index: at } => {
                    types += 1;
                    objects = objects.saturating_add(self.arity(*at).results);
                }
                ReturnCallIndirect { .. } | ReturnCallRef { .. } => types += 1,
                Block { blockty } | If { blockty } | Loop { blockty } => {
                    let arity = self.block_arity(blockty);
                    objects = objects.saturating_add(arity.parameters + arity.results);
                    open.push(sets);
                }
                TryTable { try_table } => {
                    let arity = self.block_arity(&try_table.ty);
                    objects = objects.saturating_add(arity.parameters + arity.results);
                    // What is caught, each with a reference to it, and the types of its values.
                    let caught = try_table.catches.len() as u64;
                    objects = objects.saturating_add(caught);
                    types += caught;
                    open.push(sets);
                }
                End => {
                    let changed = sets - open.pop().unwrap_or(0);
                    objects = objects.saturating_add(changed.min(locals));
                }
                TableGet { table: at } => {
                    objects += u64::from(self.objects.table(*at).unwrap_or(true));
                }
                RefNull { .. } | TypedSelect { .. } | TypedSelectMulti { .. } | RefAsNonNull
                | Throw { .. } | ThrowRef => objects += 1,
                other if is_of_objects(other) => {
                    objects += 1;
                    types += 1;
                }
                _ => {}
            }
        }
        let globals = globals.min(self.objects.global_count() * 2);
        let types = types.min(self.arities.len() as u64);
        globals.saturating_add(types).saturating_add(objects)
    }

    /// All of it has been read: what one instance holds.
    pub fn end(&mut self) -> (Held, bhd_engine_accesses_t) {
        self.hold(INSTANCES, INSTANCE);
        let set_up = bhd_engine_accesses_t {
            count: self.set_up,
            most: ACCESSES_MAX,
            module: 0,
            index: 0,
            is_set_up: true,
        };
        (self.held, set_up)
    }
}

/// One component that is being read, without what it instantiates.
#[derive(Default)]
pub struct Component {
    canonicals: u64,
    adapters: u64,
    resources: u64,
    imported_instances: u64,
    /// Types of resources in the type of an instance, at most.
    most_resources: u64,
    /// Of the outermost one.
    hosts: Option<Hosts>,
}

/// Which functions and instances come from the host, through imports: a function of the host needs
/// no adapter. What a component inside of another one imports can be anybody's.
#[derive(Default)]
struct Hosts {
    functions: Vec<bool>,
    instances: Vec<bool>,
}

impl Hosts {
    fn is(&self, kind: ComponentExternalKind, index: u32) -> Option<bool> {
        let known = match kind {
            ComponentExternalKind::Func => &self.functions,
            ComponentExternalKind::Instance => &self.instances,
            _ => return None,
        };
        Some(known.get(index as usize).copied().unwrap_or(false))
    }

    fn push(&mut self, kind: ComponentExternalKind, is_host: bool) {
        match kind {
            ComponentExternalKind::Func => self.functions.push(is_host),
            ComponentExternalKind::Instance => self.instances.push(is_host),
            _ => {}
        }
    }
}

fn exported(ty: &ComponentTypeRef) -> u64 {
    matches!(ty, ComponentTypeRef::Type(TypeBounds::SubResource)).into()
}

impl Component {
    pub fn new(is_outermost: bool) -> Self {
        Component { hosts: is_outermost.then(Hosts::default), ..Default::default() }
    }

    /// How deep types are nested has been looked at before: the reader recurs as deep.
    pub fn add_types(&mut self, section: ComponentTypeSectionReader<'_>) -> Result<()> {
        for ty in section {
            match ty? {
                ComponentType::Resource { .. } => self.resources += 1,
                ComponentType::Instance(declarations) => {
                    let count = declarations.iter().map(|d| match d {
                        InstanceTypeDeclaration::Export { ty, .. } => exported(ty),
                        _ => 0,
                    });
                    self.most_resources = self.most_resources.max(count.sum());
                }
                ComponentType::Component(declarations) => {
                    let count = declarations.iter().map(|d| match d {
                        ComponentTypeDeclaration::Export { ty, .. } => exported(ty),
                        _ => 0,
                    });
                    self.most_resources = self.most_resources.max(count.sum());
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub fn add_import(&mut self, import: &ComponentImport<'_>) {
        self.resources += exported(&import.ty);
        let kind = import.ty.kind();
        self.imported_instances += u64::from(kind == ComponentExternalKind::Instance);
        if let Some(hosts) = &mut self.hosts {
            hosts.push(kind, true);
        }
    }

    pub fn add_export(&mut self, export: &ComponentExport<'_>) {
        if let Some(hosts) = &mut self.hosts
            && let Some(is_host) = hosts.is(export.kind, export.index)
        {
            hosts.push(export.kind, is_host);
        }
    }

    pub fn add_alias(&mut self, alias: &ComponentAlias<'_>) {
        if let Some(hosts) = &mut self.hosts
            && let ComponentAlias::InstanceExport { kind, instance_index, .. } = *alias
        {
            let is_host = hosts.is(ComponentExternalKind::Instance, instance_index);
            hosts.push(kind, is_host == Some(true));
        }
    }

    pub fn add_instance(&mut self, instance: &ComponentInstance<'_>) {
        let Some(hosts) = &mut self.hosts else { return };
        let is_host = match instance {
            ComponentInstance::Instantiate { .. } => false,
            ComponentInstance::FromExports(exports) => {
                exports.iter().all(|e| hosts.is(e.kind, e.index) != Some(false))
            }
        };
        hosts.push(ComponentExternalKind::Instance, is_host);
    }

    /// Each function that is lowered may be one of another component, and then has an adapter.
    pub fn add_canonical(&mut self, function: &CanonicalFunction) {
        self.canonicals += 1;
        match *function {
            CanonicalFunction::Lift { .. } => {
                if let Some(hosts) = &mut self.hosts {
                    hosts.push(ComponentExternalKind::Func, false);
                }
            }
            CanonicalFunction::Lower { func_index, .. } => {
                let hosts = self.hosts.as_ref();
                let is_host = hosts.and_then(|h| h.is(ComponentExternalKind::Func, func_index));
                self.adapters += u64::from(is_host != Some(true));
            }
            _ => {}
        }
    }

    /// What one instance of it holds itself.
    pub fn end(&self) -> Held {
        let imported = self.imported_instances.saturating_mul(self.most_resources);
        let resources = self.resources.saturating_add(imported);
        let mut held = Held::default();
        held[LINKS] = COMPONENT_INSTANCE
            .saturating_add(CANONICAL.saturating_mul(self.canonicals))
            .saturating_add(ADAPTER.saturating_mul(self.adapters))
            .saturating_add(RESOURCE.saturating_mul(resources));
        held
    }
}
