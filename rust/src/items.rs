//! Imports and exports of what was compiled, with their types as text.

use std::cell::Cell;
use std::ffi::c_void;
use std::fmt::Write;

use wasmtime::component::types::{ComponentFunc, ComponentItem, Type};
use wasmtime::{Engine, ExternType};
use wasmtime_c_api::{wasm_engine_t, wasmtime_component_t, wasmtime_module_t};

use crate::bhd_engine_str_t;

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
    let texts = Texts::new();
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
    left: Cell<usize>,
}

impl Texts {
    fn new() -> Texts {
        Texts { left: Cell::new(TYPE_TEXTS_MAX) }
    }

    /// No more of a text can come to be shown.
    fn most(&self) -> usize {
        self.left.get().clamp(TYPE_TEXT_REST, TYPE_TEXT_MAX)
    }

    fn take(&self, text: &str) -> String {
        let Some(left) = self.left.get().checked_sub(text.len()) else { return cut(text, TYPE_TEXT_REST) };
        self.left.set(left);
        cut(text, TYPE_TEXT_MAX)
    }
}

/// A text that takes no more time than what is shown of it: a name in it may be as long as all names
/// of the binary, and be there once for each item.
struct Text {
    text: String,
    most: usize,
}

impl Text {
    fn is_full(&self) -> bool {
        self.text.len() > self.most
    }

    /// Goes a little beyond what is shown, so that it is seen that there is more.
    fn push_str(&mut self, part: &str) {
        let room = (self.most + char::MAX_LEN_UTF8).saturating_sub(self.text.len());
        self.text.push_str(&part[..part.floor_char_boundary(room)]);
    }

    fn push(&mut self, part: char) {
        self.push_str(part.encode_utf8(&mut [0; char::MAX_LEN_UTF8]));
    }

    fn cut(&self) -> String {
        cut(&self.text, self.most)
    }
}

fn type_text(text: &mut Text, ty: &Type) {
    if text.is_full() {
        return;
    }
    fn joined<T>(text: &mut Text, items: impl Iterator<Item = T>, mut one: impl FnMut(&mut Text, T)) {
        for (n, i) in items.enumerate() {
            if text.is_full() {
                break;
            }
            if n > 0 {
                text.push_str(", ");
            }
            one(text, i);
        }
    }
    fn case(text: &mut Text, name: &str, ty: Option<Type>) {
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
            text.push_str(&format!(", {}>", l.len()));
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
                text.push_str(f.name);
                text.push_str(": ");
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

fn func_text(f: &ComponentFunc, most: usize) -> String {
    let mut text = Text { text: String::new(), most };
    text.push_str(if f.async_() { "async func(" } else { "func(" });
    for (n, (name, ty)) in f.params().enumerate() {
        if text.is_full() {
            break;
        }
        if n > 0 {
            text.push_str(", ");
        }
        text.push_str(name);
        text.push_str(": ");
        type_text(&mut text, &ty);
    }
    text.push(')');
    if let Some(result) = f.results().next() {
        text.push_str(" -> ");
        type_text(&mut text, &result);
    }
    text.cut()
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
    texts: &Texts,
    names: &Texts,
    one: &mut dyn FnMut(&str, &str),
) {
    let text = match &ty {
        ComponentItem::ComponentFunc(f) => func_text(f, texts.most()),
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
                one(&format!("{}#{}", names.take(name), cut(inner, TYPE_TEXT_MAX)), &func_text(f, texts.most()));
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
    let (texts, names) = (Texts::new(), Texts::new());
    let give = |exported, name: &str, text: &str| {
        let text = texts.take(text);
        item(env, exported, "".into(), name.into(), text.as_str().into())
    };
    for (name, e) in ty.imports(engine) {
        component_item(engine, name, e.ty, &texts, &names, &mut |n, t| give(false, n, t));
    }
    for (name, e) in ty.exports(engine) {
        component_item(engine, name, e.ty, &texts, &names, &mut |n, t| give(true, n, t));
    }
}
