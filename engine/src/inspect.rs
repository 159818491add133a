//! What a binary declares: memories and tables of every core module in it, what one instance of it
//! begins with, and its imports and exports as text.

use std::ffi::c_void;
use std::fmt::Write;

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind,
    ComponentTypeRef, ElementItems, ExternalKind, Instance, KnownCustom, Name, Operator, Parser, Payload, TypeRef,
};
use wasmtime::component::types::{ComponentFunc, ComponentItem, Type};
use wasmtime::{Engine, ExternType};
use wasmtime_c_api::{wasm_engine_t, wasmtime_component_t, wasmtime_error_t, wasmtime_module_t};

use crate::bhd_engine_str_t;
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
}

impl bhd_engine_totals_t {
    fn add(&mut self, other: &Self) {
        self.is_exact &= other.is_exact;
        self.memories = self.memories.saturating_add(other.memories);
        self.memory_bytes = self.memory_bytes.saturating_add(other.memory_bytes);
        self.tables = self.tables.saturating_add(other.tables);
        self.table_elements = self.table_elements.saturating_add(other.table_elements);
        self.instances = self.instances.saturating_add(other.instances);
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
}

impl Level {
    fn new(module: Option<u32>) -> Self {
        let totals = bhd_engine_totals_t { is_exact: true, instances: module.is_some() as u64, ..Default::default() };
        Level { totals, module, memories: 0, tables: 0, imports: 0, modules: Vec::new(), components: Vec::new(), signatures: Signatures::default() }
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
                        let values = top.signatures.add_type(ty);
                        nanoseconds = nanoseconds.saturating_add(work::signature(values));
                        signatures += 1;
                        signature_values += values;
                    }
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    top.signatures.add_function(ty?, false);
                }
            }
            Payload::TagSection(section) => {
                for tag in section {
                    top.signatures.add_tag(tag?.func_type_idx);
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    if export.kind == ExternalKind::Func {
                        nanoseconds = nanoseconds.saturating_add(top.signatures.add_entry(export.index));
                    }
                }
            }
            Payload::ElementSection(section) => {
                for element in section {
                    match element?.items {
                        ElementItems::Functions(functions) => {
                            for function in functions {
                                let entry = top.signatures.add_entry(function?);
                                nanoseconds = nanoseconds.saturating_add(entry);
                            }
                        }
                        ElementItems::Expressions(ty, expressions) => {
                            top.signatures.add_elements(&ty, expressions.count());
                            for expression in expressions {
                                for operator in expression?.get_operators_reader() {
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
                    match import?.ty {
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
                    top.signatures.add_global(&global?.ty.content_type, false);
                }
            }
            Payload::MemorySection(section) => {
                for ty in section {
                    extent(&top.memory(&ty?, false));
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    let ty = table?.ty;
                    top.signatures.add_table(&ty.element_type, false);
                    extent(&top.table(&ty, false));
                }
            }
            Payload::CodeSectionStart { count, .. } => functions += u64::from(count),
            Payload::CodeSectionEntry(body) => {
                largest_function_bytes = largest_function_bytes.max(body.range().len() as u64);
                let (cost, mut about) = estimate.body(&mut top.signatures, &body, metered);
                nanoseconds = nanoseconds.saturating_add(cost);
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
            Payload::ComponentTypeSection(section) => linking.types(&binary[section.range()])?,
            Payload::ComponentCanonicalSection(section) => {
                for function in section {
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
                let done = stack.pop().expect("a level is open");
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
                        return Ok(bhd_engine_totals_t {
                            is_component,
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

type Item =
    extern "C" fn(*mut c_void, bool, bhd_engine_str_t, bhd_engine_str_t, bhd_engine_str_t);

fn extern_text(ty: &ExternType) -> String {
    fn limits(text: &mut String, minimum: u64, maximum: Option<u64>) {
        let _ = match maximum {
            Some(m) => write!(text, " {minimum}..{m}"),
            None => write!(text, " {minimum}.."),
        };
    }
    let mut text = String::new();
    match ty {
        ExternType::Func(f) => {
            fn list(text: &mut String, types: &mut dyn Iterator<Item = wasmtime::ValType>) {
                for (n, ty) in types.enumerate() {
                    if text.len() > TYPE_TEXT_MAX {
                        break;
                    }
                    let _ = write!(text, "{}{ty}", if n > 0 { ", " } else { "" });
                }
            }
            text.push_str("func(");
            list(&mut text, &mut f.params());
            text.push(')');
            let many = f.results().len() > 1;
            if f.results().len() > 0 {
                text.push_str(if many { " -> (" } else { " -> " });
                list(&mut text, &mut f.results());
                text.push_str(if many { ")" } else { "" });
            }
        }
        ExternType::Global(g) => {
            let mutable = if g.mutability().is_var() { "mut " } else { "" };
            let _ = write!(text, "global {mutable}{}", g.content());
        }
        ExternType::Table(t) => {
            text.push_str("table");
            limits(&mut text, t.minimum(), t.maximum());
            let _ = write!(text, " {}", t.element());
        }
        ExternType::Memory(m) => {
            text.push_str("memory");
            limits(&mut text, m.minimum(), m.maximum());
            if m.is_64() {
                text.push_str(" i64");
            }
            if m.is_shared() {
                text.push_str(" shared");
            }
        }
        ExternType::Tag(_) => text.push_str("tag"),
    }
    text
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_module_items(
    module: *const wasmtime_module_t,
    env: *mut c_void,
    item: Item,
) {
    const _: () = assert!(size_of::<wasmtime_module_t>() == size_of::<wasmtime::Module>());
    let module = unsafe { &*(module as *const wasmtime::Module) };
    let mut texts = Texts::new();
    for i in module.imports() {
        let text = texts.take(&extern_text(&i.ty()));
        item(env, false, i.module().into(), i.name().into(), text.as_str().into());
    }
    for e in module.exports() {
        let text = texts.take(&extern_text(&e.ty()));
        item(env, true, "".into(), e.name().into(), text.as_str().into());
    }
}

/// How much of one type is written out. Types are trees of shared parts, and a small binary can
/// name one that is exponentially large as text.
const TYPE_TEXT_MAX: usize = 4096;
/// How much of all of them together, and of each one after that.
const TYPE_TEXTS_MAX: usize = 4 << 20;
const TYPE_TEXT_REST: usize = 64;

/// What a binary says once, many items may show: a type, the name of an instance.
struct Texts {
    left: usize,
}

impl Texts {
    fn new() -> Texts {
        Texts { left: TYPE_TEXTS_MAX }
    }

    fn take(&mut self, text: &str) -> String {
        if text.len() > self.left {
            return cut(text, TYPE_TEXT_REST);
        }
        self.left -= text.len();
        cut(text, TYPE_TEXT_MAX)
    }
}

fn type_text(text: &mut String, ty: &Type) {
    if text.len() > TYPE_TEXT_MAX {
        return;
    }
    fn joined<T>(text: &mut String, items: impl Iterator<Item = T>, mut one: impl FnMut(&mut String, T)) {
        for (n, i) in items.enumerate() {
            if text.len() > TYPE_TEXT_MAX {
                break;
            }
            if n > 0 {
                text.push_str(", ");
            }
            one(text, i);
        }
    }
    fn case(text: &mut String, name: &str, ty: Option<Type>) {
        text.push_str(name);
        if let Some(t) = ty {
            text.push('(');
            type_text(text, &t);
            text.push(')');
        }
    }
    match ty {
        Type::Bool => text.push_str("bool"),
        Type::S8 => text.push_str("s8"),
        Type::U8 => text.push_str("u8"),
        Type::S16 => text.push_str("s16"),
        Type::U16 => text.push_str("u16"),
        Type::S32 => text.push_str("s32"),
        Type::U32 => text.push_str("u32"),
        Type::S64 => text.push_str("s64"),
        Type::U64 => text.push_str("u64"),
        Type::Float32 => text.push_str("f32"),
        Type::Float64 => text.push_str("f64"),
        Type::Char => text.push_str("char"),
        Type::String => text.push_str("string"),
        Type::List(l) => {
            text.push_str("list<");
            type_text(text, &l.ty());
            text.push('>');
        }
        Type::FixedLengthList(l) => {
            text.push_str("list<");
            type_text(text, &l.ty());
            let _ = write!(text, ", {}>", l.len());
        }
        Type::Map(m) => {
            text.push_str("map<");
            type_text(text, &m.key());
            text.push_str(", ");
            type_text(text, &m.value());
            text.push('>');
        }
        Type::Record(r) => {
            text.push_str("record { ");
            joined(text, r.fields(), |text, f| {
                let _ = write!(text, "{}: ", f.name);
                type_text(text, &f.ty);
            });
            text.push_str(" }");
        }
        Type::Tuple(t) => {
            text.push_str("tuple<");
            joined(text, t.types(), |text, t| type_text(text, &t));
            text.push('>');
        }
        Type::Variant(v) => {
            text.push_str("variant { ");
            joined(text, v.cases(), |text, c| case(text, c.name, c.ty));
            text.push_str(" }");
        }
        Type::Enum(e) => {
            text.push_str("enum { ");
            joined(text, e.names(), |text, n| text.push_str(n));
            text.push_str(" }");
        }
        Type::Flags(f) => {
            text.push_str("flags { ");
            joined(text, f.names(), |text, n| text.push_str(n));
            text.push_str(" }");
        }
        Type::Option(o) => {
            text.push_str("option<");
            type_text(text, &o.ty());
            text.push('>');
        }
        Type::Result(r) => {
            text.push_str("result");
            match (r.ok(), r.err()) {
                (None, None) => {}
                (Some(ok), None) => {
                    text.push('<');
                    type_text(text, &ok);
                    text.push('>');
                }
                (ok, Some(err)) => {
                    text.push('<');
                    match ok {
                        Some(ok) => type_text(text, &ok),
                        None => text.push('_'),
                    }
                    text.push_str(", ");
                    type_text(text, &err);
                    text.push('>');
                }
            }
        }
        Type::Own(_) => text.push_str("own<resource>"),
        Type::Borrow(_) => text.push_str("borrow<resource>"),
        Type::Future(_) => text.push_str("future"),
        Type::Stream(_) => text.push_str("stream"),
        Type::ErrorContext => text.push_str("error-context"),
    }
}

fn func_text(f: &ComponentFunc) -> String {
    let mut text = String::from(if f.async_() { "async func(" } else { "func(" });
    for (n, (name, ty)) in f.params().enumerate() {
        if text.len() > TYPE_TEXT_MAX {
            break;
        }
        let _ = write!(text, "{}{name}: ", if n > 0 { ", " } else { "" });
        type_text(&mut text, &ty);
    }
    text.push(')');
    if let Some(result) = f.results().next() {
        text.push_str(" -> ");
        type_text(&mut text, &result);
    }
    cut(&text, TYPE_TEXT_MAX)
}

fn cut(text: &str, size: usize) -> String {
    match text.len() <= size {
        true => text.to_owned(),
        false => format!("{} ...", &text[..text.floor_char_boundary(size)]),
    }
}

fn component_item(
    engine: &Engine,
    name: &str,
    ty: ComponentItem,
    names: &mut Texts,
    one: &mut dyn FnMut(&str, &str),
) {
    let text = match &ty {
        ComponentItem::ComponentFunc(f) => func_text(f),
        ComponentItem::CoreFunc(f) => extern_text(&ExternType::Func(f.clone())),
        ComponentItem::Module(_) => "core module".to_string(),
        ComponentItem::Component(_) => "component".to_string(),
        ComponentItem::ComponentInstance(_) => "instance".to_string(),
        ComponentItem::Type(_) => "type".to_string(),
        ComponentItem::Resource(_) => "resource".to_string(),
    };
    one(name, &text);
    if let ComponentItem::ComponentInstance(instance) = ty {
        for (inner, e) in instance.exports(engine) {
            if let ComponentItem::ComponentFunc(f) = &e.ty {
                one(&format!("{}#{}", names.take(name), cut(inner, TYPE_TEXT_MAX)), &func_text(f));
            }
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_component_items(
    component: *const wasmtime_component_t,
    engine: *const wasm_engine_t,
    env: *mut c_void,
    item: Item,
) {
    let component = unsafe { &*(component as *const wasmtime::component::Component) };
    let engine = unsafe { &*(engine as *const Engine) };
    let ty = component.component_type();
    let (mut texts, mut names) = (Texts::new(), Texts::new());
    let mut give = |exported, name: &str, text: &str| {
        let text = texts.take(text);
        item(env, exported, "".into(), name.into(), text.as_str().into())
    };
    for (name, e) in ty.imports(engine) {
        component_item(engine, name, e.ty, &mut names, &mut |n, t| give(false, n, t));
    }
    for (name, e) in ty.exports(engine) {
        component_item(engine, name, e.ty, &mut names, &mut |n, t| give(true, n, t));
    }
}
