//! Values as text in WAVE, the component model's own form, read and written by the `wasm-wave` crate
//! straight into and out of the values of C.
//!
//! The crate bounds the depth of what it reads; the length is C's to bound. Memory that runs out is
//! remembered in the value, because most of the crate's makers cannot fail.

use std::borrow::Cow;

use wasm_wave::ast::Node as Ast;
use wasm_wave::wasm::{WasmType, WasmTypeKind, WasmValue, WasmValueError};

use crate::type_node::Node;
use crate::value::{Buffer, Case, Items, Value, allocate, case, heap, kind, text};

const NO_MEMORY: &str = "the host process is out of memory";

#[derive(Clone, Copy)]
struct Ty(*const Node);

type Many<'a, T> = Box<dyn Iterator<Item = T> + 'a>;

impl Ty {
    fn node(&self) -> &Node {
        unsafe { &*self.0 }
    }

    fn count(&self) -> usize {
        self.node().count as usize
    }

    fn part(&self, n: usize) -> Option<Ty> {
        if n >= self.count() {
            return None;
        }
        let node = unsafe { (*self.node().parts.add(n)).node };
        if node.is_null() { None } else { Some(Ty(node)) }
    }

    fn name(&self, n: usize) -> Cow<'_, str> {
        let name = unsafe { (*self.node().parts.add(n)).name };
        if name.is_null() {
            return "".into();
        }
        unsafe { std::ffi::CStr::from_ptr(name) }.to_string_lossy()
    }

    fn names(&self) -> Many<'_, Cow<'_, str>> {
        Box::new((0..self.count()).map(|n| self.name(n)))
    }

    fn find(&self, name: &str) -> Option<usize> {
        (0..self.count()).find(|n| self.name(*n) == name)
    }
}

fn kind_of(kind: u32) -> WasmTypeKind {
    match kind {
        kind::BOOL => WasmTypeKind::Bool,
        kind::S8 => WasmTypeKind::S8,
        kind::U8 => WasmTypeKind::U8,
        kind::S16 => WasmTypeKind::S16,
        kind::U16 => WasmTypeKind::U16,
        kind::S32 => WasmTypeKind::S32,
        kind::U32 => WasmTypeKind::U32,
        kind::S64 => WasmTypeKind::S64,
        kind::U64 => WasmTypeKind::U64,
        kind::F32 => WasmTypeKind::F32,
        kind::F64 => WasmTypeKind::F64,
        kind::CHAR => WasmTypeKind::Char,
        kind::STRING => WasmTypeKind::String,
        kind::LIST => WasmTypeKind::List,
        kind::RECORD => WasmTypeKind::Record,
        kind::TUPLE => WasmTypeKind::Tuple,
        kind::VARIANT => WasmTypeKind::Variant,
        kind::ENUM => WasmTypeKind::Enum,
        kind::OPTION => WasmTypeKind::Option,
        kind::RESULT => WasmTypeKind::Result,
        kind::FLAGS => WasmTypeKind::Flags,
        _ => WasmTypeKind::Unsupported,
    }
}

impl WasmType for Ty {
    fn kind(&self) -> WasmTypeKind {
        kind_of(self.node().kind)
    }

    fn list_element_type(&self) -> Option<Self> {
        self.part(0)
    }

    fn record_fields(&self) -> Many<'_, (Cow<'_, str>, Self)> {
        Box::new((0..self.count()).filter_map(|n| Some((self.name(n), self.part(n)?))))
    }

    fn tuple_element_types(&self) -> Many<'_, Self> {
        Box::new((0..self.count()).filter_map(|n| self.part(n)))
    }

    fn variant_cases(&self) -> Many<'_, (Cow<'_, str>, Option<Self>)> {
        Box::new((0..self.count()).map(|n| (self.name(n), self.part(n))))
    }

    fn enum_cases(&self) -> Many<'_, Cow<'_, str>> {
        self.names()
    }

    fn option_some_type(&self) -> Option<Self> {
        self.part(0)
    }

    fn result_types(&self) -> Option<(Option<Self>, Option<Self>)> {
        Some((self.part(0), self.part(1)))
    }

    fn flags_names(&self) -> Many<'_, Cow<'_, str>> {
        self.names()
    }
}

