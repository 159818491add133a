//! What it takes to link the components inside a component, estimated beside what its functions
//! take: `work.rs` knows those of core modules only.
//!
//! The engine instantiates symbolically: each component that is instantiated is gone through again,
//! its lowered functions become adapters or trampolines, which are compiled, and what is given to an
//! instance is copied, however deep it is. A component of 400 bytes can so take hours and all memory
//! there is. What an instance takes depends on what it is given, so both are sums: a part of its own
//! and a part for each unit that is given. Types are trees of shared parts; each is looked at once.
//!
//! The pass allocates for each item that it reads, of which there are at most ITEMS_MAX, and recurs
//! NESTING_MAX deep. As in work.rs, nothing here decides.

use std::collections::HashMap;
use std::rc::Rc;

use wasmparser::{
    BinaryReader, CanonicalFunction, ComponentAlias, ComponentDefinedType, ComponentExport,
    ComponentExternName, ComponentExternalKind, ComponentImport, ComponentInstance,
    ComponentInstantiationArg, ComponentOuterAliasKind, ComponentType, ComponentTypeRef,
    ComponentValType, CoreType, PrimitiveValType, Result, TypeBounds,
};

/// Components in components, and types in types. The engine's readers recur without a bound.
pub const NESTING_MAX: usize = 100;
const ITEMS_MAX: u64 = 1_000_000;

/// In nanoseconds: any item of a component, an instance of a component, a lifted function, and a unit
/// of what is copied or converted, of which an export has some beside those of its type.
const ITEM: u64 = 500;
const INSTANCE: u64 = 2_000;
const LIFT: u64 = 4_000;
const UNIT: u64 = 110;
const EXPORT_UNITS: u64 = 16;
/// Names are copied with what they name; so many bytes of one are a unit.
const NAME_BYTES: u64 = 8;
/// Each resource there is, for each instance: the table of them is copied.
const RESOURCE: u64 = 5;
/// A function of the host as a core function, or one of the engine's for resources.
const TRAMPOLINE: u64 = 250_000;
/// A function of one component as a core function of another, and what it does with a value.
const ADAPTER: u64 = 450_000;
const SCALAR: u64 = 12_000;
const HANDLE: u64 = 60_000;
const STRING: u64 = 240_000;
const LIST: u64 = 850_000;
const CASE: u64 = 35_000;
const ENUM_CASE: u64 = 1_000;
/// The adapter compiler puts no more than this into one function; the rest goes to functions for
/// single types, which are shared.
const INLINED: u64 = 50_000_000;

pub const ENOUGH: u64 = 1 << 60;

fn name_units(name: &str) -> u64 {
    EXPORT_UNITS + name.len() as u64 / NAME_BYTES
}

fn sum(a: u64, b: u64) -> u64 {
    a.saturating_add(b).min(ENOUGH)
}

/// `own`, and `given` for each unit that the component is given.
#[derive(Clone, Copy, Default)]
struct Sum {
    own: u64,
    given: u64,
}

impl Sum {
    fn add(&mut self, other: Sum) {
        self.own = sum(self.own, other.own);
        self.given = sum(self.given, other.given);
    }

    fn times(self, factor: u64) -> Sum {
        Sum {
            own: self.own.saturating_mul(factor).min(ENOUGH),
            given: self.given.saturating_mul(factor).min(ENOUGH),
        }
    }

    /// With so much given, in terms of what the component around is given.
    fn of(self, given: Sum) -> Sum {
        let mut all = given.times(self.given);
        all.own = sum(all.own, self.own);
        all
    }
}

/// A type of values, or all those of a function.
#[derive(Clone, Copy, Default)]
struct Value {
    /// As a tree.
    nodes: u64,
    /// What an adapter does with it, if it is all in one function.
    work: u64,
    /// The same for this type and all that it can be made of, each in a function.
    shared: u64,
}

type Exports<'a> = Rc<HashMap<&'a str, Item<'a>>>;

#[derive(Clone, Default)]
struct Instance<'a> {
    exports: Exports<'a>,
    size: Sum,
    /// Of the host: imported by the whole binary.
    is_host: bool,
}

#[derive(Clone, Copy, Default)]
struct Function {
    ty: Value,
    is_host: bool,
}

