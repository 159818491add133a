//! What a binary declares: memories and tables of every core module in it, what one instance of it
//! begins with and holds, and what compiling it takes.

use std::ffi::c_void;

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind,
    ComponentTypeRef, ElementItems, ExternalKind, Instance, KnownCustom, Name, Operator, Parser, Payload, TypeRef,
};
use wasmtime_c_api::wasmtime_error_t;

use crate::footprint::{self, Held, bhd_engine_accesses_t};
use crate::linking::{self, Linking};
use crate::work::{self, Estimate, Signatures, bhd_engine_function_t};

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
#[derive(Clone, Copy, Default)]
pub struct bhd_engine_totals_t {
    is_component: bool,
    is_exact: bool,
    memories: u64,
    memory_bytes: u64,
    tables: u64,
    table_elements: u64,
    instances: u64,
    needs_heap: bool,
    functions: u64,
    largest_function_bytes: u64,
    compile_work: u64,
    linking_work: u64,
    adapters: u64,
    trampolines: u64,
    component_instances: u64,
    is_nested_too_deep: bool,
    is_unbounded: bool,
    signatures: u64,
    signature_values: u64,
    heaviest: bhd_engine_function_t,
    held: Held,
    accesses: bhd_engine_accesses_t,
}

impl bhd_engine_totals_t {
    fn add(&mut self, other: &Self) {
        self.is_exact &= other.is_exact;
        self.memories = self.memories.saturating_add(other.memories);
        self.memory_bytes = self.memory_bytes.saturating_add(other.memory_bytes);
        self.tables = self.tables.saturating_add(other.tables);
        self.table_elements = self.table_elements.saturating_add(other.table_elements);
        self.instances = self.instances.saturating_add(other.instances);
        footprint::add(&mut self.held, &other.held);
    }
}

#[derive(Clone, Copy)]
struct CoreModule {
    totals: bhd_engine_totals_t,
    imports: u64,
}

/// One component or core module that is being read. A component can only be instantiated after its
/// definition, so what an instance of it needs is known by then.
struct Level {
    totals: bhd_engine_totals_t,
    module: Option<u32>,
    memories: u32,
    tables: u32,
    imports: u64,
    /// Index spaces; `None` is imported or comes out of an instance, so its needs are unknown.
    modules: Vec<Option<CoreModule>>,
    components: Vec<Option<bhd_engine_totals_t>>,
    signatures: Signatures,
    /// What an instance holds, of a core module and of a component.
    held: footprint::Module,
    linked: footprint::Component,
}

impl Level {
    fn new(module: Option<u32>) -> Self {
        let totals = bhd_engine_totals_t { is_exact: true, instances: module.is_some() as u64, ..Default::default() };
        Level {
            totals,
            module,
            memories: 0,
            tables: 0,
            imports: 0,
            modules: Vec::new(),
            components: Vec::new(),
            signatures: Signatures::default(),
            held: footprint::Module::default(),
            linked: footprint::Component::default(),
        }
    }

    fn instantiate(&mut self, what: Option<bhd_engine_totals_t>) {
        match what {
            Some(needs) => self.totals.add(&needs),
            None => self.totals.is_exact = false,
        }
    }