/// A value with its type when it is read out of C; made ones know it from their maker.
struct Val {
    value: Value,
    ty: Option<Ty>,
    owned: bool,
    lost: bool,
}

impl Clone for Val {
    /// Another look at the same value.
    fn clone(&self) -> Val {
        Val { value: self.value, ty: self.ty, owned: false, lost: self.lost }
    }
}

impl Drop for Val {
    fn drop(&mut self) {
        if self.owned {
            (heap().free_value)(&mut self.value);
        }
    }
}

fn other(message: &str) -> WasmValueError {
    WasmValueError::Other(message.into())
}

impl Val {
    fn made(value: Value) -> Val {
        Val { value, ty: None, owned: true, lost: false }
    }

    fn scalar(kind: u32, bits: u64) -> Val {
        let mut value = Value::new(kind);
        value.of.bits = bits;
        Val::made(value)
    }

    fn view<'a>(value: *const Value, ty: Option<Ty>) -> Cow<'a, Val> {
        Cow::Owned(Val { value: unsafe { *value }, ty, owned: false, lost: false })
    }

    fn take(mut self) -> Result<Value, WasmValueError> {
        if self.lost {
            return Err(other(NO_MEMORY));
        }
        self.owned = false;
        Ok(self.value)
    }

    /// The same without owning what is in it, for numbers.
    fn into_plain(self) -> Val {
        self.clone()
    }

    fn ty(&self) -> Ty {
        self.ty.expect("a value that is written has a type")
    }

    fn buffer(&self) -> Buffer {
        unsafe { self.value.of.buffer }
    }

    fn chosen(&self) -> Case {
        unsafe { self.value.of.variant }
    }

    fn bits(&self) -> u64 {
        unsafe { self.value.of.bits }
    }

    fn items(&self) -> Many<'_, (usize, *const Value)> {
        let buffer = self.buffer();
        Box::new((0..buffer.count).map(move |n| (n, unsafe { buffer.data.cast::<Value>().add(n) })))
    }

    fn payload(&self, ty: Option<Ty>) -> Option<Cow<'_, Val>> {
        let payload = self.chosen().payload;
        if payload.is_null() { None } else { Some(Val::view(payload, ty)) }
    }
}

fn done(value: wasmtime::Result<Value>) -> Result<Val, WasmValueError> {
    value.map(Val::made).map_err(|_| other(NO_MEMORY))
}

fn items(kind: u32, element: u32, values: Vec<Val>) -> Result<Val, WasmValueError> {
    let mut items = Items::new(kind, element, values.len()).map_err(|_| other(NO_MEMORY))?;
    for value in values {
        items.push(value.take()?);
    }
    Ok(Val::made(items.done()))
}

fn plain_bytes(kind: u32) -> usize {
    match kind {
        kind::BOOL | kind::S8 | kind::U8 => 1,
        kind::S16 | kind::U16 => 2,
        kind::S32 | kind::U32 | kind::F32 | kind::CHAR => 4,
        kind::S64 | kind::U64 | kind::F64 => 8,
        _ => 0,
    }
}

fn optional(payload: Option<Val>) -> Result<Option<Value>, WasmValueError> {
    payload.map(Val::take).transpose()
}

impl WasmValue for Val {
    type Type = Ty;

    fn kind(&self) -> WasmTypeKind {
        kind_of(self.value.kind)
    }

