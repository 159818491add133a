//! Values between C and a component's memory, without a tree of `wasmtime::component::Val` between
//! them: a `bhd_value` of `bulkhead/value.h` is written into the guest directly, and what the guest
//! gives is made directly into one. A list of numbers is one copy.
//!
//! The canonical ABI is Wasmtime's to define; its traits `Lower` and `Lift` are implemented in
//! `value_lower.rs` and `value_lift.rs` for types whose shape is only known when they are used. Memory
//! for what C gets comes through C's own allocator, and is taken from the store's budget for host
//! calls before it is asked for.

use std::ffi::c_void;
use std::sync::OnceLock;

use wasmtime::component::ResourceAny;
use wasmtime::component::__internal::{CanonicalAbiInfo, InterfaceType};
use wasmtime::{Result, bail};

use crate::error::Stop;
use crate::type_node::Node;

/// The numbers of `bhd_value_type`.
pub mod kind {
    pub const F32: u32 = 2;
    pub const F64: u32 = 3;
    pub const BOOL: u32 = 4;
    pub const S8: u32 = 5;
    pub const U8: u32 = 6;
    pub const S16: u32 = 7;
    pub const U16: u32 = 8;
    pub const S32: u32 = 9;
    pub const U32: u32 = 10;
    pub const S64: u32 = 11;
    pub const U64: u32 = 12;
    pub const CHAR: u32 = 13;
    pub const STRING: u32 = 14;
    pub const LIST: u32 = 15;
    pub const RECORD: u32 = 16;
    pub const TUPLE: u32 = 17;
    pub const VARIANT: u32 = 18;
    pub const ENUM: u32 = 19;
    pub const OPTION: u32 = 20;
    pub const RESULT: u32 = 21;
    pub const FLAGS: u32 = 22;
    pub const OWN: u32 = 23;
    pub const BORROW: u32 = 24;
}

/// Flags and resources beyond these are not offered; see `value_type.rs`.
pub const FLAGS_MAX: usize = 64;

/// `bhd_value`. The C side asserts the layout.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Value {
    pub kind: u32,
    pub element: u32,
    pub of: Of,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub union Of {
    pub bits: u64,
    pub word: u32,
    pub half: u16,
    pub byte: u8,
    pub buffer: Buffer,
    pub variant: Case,
    pub resource: *mut Resource,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Buffer {
    pub data: *const c_void,
    pub count: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Case {
    pub index: u32,
    pub payload: *const Value,
}

const _: () = assert!(size_of::<Value>() == 24 && align_of::<Value>() == 8);

impl Value {
    pub fn new(kind: u32) -> Value {
        // Every byte is set: C may copy and compare.
        Value { kind, element: kind, of: Of { buffer: Buffer { data: std::ptr::null(), count: 0 } } }
    }

    pub fn scalar(kind: u32, bits: u64) -> Value {
        let mut value = Value::new(kind);
        value.of.bits = bits;
        value
    }

    pub unsafe fn items(&self) -> &[Value] {
        unsafe { slice(self.of.buffer.data.cast(), self.of.buffer.count) }
    }
}

pub unsafe fn slice<'a, T>(data: *const T, count: usize) -> &'a [T] {
    if count == 0 { &[] } else { unsafe { std::slice::from_raw_parts(data, count) } }
}

/// `struct bhd_resource`: a handle that C holds. `host` is the number of the host's own type, or 0
/// for a resource of the guest; then `any` is what the engine calls it.
#[repr(C)]
pub struct Resource {
    pub holds: u32,
    pub host: u32,
    pub rep: u32,
    pub owned: u32,
    pub any: [u64; 8],
    /// C's own notes; nothing is noted when a handle is made.
    pub notes: [u64; 5],
}

const _: () = assert!(size_of::<ResourceAny>() <= size_of::<[u64; 8]>());
const _: () = assert!(align_of::<ResourceAny>() <= align_of::<u64>());

impl Resource {
    pub fn any(&self) -> ResourceAny {
        unsafe { self.any.as_ptr().cast::<ResourceAny>().read() }
    }
}

// -- memory for C ---------------------------------------------------------------------------

#[derive(Clone, Copy)]
pub struct Heap {
    pub allocate: extern "C" fn(usize) -> *mut c_void,
    pub free_value: extern "C" fn(*mut Value),
    pub free_type: extern "C" fn(*mut Node),
}

static HEAP: OnceLock<Heap> = OnceLock::new();

#[unsafe(no_mangle)]
pub extern "C" fn bhd_engine_set_heap(
    allocate: extern "C" fn(usize) -> *mut c_void,
    free_value: extern "C" fn(*mut Value),
    free_type: extern "C" fn(*mut Node),
) {
    let _ = HEAP.set(Heap { allocate, free_value, free_type });
}

pub fn heap() -> Heap {
    *HEAP.get().expect("bhd_engine_set_heap comes first")
}

pub const STOP_NO_MEMORY: i32 = 13;

pub fn no_memory() -> wasmtime::Error {
    Stop { code: STOP_NO_MEMORY, text: "the host process is out of memory".into() }.into()
}

/// What a block costs the process: the allocator's header and granularity included.
pub fn cost(bytes: usize) -> usize {
    (bytes.saturating_add(8 + 15) & !15).max(32)
}

pub fn allocate<T>(count: usize, spare: usize) -> Result<*mut T> {
    let bytes = count.checked_mul(size_of::<T>()).and_then(|n| n.checked_add(spare));
    let block = bytes.map_or(std::ptr::null_mut(), |n| (heap().allocate)(n));
    if block.is_null() { Err(no_memory()) } else { Ok(block.cast()) }
}

/// A value on its way to C; freed with all that it holds unless it arrives.
pub struct Made(pub Value);

impl Made {
    pub fn take(self) -> Value {
        let value = self.0;
        std::mem::forget(self);
        value
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        (heap().free_value)(&mut self.0);
    }
}

/// A value of `count` items, of which none is there yet: a list, a record or a tuple.
pub struct Items {
    value: Made,
    capacity: usize,
}

impl Items {
    pub fn new(kind: u32, element: u32, capacity: usize) -> Result<Items> {
        let mut value = Value::new(kind);
        value.element = element;
        if capacity > 0 {
            value.of.buffer = Buffer { data: allocate::<Value>(capacity, 0)?.cast(), count: 0 };
        }
        Ok(Items { value: Made(value), capacity })
    }

    pub fn push(&mut self, value: Value) {
        unsafe {
            let buffer = &mut self.value.0.of.buffer;
            assert!(buffer.count < self.capacity);
            buffer.data.cast::<Value>().cast_mut().add(buffer.count).write(value);
            buffer.count += 1;
        }
    }

    pub fn done(self) -> Value {
        self.value.take()
    }
}

pub fn text(bytes: &str) -> Result<Value> {
    let mut value = Value::new(kind::STRING);
    let data = allocate::<u8>(bytes.len(), 1)?;
    unsafe {
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), data, bytes.len());
        data.add(bytes.len()).write(0);
    }
    value.of.buffer = Buffer { data: data.cast(), count: bytes.len() };
    Ok(value)
}

