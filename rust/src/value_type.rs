//! The functions of a component with their types, as trees that C owns and reads.
//!
//! A type in a binary may be used many times over, so that a small binary can describe a tree of
//! exponential size: the nodes of one component are counted, and the bytes of the names in them, and
//! a function whose type does not fit any more is told without it.

use std::collections::HashMap;
use std::ffi::{c_char, c_void};
use std::ptr::null_mut;

use wasmtime::Engine;
use wasmtime::component::types::{ComponentFunc, ComponentItem, Type};
use wasmtime::component::{Component, ResourceType};
use wasmtime_c_api::{wasm_engine_t, wasmtime_component_t};

use crate::bhd_engine_str_t;
use crate::type_node::{Node, Part};
use crate::value::{FLAGS_MAX, allocate, heap, kind};

#[repr(C)]
#[derive(Clone, Copy)]
pub struct bhd_engine_type_bounds_t {
    nodes: usize,
    /// Each use of a type has its names for itself.
    name_bytes: usize,
    depth: u32,
}

/// Why a function has no type here.
pub enum Lack {
    Memory,
    Large,
    Unsupported,
}

type Made<T> = Result<T, Lack>;

/// The types of resources of a component, in the order in which they come first, each with the name
/// that it has there. They can be compared and printed, so what they print finds them.
#[derive(Default)]
struct Resources {
    list: Vec<(ResourceType, String)>,
    places: HashMap<String, usize>,
}

impl Resources {
    fn place(&self, ty: ResourceType) -> Option<usize> {
        self.places.get(&format!("{ty:?}")).copied().filter(|n| self.list[*n].0 == ty)
    }

    fn add(&mut self, ty: ResourceType, name: &str) {
        if self.place(ty).is_none() {
            self.places.insert(format!("{ty:?}"), self.list.len());
            self.list.push((ty, name.to_string()));
        }
    }
}

struct Reader<'a> {
    resources: &'a Resources,
    bounds: bhd_engine_type_bounds_t,
    nodes: usize,
    name_bytes: usize,
    depth: u32,
}

/// A node on its way to C.
struct Owned(*mut Node);

impl Owned {
    fn take(self) -> *mut Node {
        let node = self.0;
        std::mem::forget(self);
        node
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        (heap().free_type)(self.0);
    }
}

fn text(bytes: &str) -> Made<*mut c_char> {
    let data = allocate::<u8>(bytes.len(), 1).map_err(|_| Lack::Memory)?;
    unsafe {
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), data, bytes.len());
        data.add(bytes.len()).write(0);
    }
    Ok(data.cast())
}

impl Reader<'_> {
    fn text(&mut self, name: &str) -> Made<*mut c_char> {
        self.name_bytes += name.len();
        if self.name_bytes > self.bounds.name_bytes { Err(Lack::Large) } else { text(name) }
    }

    fn node(&mut self, kind: u32, count: usize) -> Made<Owned> {
        self.nodes += 1 + count;
        if self.nodes > self.bounds.nodes {
            return Err(Lack::Large);
        }
        let parts = if count == 0 {
            null_mut()
        } else {
            let parts = allocate::<Part>(count, 0).map_err(|_| Lack::Memory)?;
            for n in 0..count {
                unsafe { parts.add(n).write(Part { name: null_mut(), node: null_mut() }) };
            }
            parts
        };
        let Ok(node) = allocate::<Node>(1, 0) else {
            // Goes with a node that lives on this stack.
            let mut alone = Node { kind, count: count as u32, parts, name: null_mut(), resource: 0, is_shared: 1 };
            (heap().free_type)(&mut alone);
            return Err(Lack::Memory);
        };
        let fresh = Node { kind, count: count as u32, parts, name: null_mut(), resource: 0, is_shared: 0 };
        unsafe { node.write(fresh) };
        Ok(Owned(node))
    }

    fn part(&mut self, node: &Owned, n: usize, name: Option<&str>, ty: Option<Type>) -> Made<()> {
        let part = unsafe { &mut *(*node.0).parts.add(n) };
        if let Some(name) = name {
            part.name = self.text(name)?;
        }
        if let Some(ty) = ty {
            part.node = self.read(&ty)?;
        }
        Ok(())
    }

    fn resource(&mut self, kind: u32, ty: ResourceType) -> Made<Owned> {
        let node = self.node(kind, 0)?;
        let resources = self.resources;
        if let Some(n) = resources.place(ty) {
            unsafe {
                (*node.0).resource = n as u32 + 1;
                (*node.0).name = self.text(&resources.list[n].1)?;
            }
        }
        Ok(node)
    }

    fn read(&mut self, ty: &Type) -> Made<*mut Node> {
        self.depth += 1;
        if self.depth > self.bounds.depth {
            return Err(Lack::Large);
        }
        let node = self.read_node(ty)?;
        self.depth -= 1;
        Ok(node.take())
    }

    fn read_node(&mut self, ty: &Type) -> Made<Owned> {
        let simple = match ty {
            Type::Bool => kind::BOOL,
            Type::S8 => kind::S8,
            Type::U8 => kind::U8,
            Type::S16 => kind::S16,
            Type::U16 => kind::U16,
            Type::S32 => kind::S32,
            Type::U32 => kind::U32,
            Type::S64 => kind::S64,
            Type::U64 => kind::U64,
            Type::Float32 => kind::F32,
            Type::Float64 => kind::F64,
            Type::Char => kind::CHAR,
            Type::String => kind::STRING,
            _ => return self.read_compound(ty),
        };
        self.node(simple, 0)
    }

    fn read_compound(&mut self, ty: &Type) -> Made<Owned> {
        let node;
        match ty {
            Type::List(list) => {
                node = self.node(kind::LIST, 1)?;
                self.part(&node, 0, None, Some(list.ty()))?;
            }
            Type::Record(record) => {
                let fields = record.fields();
                node = self.node(kind::RECORD, fields.len())?;
                for (n, field) in fields.enumerate() {
                    self.part(&node, n, Some(field.name), Some(field.ty))?;
                }
            }
            Type::Tuple(tuple) => {
                let types = tuple.types();
                node = self.node(kind::TUPLE, types.len())?;
                for (n, ty) in types.enumerate() {
                    self.part(&node, n, None, Some(ty))?;
                }
            }
            Type::Variant(variant) => {
                let cases = variant.cases();
                node = self.node(kind::VARIANT, cases.len())?;
                for (n, case) in cases.enumerate() {
                    self.part(&node, n, Some(case.name), case.ty)?;
                }
            }
            Type::Enum(names) => {
                let names = names.names();
                node = self.node(kind::ENUM, names.len())?;
                for (n, name) in names.enumerate() {
                    self.part(&node, n, Some(name), None)?;
                }
            }
            Type::Option(option) => {
                node = self.node(kind::OPTION, 1)?;
                self.part(&node, 0, None, Some(option.ty()))?;
            }
            Type::Result(result) => {
                node = self.node(kind::RESULT, 2)?;
                self.part(&node, 0, None, result.ok())?;
                self.part(&node, 1, None, result.err())?;
            }
            Type::Flags(flags) => {
                let names = flags.names();
                if names.len() > FLAGS_MAX {
                    return Err(Lack::Unsupported);
                }
                node = self.node(kind::FLAGS, names.len())?;
                for (n, name) in names.enumerate() {
                    self.part(&node, n, Some(name), None)?;
                }
            }
            Type::Own(ty) => node = self.resource(kind::OWN, *ty)?,
            Type::Borrow(ty) => node = self.resource(kind::BORROW, *ty)?,
            _ => return Err(Lack::Unsupported),
        }
        Ok(node)
    }

    /// Parameters as a record, results as a tuple.
    fn function(&mut self, f: &ComponentFunc) -> Made<(Owned, Owned)> {
        if f.async_() {
            return Err(Lack::Unsupported);
        }
        self.depth = 0;
        let params = f.params();
        let parameters = self.node(kind::RECORD, params.len())?;
        for (n, (name, ty)) in params.enumerate() {
            self.part(&parameters, n, Some(name), Some(ty))?;
        }
        let types = f.results();
        let results = self.node(kind::TUPLE, types.len())?;
        for (n, ty) in types.enumerate() {
            self.part(&results, n, None, Some(ty))?;
        }
        Ok((parameters, results))
    }
}