    fn make_bool(val: bool) -> Self {
        Val::scalar(kind::BOOL, val as u64)
    }
    fn make_s8(val: i8) -> Self {
        Val::scalar(kind::S8, val as u8 as u64)
    }
    fn make_s16(val: i16) -> Self {
        Val::scalar(kind::S16, val as u16 as u64)
    }
    fn make_s32(val: i32) -> Self {
        Val::scalar(kind::S32, val as u32 as u64)
    }
    fn make_s64(val: i64) -> Self {
        Val::scalar(kind::S64, val as u64)
    }
    fn make_u8(val: u8) -> Self {
        Val::scalar(kind::U8, val as u64)
    }
    fn make_u16(val: u16) -> Self {
        Val::scalar(kind::U16, val as u64)
    }
    fn make_u32(val: u32) -> Self {
        Val::scalar(kind::U32, val as u64)
    }
    fn make_u64(val: u64) -> Self {
        Val::scalar(kind::U64, val)
    }
    fn make_f32(val: f32) -> Self {
        Val::scalar(kind::F32, val.to_bits() as u64)
    }
    fn make_f64(val: f64) -> Self {
        Val::scalar(kind::F64, val.to_bits())
    }
    fn make_char(val: char) -> Self {
        Val::scalar(kind::CHAR, val as u64)
    }

    fn make_string(val: Cow<str>) -> Self {
        match text(&val) {
            Ok(value) => Val::made(value),
            Err(_) => Val { lost: true, ..Val::scalar(kind::BOOL, 0).into_plain() },
        }
    }

    fn make_list(ty: &Ty, vals: impl IntoIterator<Item = Self>) -> Result<Self, WasmValueError> {
        let values: Vec<Val> = vals.into_iter().collect();
        let element = ty.part(0).map_or(u32::MAX, |e| e.node().kind);
        let size = plain_bytes(element);
        if size == 0 {
            return items(kind::LIST, element, values);
        }
        let mut value = Value::new(kind::LIST);
        value.element = element;
        if !values.is_empty() {
            let data = allocate::<u8>(values.len() * size, 0).map_err(|_| other(NO_MEMORY))?;
            for (n, one) in values.iter().enumerate() {
                let bits = one.bits().to_le_bytes();
                unsafe { std::ptr::copy_nonoverlapping(bits.as_ptr(), data.add(n * size), size) };
            }
            value.of.buffer = Buffer { data: data.cast(), count: values.len() };
        }
        Ok(Val::made(value))
    }

    fn make_record<'a>(
        ty: &Ty,
        fields: impl IntoIterator<Item = (&'a str, Self)>,
    ) -> Result<Self, WasmValueError> {
        let mut places: Vec<Option<Val>> = (0..ty.count()).map(|_| None).collect();
        for (name, value) in fields {
            match ty.find(name) {
                Some(n) => places[n] = Some(value),
                None => return Err(WasmValueError::UnknownField(name.into())),
            }
        }
        let mut values = Vec::with_capacity(places.len());
        for (n, place) in places.into_iter().enumerate() {
            match place {
                Some(value) => values.push(value),
                None => return Err(WasmValueError::MissingField(ty.name(n).into())),
            }
        }
        items(kind::RECORD, kind::RECORD, values)
    }

    fn make_tuple(ty: &Ty, vals: impl IntoIterator<Item = Self>) -> Result<Self, WasmValueError> {
        let values: Vec<Val> = vals.into_iter().collect();
        if values.len() != ty.count() {
            let (want, got) = (ty.count(), values.len());
            return Err(WasmValueError::WrongNumberOfTupleValues { want, got });
        }
        items(kind::TUPLE, kind::TUPLE, values)
    }

    fn make_variant(ty: &Ty, name: &str, val: Option<Self>) -> Result<Self, WasmValueError> {
        let Some(n) = ty.find(name) else {
            return Err(WasmValueError::UnknownCase(name.into()));
        };
        match (ty.part(n).is_some(), val.is_some()) {
            (true, false) => return Err(WasmValueError::MissingPayload(name.into())),
            (false, true) => return Err(WasmValueError::UnexpectedPayload(name.into())),
            _ => {}
        }
        done(case(kind::VARIANT, n as u32, optional(val)?))
    }

    fn make_enum(ty: &Ty, name: &str) -> Result<Self, WasmValueError> {
        let Some(n) = ty.find(name) else {
            return Err(WasmValueError::UnknownCase(name.into()));
        };
        done(case(kind::ENUM, n as u32, None))
    }