#[derive(Clone)]
enum Type<'a> {
    Value(Value),
    Function(Value),
    Instance(Instance<'a>),
    Other(u64),
}

#[derive(Clone)]
enum Item<'a> {
    Type(Type<'a>),
    Function(Function),
    Instance(Instance<'a>),
    Component(Component<'a>),
    Other,
}

#[derive(Clone, Default)]
struct Component<'a> {
    /// None: it comes from outside, so that nobody knows.
    definition: Option<Rc<Definition<'a>>>,
    /// What it holds of the components around it, which is copied with it.
    captured: Sum,
}

#[derive(Default)]
struct Definition<'a> {
    needs: Needs,
    exports: Exports<'a>,
    size: Sum,
}

/// What one instance takes.
#[derive(Clone, Copy, Default)]
struct Needs {
    structure: Sum,
    compiled: u64,
    adapters: u64,
    trampolines: u64,
    instances: u64,
    /// Core modules that come from outside.
    unknown_modules: u64,
    is_unknown: bool,
}

#[derive(Default)]
struct Scope<'a> {
    types: Vec<Type<'a>>,
    functions: Vec<Function>,
    instances: Vec<Instance<'a>>,
    components: Vec<Component<'a>>,
    exports: HashMap<&'a str, Item<'a>>,
    size: Sum,
    captured: Sum,
    needs: Needs,
    /// Of all types of values in it.
    shared: u64,
}

/// What linking the whole binary takes.
#[derive(Default)]
pub struct Link {
    pub structure: u64,
    pub compiled: u64,
    pub adapters: u64,
    pub trampolines: u64,
    pub instances: u64,
    pub is_unknown: bool,
}

#[derive(Default)]
pub struct Linking<'a> {
    scopes: Vec<Scope<'a>>,
    items: u64,
    resources: u64,
    most_imports: u64,
    pub is_too_deep: bool,
}

fn kind_size(item: &Item<'_>) -> Sum {
    match item {
        Item::Type(ty) => Sum { own: type_units(ty), given: 0 },
        Item::Function(f) => Sum { own: f.ty.nodes, given: 0 },
        Item::Instance(i) => i.size,
        Item::Component(c) => c.captured,
        Item::Other => Sum::default(),
    }
}

fn type_units(ty: &Type<'_>) -> u64 {
    match ty {
        Type::Value(v) | Type::Function(v) => v.nodes,
        Type::Instance(i) => i.size.own,
        Type::Other(units) => *units,
    }
}

fn primitive(ty: PrimitiveValType) -> Value {
    let work = match ty {
        PrimitiveValType::String => STRING,
        _ => SCALAR,
    };
    Value { nodes: 1, work, shared: 0 }
}

impl<'a> Linking<'a> {
    /// Nothing more needs to be known, and nothing more may be read.
    pub fn is_over(&self) -> bool {
        self.is_too_deep || self.items > ITEMS_MAX
    }

    pub fn begin(&mut self) {
        self.is_too_deep |= self.scopes.len() >= NESTING_MAX;
        self.scopes.push(Scope::default());
    }