/// One function of a component, or one resource type: then `what` is 3.
#[repr(C)]
pub struct bhd_engine_typed_t {
    is_export: bool,
    /// 0: typed; 1: too large; 2: a type that is not offered; 3: a resource type.
    what: u32,
    /// Empty for what is not inside an instance.
    instance: bhd_engine_str_t,
    name: bhd_engine_str_t,
    /// C frees both; null unless `what` is 0.
    parameters: *mut Node,
    results: *mut Node,
    /// The number of a resource type in the nodes.
    resource: u32,
}

type Visit = extern "C" fn(env: *mut c_void, function: *const bhd_engine_typed_t) -> bool;

fn walk(component: &Component, engine: &Engine, one: &mut dyn FnMut(bool, &str, &str, ComponentItem)) {
    let ty = component.component_type();
    let imports = ty.imports(engine).map(|(name, e)| (false, name, e.ty));
    let exports = ty.exports(engine).map(|(name, e)| (true, name, e.ty));
    for (is_export, name, item) in imports.chain(exports) {
        match item {
            ComponentItem::ComponentInstance(instance) => {
                for (inner, e) in instance.exports(engine) {
                    one(is_export, name, inner, e.ty);
                }
            }
            item => one(is_export, "", name, item),
        }
    }
}

/// False when C has no memory left.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_component_functions(
    component: *const wasmtime_component_t,
    engine: *const wasm_engine_t,
    bounds: &bhd_engine_type_bounds_t,
    env: *mut c_void,
    visit: Visit,
) -> bool {
    let component = unsafe { &*(component as *const Component) };
    let engine = unsafe { &*(engine as *const Engine) };
    let mut resources = Resources::default();
    walk(component, engine, &mut |_, _, name, item| {
        if let ComponentItem::Resource(ty) = item {
            resources.add(ty, name);
        }
    });
    let mut reader = Reader { resources: &resources, bounds: *bounds, nodes: 0, name_bytes: 0, depth: 0 };
    let mut ok = true;
    walk(component, engine, &mut |is_export, instance, name, item| {
        let mut told = bhd_engine_typed_t {
            is_export,
            what: 0,
            instance: instance.into(),
            name: name.into(),
            parameters: null_mut(),
            results: null_mut(),
            resource: 0,
        };
        match item {
            ComponentItem::ComponentFunc(f) => match reader.function(&f) {
                Ok((parameters, results)) => {
                    told.parameters = parameters.take();
                    told.results = results.take();
                }
                Err(Lack::Memory) => {
                    ok = false;
                    return;
                }
                Err(Lack::Large) => told.what = 1,
                Err(Lack::Unsupported) => told.what = 2,
            },
            ComponentItem::Resource(ty) => {
                told.what = 3;
                told.resource = resources.place(ty).map_or(0, |n| n as u32 + 1);
            }
            _ => return,
        }
        ok &= visit(env, &told);
    });
    ok
}