    fn make_option(_: &Ty, val: Option<Self>) -> Result<Self, WasmValueError> {
        done(case(kind::OPTION, val.is_some() as u32, optional(val)?))
    }

    fn make_result(ty: &Ty, val: Result<Option<Self>, Option<Self>>) -> Result<Self, WasmValueError> {
        let (n, name, payload) = match val {
            Ok(payload) => (0, "ok", payload),
            Err(payload) => (1, "err", payload),
        };
        match (ty.part(n).is_some(), payload.is_some()) {
            (true, false) => return Err(WasmValueError::MissingPayload(name.into())),
            (false, true) => return Err(WasmValueError::UnexpectedPayload(name.into())),
            _ => {}
        }
        done(case(kind::RESULT, n as u32, optional(payload)?))
    }

    fn make_flags<'a>(
        ty: &Ty,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, WasmValueError> {
        let mut bits = 0;
        for name in names {
            match ty.find(name) {
                Some(n) => bits |= 1u64 << n,
                None => return Err(other(&format!("unknown flag {name:?}"))),
            }
        }
        Ok(Val::scalar(kind::FLAGS, bits))
    }

    fn unwrap_bool(&self) -> bool {
        unsafe { self.value.of.byte != 0 }
    }
    fn unwrap_s8(&self) -> i8 {
        unsafe { self.value.of.byte as i8 }
    }
    fn unwrap_s16(&self) -> i16 {
        unsafe { self.value.of.half as i16 }
    }
    fn unwrap_s32(&self) -> i32 {
        unsafe { self.value.of.word as i32 }
    }
    fn unwrap_s64(&self) -> i64 {
        self.bits() as i64
    }
    fn unwrap_u8(&self) -> u8 {
        unsafe { self.value.of.byte }
    }
    fn unwrap_u16(&self) -> u16 {
        unsafe { self.value.of.half }
    }
    fn unwrap_u32(&self) -> u32 {
        unsafe { self.value.of.word }
    }
    fn unwrap_u64(&self) -> u64 {
        self.bits()
    }
    fn unwrap_f32(&self) -> f32 {
        f32::from_bits(unsafe { self.value.of.word })
    }
    fn unwrap_f64(&self) -> f64 {
        f64::from_bits(self.bits())
    }
    fn unwrap_char(&self) -> char {
        char::from_u32(unsafe { self.value.of.word }).unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    fn unwrap_string(&self) -> Cow<'_, str> {
        let buffer = self.buffer();
        String::from_utf8_lossy(unsafe { crate::bytes(buffer.data.cast(), buffer.count) })
    }

    fn unwrap_list(&self) -> Many<'_, Cow<'_, Self>> {
        let element = self.ty().part(0);
        let size = plain_bytes(self.value.element);
        if size == 0 {
            return Box::new(self.items().map(move |(_, item)| Val::view(item, element)));
        }
        let (buffer, kind) = (self.buffer(), self.value.element);
        Box::new((0..buffer.count).map(move |n| {
            let mut bits = [0; 8];
            let data: *const u8 = buffer.data.cast();
            unsafe { std::ptr::copy_nonoverlapping(data.add(n * size), bits.as_mut_ptr(), size) };
            Cow::Owned(Val { ty: element, ..Val::scalar(kind, u64::from_le_bytes(bits)).into_plain() })
        }))
    }

