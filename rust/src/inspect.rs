//! What a binary declares: memories and tables of every core module in it, what one instance of it
//! begins with and holds, and what of it the engine's compiler cannot bear.
//!
//! One pass over the bytes, which recurs nowhere. What a component makes is known where it ends, and
//! added where it is instantiated, so that neither time nor memory grow with the instances. What
//! comes from outside of a component is not looked for: core modules count as the largest that there
//! is, components as unbounded.

use std::ffi::c_void;

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind, Encoding,
    ExternalKind, Instance, KnownCustom, MemoryType, Name, Parser, Payload, TableType, TypeRef,
};
use wasmtime_c_api::wasmtime_error_t;

use crate::footprint::{self, Held, bhd_engine_accesses_t};
use crate::nesting;

#[repr(C)]
pub struct bhd_engine_extent_t {
    module: u32,
    index: u32,
    imported: bool,
    minimum: u64,
    maximum: u64,
    has_maximum: bool,
    page_bytes: u64,
    is_64: bool,
    is_shared: bool,
}

#[repr(C)]
#[derive(Default)]
pub struct bhd_engine_totals_t {
    is_exact: bool,
    memories: u64,
    memory_bytes: u64,
    tables: u64,
    table_elements: u64,
    instances: u64,
    needs_heap: bool,
    functions: u64,
    largest_function_bytes: u64,
    is_nested_too_deep: bool,
    is_unbounded: bool,
    held: Held,
    accesses: bhd_engine_accesses_t,
}

/// What one instance of a core module or component makes.
#[derive(Default)]
struct Needs {
    memories: u64,
    memory_bytes: u64,
    tables: u64,
    table_elements: u64,
    instances: u64,
    held: Held,
    /// Instances of core modules that come from outside.
    unknown: u64,
    /// Makes an instance of a component that comes from outside.
    is_unbounded: bool,
}

impl Needs {
    fn add(&mut self, other: &Self) {
        let sum = |to: &mut u64, more: u64| *to = to.saturating_add(more);
        sum(&mut self.memories, other.memories);
        sum(&mut self.memory_bytes, other.memory_bytes);
        sum(&mut self.tables, other.tables);
        sum(&mut self.table_elements, other.table_elements);
        sum(&mut self.instances, other.instances);
        sum(&mut self.unknown, other.unknown);
        footprint::add(&mut self.held, &other.held);
        self.is_unbounded |= other.is_unbounded;
    }
}

/// In an index space: a number among those that are defined, or it is imported or comes out of an
/// instance, so that nobody knows which it is.
type Defined = Option<u32>;

fn at(space: &[Defined], index: u32) -> Defined {
    space.get(index as usize).copied().flatten()
}

/// One component or core module that is being read.
struct Level {
    needs: Needs,
    module: Option<u32>,
    memories: u32,
    tables: u32,
    core_modules: Vec<Defined>,
    components: Vec<Defined>,
    /// What an instance holds, of a core module and of a component.
    held: footprint::Module,
    linked: footprint::Component,
}

impl Level {
    fn new(module: Option<u32>, is_outermost: bool) -> Self {
        Level {
            needs: Needs { instances: module.is_some().into(), ..Default::default() },
            module,
            memories: 0,
            tables: 0,
            core_modules: Vec::new(),
            components: Vec::new(),
            held: footprint::Module::default(),
            linked: footprint::Component::new(is_outermost),
        }
    }

    fn space(&mut self, kind: ComponentExternalKind) -> Option<&mut Vec<Defined>> {
        match kind {
            ComponentExternalKind::Module => Some(&mut self.core_modules),
            ComponentExternalKind::Component => Some(&mut self.components),
            _ => None,
        }
    }

    fn memory(&mut self, ty: &MemoryType, imported: bool) -> bhd_engine_extent_t {
        let page_bytes = ty.page_size_log2.map_or(65536, |log2| 1u64.checked_shl(log2).unwrap_or(0));
        let index = self.memories;
        self.memories += 1;
        if !imported {
            self.needs.memories += 1;
            let bytes = ty.initial.saturating_mul(page_bytes);
            self.needs.memory_bytes = self.needs.memory_bytes.saturating_add(bytes);
        }
        bhd_engine_extent_t {
            module: self.module.unwrap_or(0),
            index,
            imported,
            minimum: ty.initial,
            maximum: ty.maximum.unwrap_or(0),
            has_maximum: ty.maximum.is_some(),
            page_bytes,
            is_64: ty.memory64,
            is_shared: ty.shared,
        }
    }

    fn table(&mut self, ty: &TableType, imported: bool) -> bhd_engine_extent_t {
        let index = self.tables;
        self.tables += 1;
        if !imported {
            self.needs.tables += 1;
            self.needs.table_elements = self.needs.table_elements.saturating_add(ty.initial);
        }
        bhd_engine_extent_t {
            module: self.module.unwrap_or(0),
            index,
            imported,
            minimum: ty.initial,
            maximum: ty.maximum.unwrap_or(0),
            has_maximum: ty.maximum.is_some(),
            page_bytes: 0,
            is_64: ty.table64,
            is_shared: ty.shared,
        }
    }
}