    fn top(&mut self) -> &mut Scope<'a> {
        self.scopes.last_mut().expect("a component is open")
    }

    /// Any item; false when there have been too many.
    fn item(&mut self) -> bool {
        self.items += 1;
        let cost = if self.items > ITEMS_MAX { ENOUGH } else { ITEM };
        self.structure(Sum { own: cost, given: 0 });
        self.items <= ITEMS_MAX
    }

    fn structure(&mut self, work: Sum) {
        self.top().needs.structure.add(work);
    }

    fn copy(&mut self, size: Sum) {
        self.structure(size.times(UNIT));
    }

    // -- types -----------------------------------------------------------------------------

    fn value(&self, ty: &ComponentValType) -> Value {
        match *ty {
            ComponentValType::Primitive(p) => primitive(p),
            ComponentValType::Type(at) => {
                match self.scopes.last().and_then(|s| s.types.get(at as usize)) {
                    Some(Type::Value(v)) => *v,
                    _ => Value { nodes: 1, work: SCALAR, shared: 0 },
                }
            }
        }
    }

    fn all<'t>(&self, types: impl Iterator<Item = &'t ComponentValType>) -> Value {
        let mut all = Value { nodes: 1, ..Default::default() };
        for ty in types {
            let one = self.value(ty);
            all.nodes = sum(all.nodes, one.nodes);
            all.work = sum(all.work, one.work);
        }
        all
    }

    fn cases<'t>(&self, count: usize, types: impl Iterator<Item = &'t ComponentValType>) -> Value {
        let mut all = self.all(types);
        all.nodes = sum(all.nodes, count as u64);
        all.work = sum(all.work, CASE * count as u64);
        all
    }

    fn defined(&self, ty: &ComponentDefinedType<'_>) -> Value {
        use ComponentDefinedType::*;
        let with = |work: u64, mut value: Value| {
            value.work = sum(value.work, work);
            value
        };
        match ty {
            Primitive(p) => primitive(*p),
            Record(fields) => self.all(fields.iter().map(|(_, ty)| ty)),
            Tuple(types) => self.all(types.iter()),
            Variant(cases) => self.cases(cases.len(), cases.iter().filter_map(|c| c.ty.as_ref())),
            Option(ty) => self.cases(2, [ty].into_iter()),
            Result { ok, err } => self.cases(2, ok.iter().chain(err)),
            List(ty) => with(LIST, self.all([ty].into_iter())),
            Map(key, value) => with(LIST, self.all([key, value].into_iter())),
            FixedLengthList(ty, length) => {
                let mut value = self.all([ty].into_iter());
                value.work = value.work.saturating_mul(u64::from(*length)).min(ENOUGH);
                with(LIST, value)
            }
            Flags(names) => Value { nodes: 1 + names.len() as u64, work: SCALAR, shared: 0 },
            Enum(names) => {
                let count = names.len() as u64;
                Value { nodes: 1 + count, work: CASE + ENUM_CASE * count, shared: 0 }
            }
            Own(_) | Borrow(_) | Future(_) | Stream(_) => {
                Value { nodes: 1, work: HANDLE, shared: 0 }
            }
        }
    }

    /// A type that is made here, or one that was made elsewhere.
    fn push_type(&mut self, mut ty: Type<'a>, is_new: bool) {
        let top = self.top();
        if let Type::Value(v) | Type::Function(v) = &mut ty {
            top.shared = sum(top.shared, if is_new { v.work.min(INLINED) } else { v.shared });
            v.shared = top.shared;
        }
        top.types.push(ty);
    }

    fn type_at(&self, at: u32) -> Type<'a> {
        let known = self.scopes.last().and_then(|s| s.types.get(at as usize));
        known.cloned().unwrap_or(Type::Other(1))
    }

    fn function_type_at(&self, at: u32) -> Value {
        match self.type_at(at) {
            Type::Function(v) => v,
            _ => Value::default(),
        }
    }

    /// The types of a section. Read item by item: the parser's own reader recurs as deep as types
    /// are nested.
    pub fn types(&mut self, section: &'a [u8]) -> Result<()> {
        let mut reader = BinaryReader::new(section, 0);
        for _ in 0..reader.read_var_u32()? {
            if !self.read_type(&mut reader)? {
                break;
            }
        }
        Ok(())
    }

    /// False: nothing more may be read.
    fn read_type(&mut self, reader: &mut BinaryReader<'a>) -> Result<bool> {
        let is_component = match reader.clone().read_u8()? {
            0x41 => true,
            0x42 => false,
            _ => {
                let ty = match reader.read::<ComponentType<'a>>()? {
                    ComponentType::Defined(ty) => Type::Value(self.defined(&ty)),
                    ComponentType::Func(f) => {
                        let types = f.params.iter().map(|(_, ty)| ty).chain(&f.result);
                        Type::Function(self.all(types))
                    }
                    _ => {
                        self.resources += 1;
                        Type::Other(1)
                    }
                };
                self.push_type(ty, true);
                return Ok(self.item());
            }
        };
        reader.read_u8()?;
        self.begin();
        let count = reader.read_var_u32()?;
        for _ in 0..count {
            if self.is_too_deep || !self.declaration(reader)? {
                return Ok(false);
            }
        }
        let done = self.scopes.pop().expect("it has begun");
        // What is declared is read once and costs as much wherever it is.
        self.structure(Sum { own: done.needs.structure.own, given: 0 });
        let size = Sum { own: done.size.own, given: 0 };
        self.push_type(
            if is_component {
                Type::Other(sum(size.own, done.needs.structure.own / UNIT))
            } else {
                Type::Instance(Instance { exports: Rc::new(done.exports), size, is_host: false })
            },
            true,
        );
        Ok(self.item())
    }

    fn declaration(&mut self, reader: &mut BinaryReader<'a>) -> Result<bool> {
        match reader.clone().read_u8()? {
            0x01 => {
                reader.read_u8()?;
                return self.read_type(reader);
            }
            0x00 => {
                reader.read_u8()?;
                reader.read::<CoreType<'a>>()?;
            }
            0x02 => {
                reader.read_u8()?;
                let alias = reader.read()?;
                return Ok(self.alias(&alias));
            }
            0x03 => {
                reader.read_u8()?;
                let import = reader.read()?;
                return Ok(self.import(&import));
            }
            // 4, and what is none: the reader of one item says so.
            _ => {
                reader.read_u8()?;
                let name = reader.read::<ComponentExternName<'a>>()?;
                let ty = reader.read::<ComponentTypeRef>()?;
                let item = self.declared(&ty);
                self.push(item.clone());
                self.give(name.name, item);
            }
        }
        Ok(self.item())
    }

    // -- items -----------------------------------------------------------------------------

    fn declared(&self, ty: &ComponentTypeRef) -> Item<'a> {
        match *ty {
            ComponentTypeRef::Func(at) => {
                Item::Function(Function { ty: self.function_type_at(at), is_host: false })
            }
            ComponentTypeRef::Type(TypeBounds::Eq(at)) => Item::Type(self.type_at(at)),
            ComponentTypeRef::Type(TypeBounds::SubResource) => Item::Type(Type::Other(1)),
            ComponentTypeRef::Instance(at) => match self.type_at(at) {
                Type::Instance(i) => Item::Instance(i),
                _ => Item::Instance(Instance::default()),
            },
            ComponentTypeRef::Component(at) => Item::Component(Component {
                definition: None,
                captured: Sum { own: type_units(&self.type_at(at)), given: 0 },
            }),
            _ => Item::Other,
        }
    }

    fn push(&mut self, item: Item<'a>) {
        match item {
            Item::Type(ty) => self.push_type(ty, false),
            Item::Function(f) => self.top().functions.push(f),
            Item::Instance(i) => self.top().instances.push(i),
            Item::Component(c) => self.top().components.push(c),
            Item::Other => {}
        }
    }

    fn give(&mut self, name: &'a str, item: Item<'a>) {
        let mut size = kind_size(&item);
        size.own = sum(size.own, name_units(name));
        let top = self.top();
        top.size.add(size);
        top.exports.insert(name, item);
    }

    fn find(&self, kind: ComponentExternalKind, at: u32) -> Item<'a> {
        let Some(top) = self.scopes.last() else { return Item::Other };
        let at = at as usize;
        match kind {
            ComponentExternalKind::Func => top.functions.get(at).map(|f| Item::Function(*f)),
            ComponentExternalKind::Type => top.types.get(at).cloned().map(Item::Type),
            ComponentExternalKind::Instance => top.instances.get(at).cloned().map(Item::Instance),
            ComponentExternalKind::Component => {
                top.components.get(at).cloned().map(Item::Component)
            }
            _ => None,
        }
        .unwrap_or(Item::Other)
    }

    /// What an instance is given may be more than its type says.
    pub fn import(&mut self, import: &ComponentImport<'a>) -> bool {
        let is_root = self.scopes.len() == 1;
        if matches!(import.ty, ComponentTypeRef::Type(TypeBounds::SubResource)) {
            self.resources += 1;
        }
        let mut item = self.declared(&import.ty);
        match &mut item {
            Item::Instance(i) => {
                i.size.given = 1;
                i.is_host = is_root;
            }
            Item::Component(c) => c.captured.given = 1,
            Item::Function(f) => f.is_host = is_root,
            _ => {}
        }
        let mut size = kind_size(&item);
        size.own = sum(size.own, name_units(import.name.name));
        self.copy(size);
        self.push(item);
        self.item()
    }

    pub fn export(&mut self, export: &ComponentExport<'a>) -> bool {
        let item = self.find(export.kind, export.index);
        let mut size = kind_size(&item);
        size.own = sum(size.own, name_units(export.name.name));
        self.copy(size);
        self.push(item.clone());
        self.give(export.name.name, item);
        self.item()
    }

    pub fn alias(&mut self, alias: &ComponentAlias<'a>) -> bool {
        match *alias {
            ComponentAlias::InstanceExport { kind, instance_index, name } => {
                let top = self.top();
                let from = top.instances.get(instance_index as usize).cloned().unwrap_or_default();
                let mut item = match (from.exports.get(name), kind) {
                    (Some(known), _) => known.clone(),
                    (None, ComponentExternalKind::Func) => Item::Function(Function::default()),
                    (None, ComponentExternalKind::Type) => Item::Type(Type::Other(1)),
                    (None, ComponentExternalKind::Instance) => Item::Instance(Instance::default()),
                    (None, ComponentExternalKind::Component) => {
                        Item::Component(Component::default())
                    }
                    _ => Item::Other,
                };
                // In the instance's own terms; here it is at most as large as all of that.
                match &mut item {
                    Item::Instance(i) => {
                        i.size = from.size;
                        i.is_host = from.is_host;
                    }
                    Item::Component(c) => {
                        *c = Component { definition: None, captured: from.size };
                    }
                    Item::Function(f) => f.is_host = from.is_host,
                    _ => {}
                }
                self.copy(kind_size(&item));
                self.push(item);
            }
            ComponentAlias::Outer { kind, count, index } => self.alias_outer(kind, count, index),
            ComponentAlias::CoreInstanceExport { .. } => {}
        }
        self.item()
    }

    fn alias_outer(&mut self, kind: ComponentOuterAliasKind, count: u32, index: u32) {
        let depth = self.scopes.len();
        let from = (depth - 1).checked_sub(count as usize);
        let scope = from.map(|at| &self.scopes[at]);
        match kind {
            ComponentOuterAliasKind::Type => {
                let ty = scope.and_then(|s| s.types.get(index as usize)).cloned();
                self.push_type(ty.unwrap_or(Type::Other(1)), false);
            }
            ComponentOuterAliasKind::Component => {
                let known = scope.and_then(|s| s.components.get(index as usize)).cloned();
                let mut component = known.unwrap_or_default();
                if let Some(at) = from
                    && count > 0
                {
                    // The components between hold it too, and are given it with what they hold.
                    let mut held = component.captured;
                    held.own = sum(held.own, EXPORT_UNITS);
                    self.scopes[at + 1].captured.add(held);
                    for scope in &mut self.scopes[at + 2..] {
                        scope.captured.add(Sum { own: EXPORT_UNITS, given: 1 });
                    }
                    component.captured = Sum { own: 0, given: 1 };
                }
                self.copy(component.captured);
                self.push(Item::Component(component));
            }
            _ => {}
        }
    }

    // -- what is compiled and instantiated -------------------------------------------------

    pub fn canonical(&mut self, function: &CanonicalFunction) -> bool {
        let is_root = self.scopes.len() == 1;
        match *function {
            CanonicalFunction::Lift { type_index, .. } => {
                let ty = self.function_type_at(type_index);
                self.copy(Sum { own: ty.nodes, given: 0 });
                self.structure(Sum { own: LIFT, given: 0 });
                self.top().functions.push(Function { ty, is_host: false });
            }
            CanonicalFunction::Lower { func_index, .. } => {
                let known = self.top().functions.get(func_index as usize).copied();
                let function = known.unwrap_or_default();
                self.copy(Sum { own: function.ty.nodes, given: 0 });
                let needs = &mut self.top().needs;
                if is_root && function.is_host {
                    needs.trampolines += 1;
                    needs.compiled = sum(needs.compiled, TRAMPOLINE);
                } else {
                    let values = function.ty.work.min(INLINED + function.ty.shared);
                    needs.adapters += 1;
                    needs.compiled = sum(needs.compiled, ADAPTER + values);
                }
            }
            _ => {
                let needs = &mut self.top().needs;
                needs.trampolines += 1;
                needs.compiled = sum(needs.compiled, TRAMPOLINE);
            }
        }
        self.item()
    }

    pub fn core_module(&mut self, imports: u64) {
        self.most_imports = self.most_imports.max(imports);
    }

    /// Of a core module with so many imports, or of so many exports.
    pub fn core_instance(&mut self, imports: Option<u64>) {
        match imports {
            Some(count) => self.structure(Sum { own: ITEM.saturating_mul(count), given: 0 }),
            None => {
                let needs = &mut self.top().needs;
                needs.unknown_modules = sum(needs.unknown_modules, 1);
            }
        }
        self.item();
    }

    pub fn instance(&mut self, instance: &ComponentInstance<'a>) -> bool {
        match instance {
            ComponentInstance::Instantiate { component_index, args } => {
                self.instantiate(*component_index, args)
            }
            ComponentInstance::FromExports(exports) => {
                let mut all = HashMap::new();
                let mut size = Sum::default();
                let mut is_host = self.scopes.len() == 1;
                for export in exports {
                    let item = self.find(export.kind, export.index);
                    size.add(kind_size(&item));
                    size.own = sum(size.own, name_units(export.name.name));
                    is_host &= match &item {
                        Item::Function(f) => f.is_host,
                        Item::Instance(i) => i.is_host,
                        _ => true,
                    };
                    all.insert(export.name.name, item);
                    if !self.item() {
                        return false;
                    }
                }
                self.copy(size);
                self.push(Item::Instance(Instance { exports: Rc::new(all), size, is_host }));
            }
        }
        self.item()
    }

    fn instantiate(&mut self, index: u32, args: &[ComponentInstantiationArg<'a>]) {
        let known = self.top().components.get(index as usize).cloned();
        let component = known.unwrap_or_default();
        let mut given = component.captured;
        for arg in args {
            let item = self.find(arg.kind, arg.index);
            given.add(kind_size(&item));
            given.own = sum(given.own, name_units(arg.name));
            self.item();
        }
        self.copy(given);
        let needs = &mut self.top().needs;
        needs.structure.own = sum(needs.structure.own, INSTANCE);
        needs.instances = sum(needs.instances, 1);
        let Some(definition) = component.definition else {
            needs.is_unknown = true;
            self.push(Item::Instance(Instance { size: given, ..Default::default() }));
            return;
        };
        let its = &definition.needs;
        needs.structure.add(its.structure.of(given));
        needs.compiled = sum(needs.compiled, its.compiled);
        needs.adapters = sum(needs.adapters, its.adapters);
        needs.trampolines = sum(needs.trampolines, its.trampolines);
        needs.instances = sum(needs.instances, its.instances);
        needs.unknown_modules = sum(needs.unknown_modules, its.unknown_modules);
        needs.is_unknown |= its.is_unknown;
        let size = definition.size.of(given);
        let exports = definition.exports.clone();
        self.push(Item::Instance(Instance { exports, size, is_host: false }));
    }

    /// The innermost component ends. What the whole binary takes, when it is the outermost.
    pub fn end(&mut self) -> Option<Link> {
        let done = self.scopes.pop()?;
        if self.scopes.is_empty() {
            let needs = done.needs;
            let tables = needs.instances.saturating_mul(self.resources).saturating_mul(RESOURCE);
            let unknown = needs.unknown_modules.saturating_mul(self.most_imports);
            let unknown = unknown.saturating_mul(ITEM).min(ENOUGH);
            return Some(Link {
                structure: sum(sum(needs.structure.own, tables.min(ENOUGH)), unknown),
                compiled: needs.compiled,
                adapters: needs.adapters,
                trampolines: needs.trampolines,
                instances: needs.instances,
                is_unknown: needs.is_unknown,
            });
        }
        let definition = Definition {
            needs: done.needs,
            exports: Rc::new(done.exports),
            size: done.size,
        };
        let captured = done.captured;
        self.copy(captured);
        self.push(Item::Component(Component { definition: Some(Rc::new(definition)), captured }));
        self.item();
        None
    }
}