    fn unwrap_record(&self) -> Many<'_, (Cow<'_, str>, Cow<'_, Self>)> {
        let ty = self.ty();
        Box::new(self.items().map(move |(n, item)| {
            (Cow::Owned(ty.name(n).into_owned()), Val::view(item, ty.part(n)))
        }))
    }

    fn unwrap_tuple(&self) -> Many<'_, Cow<'_, Self>> {
        let ty = self.ty();
        Box::new(self.items().map(move |(n, item)| Val::view(item, ty.part(n))))
    }

    fn unwrap_variant(&self) -> (Cow<'_, str>, Option<Cow<'_, Self>>) {
        let (ty, n) = (self.ty(), self.chosen().index as usize);
        (Cow::Owned(ty.name(n).into_owned()), self.payload(ty.part(n)))
    }

    fn unwrap_enum(&self) -> Cow<'_, str> {
        Cow::Owned(self.ty().name(self.chosen().index as usize).into_owned())
    }

    fn unwrap_option(&self) -> Option<Cow<'_, Self>> {
        self.payload(self.ty().part(0))
    }

    fn unwrap_result(&self) -> Result<Option<Cow<'_, Self>>, Option<Cow<'_, Self>>> {
        let ty = self.ty();
        if self.chosen().index == 0 { Ok(self.payload(ty.part(0))) } else { Err(self.payload(ty.part(1))) }
    }

    fn unwrap_flags(&self) -> Many<'_, Cow<'_, str>> {
        let (ty, bits) = (self.ty(), self.bits());
        let set = (0..ty.count()).filter(move |n| bits >> n & 1 != 0);
        Box::new(set.map(move |n| Cow::Owned(ty.name(n).into_owned())))
    }
}

fn word(kind: u32) -> &'static str {
    match kind {
        kind::BOOL => "bool",
        kind::S8 => "s8",
        kind::U8 => "u8",
        kind::S16 => "s16",
        kind::U16 => "u16",
        kind::S32 => "s32",
        kind::U32 => "u32",
        kind::S64 => "s64",
        kind::U64 => "u64",
        kind::F32 => "f32",
        kind::F64 => "f64",
        kind::CHAR => "char",
        kind::STRING => "string",
        kind::LIST => "list",
        kind::RECORD => "record",
        kind::TUPLE => "tuple",
        kind::VARIANT => "variant",
        kind::ENUM => "enum",
        kind::FLAGS => "flags",
        _ => "value",
    }
}

/// Whether the text of a value is one of that type at all, whatever is in it.
fn is_of_kind(ast: &Ast, ty: Ty, text: &str) -> bool {
    match ty.kind() {
        WasmTypeKind::Bool => ast.as_bool().is_ok(),
        WasmTypeKind::S8 => ast.as_number::<i8>(text).is_ok(),
        WasmTypeKind::U8 => ast.as_number::<u8>(text).is_ok(),
        WasmTypeKind::S16 => ast.as_number::<i16>(text).is_ok(),
        WasmTypeKind::U16 => ast.as_number::<u16>(text).is_ok(),
        WasmTypeKind::S32 => ast.as_number::<i32>(text).is_ok(),
        WasmTypeKind::U32 => ast.as_number::<u32>(text).is_ok(),
        WasmTypeKind::S64 => ast.as_number::<i64>(text).is_ok(),
        WasmTypeKind::U64 => ast.as_number::<u64>(text).is_ok(),
        WasmTypeKind::F32 => ast.as_number::<f32>(text).is_ok(),
        WasmTypeKind::F64 => ast.as_number::<f64>(text).is_ok(),
        WasmTypeKind::Char => ast.as_char(text).is_ok(),
        WasmTypeKind::String => ast.as_str(text).is_ok(),
        WasmTypeKind::List => ast.as_list().is_ok(),
        WasmTypeKind::Record => ast.as_record(text).is_ok(),
        WasmTypeKind::Tuple => ast.as_tuple().is_ok(),
        WasmTypeKind::Variant => ast.as_variant(text).is_ok(),
        WasmTypeKind::Enum => ast.as_enum(text).is_ok(),
        WasmTypeKind::Flags => ast.as_flags(text).is_ok(),
        _ => true,
    }
}