/// What has been found out about the whole binary.
#[derive(Default)]
struct Found {
    core_modules: Vec<Needs>,
    components: Vec<Needs>,
    /// Of each part the most that an instance of one of its core modules holds.
    most: Held,
    modules: u32,
    functions: u64,
    largest_function_bytes: u64,
    /// All core modules of a component are compiled together, and if one needs it, all do.
    needs_heap: bool,
    accesses: bhd_engine_accesses_t,
}

impl Found {
    fn totals(self, needs: Needs) -> bhd_engine_totals_t {
        let mut held = needs.held;
        footprint::add_times(&mut held, &self.most, needs.unknown);
        let instances = needs.instances.saturating_add(needs.unknown);
        bhd_engine_totals_t {
            is_exact: needs.unknown == 0 && !needs.is_unbounded,
            memories: needs.memories,
            memory_bytes: needs.memory_bytes,
            tables: needs.tables,
            table_elements: needs.table_elements,
            instances,
            needs_heap: self.needs_heap && instances > 0,
            functions: self.functions,
            largest_function_bytes: self.largest_function_bytes,
            is_nested_too_deep: false,
            is_unbounded: needs.is_unbounded,
            held,
            accesses: self.accesses,
        }
    }

    /// It ends: what is around it can instantiate it from here on.
    fn end_inner(&mut self, done: Level, around: &mut Level) {
        let (space, all) = if done.module.is_some() {
            (&mut around.core_modules, &mut self.core_modules)
        } else {
            (&mut around.components, &mut self.components)
        };
        space.push(Some(all.len() as u32));
        all.push(done.needs);
    }
}

fn alias(stack: &mut [Level], alias: &ComponentAlias<'_>) {
    let depth = stack.len();
    let (kind, same) = match *alias {
        ComponentAlias::InstanceExport { kind, .. } => (kind, None),
        ComponentAlias::Outer { kind, count, index } => {
            let kind = match kind {
                ComponentOuterAliasKind::CoreModule => ComponentExternalKind::Module,
                ComponentOuterAliasKind::Component => ComponentExternalKind::Component,
                _ => return,
            };
            let from = (depth - 1).checked_sub(count as usize);
            let same = match from {
                Some(level) => stack[level].space(kind).and_then(|space| at(space, index)),
                None => None,
            };
            (kind, same)
        }
        ComponentAlias::CoreInstanceExport { .. } => return,
    };
    let top = &mut stack[depth - 1];
    top.linked.add_alias(alias);
    if let Some(space) = top.space(kind) {
        space.push(same);
    }
}