    fn memory(&mut self, ty: &wasmparser::MemoryType, imported: bool) -> bhd_engine_extent_t {
        let page_bytes = ty.page_size_log2.map_or(65536, |log2| 1u64.checked_shl(log2).unwrap_or(0));
        let index = self.memories;
        self.memories += 1;
        if !imported {
            self.totals.memories += 1;
            let bytes = ty.initial.saturating_mul(page_bytes);
            self.totals.memory_bytes = self.totals.memory_bytes.saturating_add(bytes);
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

    fn table(&mut self, ty: &wasmparser::TableType, imported: bool) -> bhd_engine_extent_t {
        let index = self.tables;
        self.tables += 1;
        if !imported {
            self.totals.tables += 1;
            self.totals.table_elements = self.totals.table_elements.saturating_add(ty.initial);
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

fn walk<'a>(
    binary: &'a [u8],
    metered: bool,
    extent: &mut dyn FnMut(&bhd_engine_extent_t),
) -> wasmtime::Result<bhd_engine_totals_t> {
    let mut stack: Vec<Level> = Vec::new();
    let mut modules = 0;
    let mut is_component = false;
    // What is compiled, however often it is instantiated.
    let (mut functions, mut largest_function_bytes) = (0u64, 0u64);
    let mut nanoseconds = 0u64;
    let (mut signatures, mut signature_values) = (0u64, 0u64);
    let mut needs_heap = false;
    let mut heaviest = bhd_engine_function_t::default();
    let mut accesses = bhd_engine_accesses_t::default();
    let mut estimate = Estimate::default();
    let mut linking = Linking::default();
    for payload in Parser::new(0).parse_all(binary) {
        let payload = payload?;
        if let Payload::Version { encoding, .. } = payload {
            if stack.is_empty() {
                is_component = encoding == wasmparser::Encoding::Component;
            }
            let module = (encoding == wasmparser::Encoding::Module).then(|| {
                modules += 1;
                modules - 1
            });
            if module.is_none() {
                linking.begin();
            }
            stack.push(Level::new(module));
            if !linking.is_over() {
                continue;
            }
        }
        if linking.is_over() {
            // It is refused for this; the rest is not read.
            return Ok(bhd_engine_totals_t {
                is_component,
                is_nested_too_deep: linking.is_too_deep,
                linking_work: linking::ENOUGH / 1000,
                compile_work: linking::ENOUGH / 1000,
                ..Default::default()
            });
        }
        let depth = stack.len();
        let Some(top) = stack.last_mut() else { continue };
        match payload {
            Payload::TypeSection(section) => {
                for group in section {
                    for ty in group?.into_types() {
                        top.held.add_type(&ty);
                        let values = top.signatures.add_type(ty);
                        nanoseconds = nanoseconds.saturating_add(work::signature(values));
                        signatures += 1;
                        signature_values += values;
                    }
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    let ty = ty?;
                    top.signatures.add_function(ty, false);
                    top.held.add_function(ty);
                }
            }
            Payload::TagSection(section) => {
                for tag in section {
                    top.signatures.add_tag(tag?.func_type_idx);
                    top.held.add_tag();
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    if export.kind == ExternalKind::Func {
                        top.held.add_escaping(export.index);
                        nanoseconds = nanoseconds.saturating_add(top.signatures.add_entry(export.index));
                    }
                }
            }
            Payload::ElementSection(section) => {
                for element in section {
                    let element = element?;
                    let count = match &element.items {
                        ElementItems::Functions(functions) => functions.count(),
                        ElementItems::Expressions(_, expressions) => expressions.count(),
                    };
                    top.held.add_elements(&element.kind, count);
                    match element.items {
                        ElementItems::Functions(functions) => {
                            for function in functions {
                                let function = function?;
                                top.held.add_escaping(function);
                                let entry = top.signatures.add_entry(function);
                                nanoseconds = nanoseconds.saturating_add(entry);
                            }
                        }
                        ElementItems::Expressions(ty, expressions) => {
                            top.signatures.add_elements(&ty, expressions.count());
                            for expression in expressions {
                                let expression = expression?;
                                top.held.add_expression(&expression);
                                for operator in expression.get_operators_reader() {
                                    if let Operator::RefFunc { function_index } = operator? {
                                        let entry = top.signatures.add_entry(function_index);
                                        nanoseconds = nanoseconds.saturating_add(entry);
                                    }
                                }
                            }
                        }
                    }
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    top.imports += 1;
                    let import = import?;
                    top.held.add_import(&import.ty);
                    match import.ty {
                        TypeRef::Func(ty) | TypeRef::FuncExact(ty) => {
                            top.signatures.add_function(ty, true);
                            nanoseconds = nanoseconds.saturating_add(work::signature(0));
                        }
                        TypeRef::Tag(tag) => top.signatures.add_tag(tag.func_type_idx),
                        TypeRef::Memory(ty) => extent(&top.memory(&ty, true)),
                        TypeRef::Table(ty) => {
                            top.signatures.add_table(&ty.element_type, true);
                            extent(&top.table(&ty, true));
                        }
                        TypeRef::Global(ty) => top.signatures.add_global(&ty.content_type, true),
                    }
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    let global = global?;
                    top.signatures.add_global(&global.ty.content_type, false);
                    top.held.add_global(&global);
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
                    let ty = table.ty;
                    top.signatures.add_table(&ty.element_type, false);
                    extent(&top.table(&ty, false));
                }
            }
            Payload::DataSection(section) => {
                for data in section {
                    top.held.add_data(&data?);
                }
            }
            Payload::CodeSectionStart { count, .. } => functions += u64::from(count),
            Payload::CodeSectionEntry(body) => {
                largest_function_bytes = largest_function_bytes.max(body.range().len() as u64);
                let (cost, mut about) = estimate.body(&mut top.signatures, &body, metered);
                nanoseconds = nanoseconds.saturating_add(cost);
                let its = top.held.add_body(&body);
                accesses.or(bhd_engine_accesses_t { module: top.module.unwrap_or(0), ..its });
                if about.work >= heaviest.work {
                    about.module = top.module.unwrap_or(0);
                    heaviest = about;
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    let import = import?;
                    if !linking.import(&import) {
                        break;
                    }
                    top.linked.add_import(&import);
                    match import.ty {
                        ComponentTypeRef::Module(_) => top.modules.push(None),
                        ComponentTypeRef::Component(_) => top.components.push(None),
                        _ => {}
                    }
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export?;
                    if !linking.export(&export) {
                        break;
                    }
                    let index = export.index as usize;
                    match export.kind {
                        ComponentExternalKind::Module => {
                            let same = top.modules.get(index).copied().flatten();
                            top.modules.push(same);
                        }
                        ComponentExternalKind::Component => {
                            let same = top.components.get(index).copied().flatten();
                            top.components.push(same);
                        }
                        _ => {}
                    }
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    let alias = alias?;
                    if !linking.alias(&alias) {
                        break;
                    }
                    match alias {
                        ComponentAlias::InstanceExport { kind: ComponentExternalKind::Module, .. } => {
                            stack[depth - 1].modules.push(None)
                        }
                        ComponentAlias::InstanceExport {
                            kind: ComponentExternalKind::Component, ..
                        } => stack[depth - 1].components.push(None),
                        ComponentAlias::Outer { kind, count, index } => {
                            let from = (depth - 1).checked_sub(count as usize).map(|at| &stack[at]);
                            let index = index as usize;
                            match kind {
                                ComponentOuterAliasKind::CoreModule => {
                                    let same = from.and_then(|l| l.modules.get(index).copied()).flatten();
                                    stack[depth - 1].modules.push(same);
                                }
                                ComponentOuterAliasKind::Component => {
                                    let same =
                                        from.and_then(|l| l.components.get(index).copied()).flatten();
                                    stack[depth - 1].components.push(same);
                                }
                                _ => {}
                            }
                        }
                        _ => {}
                    }
                }
            }
            Payload::ComponentTypeSection(section) => {
                linking.types(&binary[section.range()])?;
                if !linking.is_over() {
                    top.linked.add_types(section)?;
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                for function in section {
                    top.linked.add_canonical();
                    if !linking.canonical(&function?) {
                        break;
                    }
                }
            }
            Payload::InstanceSection(section) => {
                for instance in section {
                    match instance? {
                        Instance::Instantiate { module_index, .. } => {
                            let what = top.modules.get(module_index as usize).copied().flatten();
                            linking.core_instance(what.map(|m| m.imports));
                            top.instantiate(what.map(|m| m.totals));
                        }
                        Instance::FromExports(exports) => {
                            linking.core_instance(Some(exports.len() as u64))
                        }
                    }
                    if linking.is_over() {
                        break;
                    }
                }
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section {
                    let instance = instance?;
                    if !linking.instance(&instance) {
                        break;
                    }
                    if let ComponentInstance::Instantiate { component_index, .. } = instance {
                        let what = top.components.get(component_index as usize).copied();
                        top.instantiate(what.flatten());
                    }
                }
            }
            Payload::End(_) => {
                let mut done = stack.pop().expect("a level is open");
                if let Some(module) = done.module {
                    let (held, set_up) = done.held.end();
                    done.totals.held = held;
                    accesses.or(bhd_engine_accesses_t { module, ..set_up });
                } else {
                    footprint::add(&mut done.totals.held, &done.linked.end());
                }
                // All modules of a component are compiled together, and if one needs it, all do.
                needs_heap |= done.signatures.needs_heap;
                let link = if done.module.is_none() { linking.end() } else { None };
                match stack.last_mut() {
                    Some(parent) if done.module.is_some() => {
                        linking.core_module(done.imports);
                        let (totals, imports) = (done.totals, done.imports);
                        parent.modules.push(Some(CoreModule { totals, imports }));
                    }
                    Some(parent) => parent.components.push(Some(done.totals)),
                    None => {
                        let link = link.unwrap_or_default();
                        let compiled = if metered { link.compiled / 2 * 3 } else { link.compiled };
                        for more in [link.structure, compiled] {
                            nanoseconds = nanoseconds.saturating_add(more);
                        }
                        footprint::add(&mut done.totals.held, &footprint::adapters(link.adapters));
                        return Ok(bhd_engine_totals_t {
                            is_component,
                            accesses,
                            needs_heap: needs_heap && done.totals.instances > 0,
                            functions,
                            largest_function_bytes,
                            compile_work: nanoseconds.div_ceil(1000),
                            linking_work: link.structure.div_ceil(1000),
                            adapters: link.adapters,
                            trampolines: link.trampolines,
                            component_instances: link.instances,
                            is_unbounded: link.is_unknown,
                            signatures,
                            signature_values,
                            heaviest,
                            ..done.totals
                        });
                    }
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
    metered: bool,
    env: *mut c_void,
    extent: extern "C" fn(*mut c_void, *const bhd_engine_extent_t),
    totals: *mut bhd_engine_totals_t,
) -> Option<Box<wasmtime_error_t>> {
    match walk(unsafe { crate::bytes(binary, size) }, metered, &mut |e| extent(env, e)) {
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