/// The crate says where a value does not fit, but not what would; and it takes no notice of fields
/// that a record does not have, so that a misspelt one which may be left out would be lost. The
/// rest is the crate's to refuse.
fn check(ast: &Ast, ty: Ty, text: &str) -> Result<(), String> {
    if !is_of_kind(ast, ty, text) {
        let at = ast.span();
        return Err(format!("expected {} at {}..{}", word(ty.node().kind), at.start, at.end));
    }
    match ty.kind() {
        WasmTypeKind::Record => {
            for (name, value) in ast.as_record(text).into_iter().flatten() {
                let at = value.span();
                let Some(n) = ty.find(name) else {
                    return Err(format!("unknown field {name:?} at {}..{}", at.start, at.end));
                };
                check_part(value, ty.part(n), text)?;
            }
        }
        WasmTypeKind::List => {
            for item in ast.as_list().into_iter().flatten() {
                check_part(item, ty.part(0), text)?;
            }
        }
        WasmTypeKind::Tuple => {
            for (n, item) in ast.as_tuple().into_iter().flatten().enumerate() {
                check_part(item, ty.part(n), text)?;
            }
        }
        WasmTypeKind::Variant => {
            if let Ok((name, Some(payload))) = ast.as_variant(text) {
                check_part(payload, ty.find(name).and_then(|n| ty.part(n)), text)?;
            }
        }
        // Both may be written as what they carry alone.
        WasmTypeKind::Option => match ast.as_option() {
            Ok(Some(payload)) => check_part(payload, ty.part(0), text)?,
            Ok(None) => {}
            Err(_) => check_part(ast, ty.part(0), text)?,
        },
        WasmTypeKind::Result => match ast.as_result() {
            Ok(Ok(Some(payload))) => check_part(payload, ty.part(0), text)?,
            Ok(Err(Some(payload))) => check_part(payload, ty.part(1), text)?,
            Ok(_) => {}
            Err(_) => check_part(ast, ty.part(0), text)?,
        },
        _ => {}
    }
    Ok(())
}

fn check_part(ast: &Ast, ty: Option<Ty>, text: &str) -> Result<(), String> {
    ty.map_or(Ok(()), |ty| check(ast, ty, text))
}

fn parse(text: &str, ty: Ty) -> Result<Value, String> {
    let mut parser = wasm_wave::parser::Parser::new(text);
    let raw = parser.parse_raw_value().map_err(|e| e.to_string())?;
    parser.finish().map_err(|e| e.to_string())?;
    check(raw.node(), ty, text)?;
    let made = raw.to_wasm_value::<Val>(&ty).map_err(|e| {
        let problem = e.to_string();
        problem.strip_prefix("error converting Wasm value: ").unwrap_or(&problem).to_string()
    })?;
    made.take().map_err(|e| e.to_string())
}

/// 0: `*value` is C's; 1: the text is wrong, and what is wrong is in the buffer; 2: no memory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_wave_parse(
    text: *const u8,
    size: usize,
    ty: *const Node,
    value: *mut Value,
    buffer: *mut u8,
    capacity: usize,
    length: *mut usize,
) -> i32 {
    let problem = match std::str::from_utf8(unsafe { crate::bytes(text, size) }) {
        Err(_) => "the text is not UTF-8".to_string(),
        Ok(text) => match parse(text, Ty(ty)) {
            Ok(made) => {
                unsafe { value.write(made) };
                return 0;
            }
            Err(problem) => problem,
        },
    };
    if problem.contains(NO_MEMORY) {
        return 2;
    }
    unsafe { length.write(crate::copy_out(&problem, buffer, capacity)) };
    1
}

/// Gives the text to C in pieces; false when the value cannot be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_wave_format(
    value: *const Value,
    ty: *const Node,
    env: *mut std::ffi::c_void,
    write: extern "C" fn(*mut std::ffi::c_void, *const u8, usize),
) -> bool {
    struct Sink {
        env: *mut std::ffi::c_void,
        write: extern "C" fn(*mut std::ffi::c_void, *const u8, usize),
    }
    impl std::fmt::Write for Sink {
        fn write_str(&mut self, piece: &str) -> std::fmt::Result {
            (self.write)(self.env, piece.as_ptr(), piece.len());
            Ok(())
        }
    }
    let view = Val::view(value, Some(Ty(ty)));
    wasm_wave::writer::Writer::new(Sink { env, write }).write_value(view.as_ref()).is_ok()
}