fn walk(
    binary: &[u8],
    max_nesting: usize,
    extent: &mut dyn FnMut(&bhd_engine_extent_t),
) -> wasmtime::Result<bhd_engine_totals_t> {
    let too_deep = bhd_engine_totals_t { is_nested_too_deep: true, ..Default::default() };
    let mut stack: Vec<Level> = Vec::new();
    let mut found = Found::default();
    for payload in Parser::new(0).parse_all(binary) {
        let payload = payload?;
        if let Payload::Version { encoding, .. } = payload {
            let module = (encoding == Encoding::Module).then_some(found.modules);
            found.modules += u32::from(module.is_some());
            if module.is_none() && stack.len() >= max_nesting {
                return Ok(too_deep);
            }
            stack.push(Level::new(module, stack.is_empty()));
            continue;
        }
        let depth = stack.len();
        let Some(top) = stack.last_mut() else { continue };
        match payload {
            Payload::TypeSection(section) => {
                for group in section {
                    for ty in group?.types() {
                        top.held.add_type(ty);
                    }
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    top.held.add_function(ty?);
                }
            }
            Payload::TagSection(section) => {
                for tag in section {
                    tag?;
                    top.held.add_tag();
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    if export.kind == ExternalKind::Func {
                        top.held.add_escaping(export.index);
                    }
                }
            }
            Payload::ElementSection(section) => {
                for element in section {
                    top.held.add_element(&element?)?;
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    top.held.add_import(&import.ty);
                    match import.ty {
                        TypeRef::Memory(ty) => extent(&top.memory(&ty, true)),
                        TypeRef::Table(ty) => extent(&top.table(&ty, true)),
                        _ => {}
                    }
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    top.held.add_global(&global?);
                }
            }
            Payload::MemorySection(section) => {
                for ty in section {
                    top.held.add_memory();
                    extent(&top.memory(&ty?, false));
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    let table = table?;
                    top.held.add_table(&table);
                    extent(&top.table(&table.ty, false));
                }
            }
            Payload::DataSection(section) => {
                for data in section {
                    top.held.add_data(&data?);
                }
            }
            Payload::CodeSectionStart { count, .. } => found.functions += u64::from(count),
            Payload::CodeSectionEntry(body) => {
                let bytes = body.range().len() as u64;
                found.largest_function_bytes = found.largest_function_bytes.max(bytes);
                let its = top.held.add_body(&body);
                found.accesses.or(bhd_engine_accesses_t { module: top.module.unwrap_or(0), ..its });
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    let import = import?;
                    top.linked.add_import(&import);
                    if let Some(space) = top.space(import.ty.kind()) {
                        space.push(None);
                    }
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export?;
                    top.linked.add_export(&export);
                    if let Some(space) = top.space(export.kind) {
                        space.push(at(space, export.index));
                    }
                }
            }
            Payload::ComponentAliasSection(section) => {
                for item in section {
                    alias(&mut stack, &item?);
                }
            }
            Payload::ComponentTypeSection(section) => {
                if nesting::is_too_deep(&binary[section.range()], depth, max_nesting)? {
                    return Ok(too_deep);
                }
                top.linked.add_types(section)?;
            }
            Payload::ComponentCanonicalSection(section) => {
                for function in section {
                    top.linked.add_canonical(&function?);
                }
            }
            Payload::InstanceSection(section) => {
                for instance in section {
                    let Instance::Instantiate { module_index, .. } = instance? else { continue };
                    match at(&top.core_modules, module_index) {
                        Some(known) => top.needs.add(&found.core_modules[known as usize]),
                        None => top.needs.unknown = top.needs.unknown.saturating_add(1),
                    }
                }
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section {
                    let instance = instance?;
                    top.linked.add_instance(&instance);
                    let ComponentInstance::Instantiate { component_index, .. } = instance else {
                        continue;
                    };
                    match at(&top.components, component_index) {
                        Some(known) => top.needs.add(&found.components[known as usize]),
                        None => top.needs.is_unbounded = true,
                    }
                }
            }
            Payload::End(_) => {
                let mut done = stack.pop().expect("a level is open");
                if let Some(module) = done.module {
                    let (held, set_up) = done.held.end();
                    found.needs_heap |= done.held.needs_heap();
                    found.accesses.or(bhd_engine_accesses_t { module, ..set_up });
                    footprint::most(&mut found.most, &held);
                    done.needs.held = held;
                } else {
                    footprint::add(&mut done.needs.held, &done.linked.end());
                }
                match stack.last_mut() {
                    Some(around) => found.end_inner(done, around),
                    None => return Ok(found.totals(done.needs)),
                }
            }
            _ => {}
        }
    }
    Err(wasmtime::Error::msg("the binary ends too early"))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_extents(
    binary: *const u8,
    size: usize,
    max_nesting: usize,
    env: *mut c_void,
    extent: extern "C" fn(*mut c_void, *const bhd_engine_extent_t),
    totals: *mut bhd_engine_totals_t,
) -> Option<Box<wasmtime_error_t>> {
    match walk(unsafe { crate::bytes(binary, size) }, max_nesting, &mut |e| extent(env, e)) {
        Ok(t) => {
            unsafe { *totals = t };
            None
        }
        Err(e) => Some(Box::new(e.into())),
    }
}

/// From the name section of the module; an export's name would do as well but is seldom another.
fn function_name(binary: &[u8], module: u32, index: u32) -> Option<&str> {
    let mut modules = 0u32;
    let mut stack = Vec::new();
    for payload in Parser::new(0).parse_all(binary) {
        match payload.ok()? {
            Payload::Version { encoding, .. } => {
                let is_module = encoding == wasmparser::Encoding::Module;
                stack.push(is_module.then_some(modules));
                modules += is_module as u32;
            }
            Payload::End(_) => {
                stack.pop();
            }
            Payload::CustomSection(section) if stack.last() == Some(&Some(module)) => {
                let KnownCustom::Name(names) = section.as_known() else { continue };
                for part in names {
                    let Ok(Name::Function(functions)) = part else { continue };
                    for naming in functions {
                        let naming = naming.ok()?;
                        if naming.index == index {
                            return Some(naming.name);
                        }
                    }
                }
            }
            _ => {}
        }
    }
    None
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_function_name(
    binary: *const u8,
    size: usize,
    module: u32,
    index: u32,
    buffer: *mut u8,
    capacity: usize,
) -> usize {
    match function_name(unsafe { crate::bytes(binary, size) }, module, index) {
        Some(name) => unsafe { crate::copy_out(name, buffer, capacity) },
        None => 0,
    }
}

/// Valid if every proposal that the parser knows were on: then what refused it was our choice.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_valid_with_everything(binary: *const u8, size: usize) -> bool {
    let features = wasmparser::WasmFeatures::all();
    wasmparser::Validator::new_with_features(features)
        .validate_all(unsafe { crate::bytes(binary, size) })
        .is_ok()
}