pub fn case(kind: u32, index: u32, payload: Option<Value>) -> Result<Value> {
    let mut value = Value::new(kind);
    let at = match payload {
        None => std::ptr::null(),
        Some(payload) => {
            let payload = Made(payload);
            let at = allocate::<Value>(1, 0)?;
            unsafe { at.write(payload.take()) };
            at.cast_const()
        }
    };
    value.of.variant = Case { index, payload: at };
    Ok(value)
}

/// Size of an element that C keeps as an array of its own type.
pub fn plain(ty: InterfaceType) -> Option<(u32, usize)> {
    Some(match ty {
        InterfaceType::Bool => (kind::BOOL, 1),
        InterfaceType::S8 => (kind::S8, 1),
        InterfaceType::U8 => (kind::U8, 1),
        InterfaceType::S16 => (kind::S16, 2),
        InterfaceType::U16 => (kind::U16, 2),
        InterfaceType::S32 => (kind::S32, 4),
        InterfaceType::U32 => (kind::U32, 4),
        InterfaceType::S64 => (kind::S64, 8),
        InterfaceType::U64 => (kind::U64, 8),
        InterfaceType::Float32 => (kind::F32, 4),
        InterfaceType::Float64 => (kind::F64, 8),
        InterfaceType::Char => (kind::CHAR, 4),
        _ => return None,
    })
}

pub fn kind_of(ty: InterfaceType) -> u32 {
    if let Some((kind, _)) = plain(ty) {
        return kind;
    }
    match ty {
        InterfaceType::String => kind::STRING,
        InterfaceType::List(_) => kind::LIST,
        InterfaceType::Record(_) => kind::RECORD,
        InterfaceType::Tuple(_) => kind::TUPLE,
        InterfaceType::Variant(_) => kind::VARIANT,
        InterfaceType::Enum(_) => kind::ENUM,
        InterfaceType::Option(_) => kind::OPTION,
        InterfaceType::Result(_) => kind::RESULT,
        InterfaceType::Flags(_) => kind::FLAGS,
        InterfaceType::Own(_) => kind::OWN,
        InterfaceType::Borrow(_) => kind::BORROW,
        _ => u32::MAX,
    }
}

pub fn unsupported<T>() -> Result<T> {
    bail!("a type that is not offered here")
}

pub const NO_ABI: CanonicalAbiInfo =
    CanonicalAbiInfo { size32: 0, align32: 1, size64: 0, align64: 1, flat_count: None };

/// Makes a type one that stands for all parameters or results of a function, `$words` of which may
/// be on the stack. What they take in memory is only known from the type of the function, and every
/// value is held against that when it is written or read. A value in it is owned or left alone by C
/// meanwhile, so that it may go to another thread.
macro_rules! known_when_used {
    ($ty:ty, $words:expr $(, $n:ident)?) => {
        unsafe impl $(<const $n: usize>)? Send for $ty {}
        unsafe impl $(<const $n: usize>)? Sync for $ty {}
        unsafe impl $(<const $n: usize>)? ComponentNamedList for $ty {}
        unsafe impl $(<const $n: usize>)? ComponentType for $ty {
            type Lower = [ValRaw; $words];
            const ABI: CanonicalAbiInfo = NO_ABI;

            fn typecheck(_: &InterfaceType, _: &InstanceType<'_>) -> Result<()> {
                Ok(())
            }
        }
    };
}
pub(crate) use known_when_used;

pub fn flat_count(abi: &CanonicalAbiInfo) -> Result<usize> {
    match abi.flat_count(usize::MAX) {
        Some(n) => Ok(n),
        None => bail!("a type without a flat form"),
    }
}

/// Words that so many flags take.
pub fn flag_words(count: usize) -> usize {
    count.div_ceil(32)
}

/// Bytes that so many flags take in memory.
pub fn flag_bytes(count: usize) -> usize {
    match count {
        0 => 0,
        1..=8 => 1,
        9..=16 => 2,
        n => 4 * flag_words(n),
    }
}
