//! Values for C, read out of a component's memory and off its stack.

use wasmtime::component::__internal::{CanonicalAbiInfo, InstanceType, InterfaceType, LiftContext};
use wasmtime::component::{ComponentNamedList, ComponentType, Lift, ResourceAny, ResourceDynamic};
use wasmtime::{Result, ValRaw, bail};
use wasmtime_environ::component::{StringEncoding, VariantInfo};

use crate::error::Stop;
use crate::value::{
    Buffer, Items, Made, NO_ABI, Resource, Value, allocate, case, cost, flag_bytes, flag_words,
    flat_count, kind, kind_of, known_when_used, plain, slice, text, unsupported,
};

type Words<'a> = std::slice::Iter<'a, ValRaw>;

fn next<'a>(src: &mut Words<'a>) -> Result<&'a ValRaw> {
    match src.next() {
        Some(raw) => Ok(raw),
        None => bail!("fewer flat values than the type has"),
    }
}

pub const STOP_TOO_MUCH: i32 = 17;

fn too_much() -> wasmtime::Error {
    Stop { code: STOP_TOO_MUCH, text: "too much for one call".into() }.into()
}

/// Takes what a block of so many bytes costs from the budget.
fn charge(cx: &mut LiftContext<'_>, count: usize, size: usize) -> Result<()> {
    let bytes = match count.checked_mul(size) {
        Some(0) => return Ok(()),
        Some(bytes) => cost(bytes),
        None => usize::MAX,
    };
    match cx.consume_fuel(bytes) {
        Ok(()) => Ok(()),
        Err(_) => Err(too_much()),
    }
}

/// A number out of its canonical bits; a char and a bool are checked.
fn scalar(ty: InterfaceType, bits: u64) -> Result<Value> {
    let (kind, size) = plain(ty).unwrap_or((u32::MAX, 8));
    let mask = if size == 8 { u64::MAX } else { (1 << (8 * size)) - 1 };
    Ok(match ty {
        InterfaceType::Bool => Value::scalar(kind, (bits as u32 != 0) as u64),
        InterfaceType::Char => Value::scalar(kind, check_char(bits as u32)? as u64),
        _ => Value::scalar(kind, bits & mask),
    })
}

fn check_char(bits: u32) -> Result<u32> {
    match char::from_u32(bits) {
        Some(_) => Ok(bits),
        None => bail!("{bits:#x} is not a character"),
    }
}

fn lift_text(cx: &mut LiftContext<'_>, at: usize, length: usize) -> Result<Value> {
    if matches!(string_encoding(cx)?, StringEncoding::Utf8) {
        let memory = cx.memory();
        let Some(bytes) = memory.get(at..).and_then(|m| m.get(..length)) else {
            bail!("string pointer/length out of bounds of memory");
        };
        charge(cx, length + 1, 1)?;
        return text(std::str::from_utf8(bytes)?);
    }
    // Takes the bytes in the guest from the budget before it makes a string of them.
    let raw = [ValRaw::i64(at as i64), ValRaw::i64(length as i64)];
    let string = match String::linear_lift_from_flat(cx, InterfaceType::String, &raw) {
        Ok(string) => string,
        // Its own words for an empty budget; there is no type to tell it by.
        Err(e) if e.to_string().contains("hostcalls has been exhausted") => return Err(too_much()),
        Err(e) => return Err(e),
    };
    charge(cx, string.capacity(), 1)?;
    charge(cx, string.len() + 1, 1)?;
    text(&string)
}

fn string_encoding(cx: &LiftContext<'_>) -> Result<StringEncoding> {
    Ok(cx.options().string_encoding)
}

fn lift_list(cx: &mut LiftContext<'_>, element: InterfaceType, at: usize, count: usize) -> Result<Value> {
    let abi = cx.types.canonical_abi(&element);
    let (size, align) = (abi.size32 as usize, abi.align32 as usize);
    let end = count.checked_mul(size).and_then(|n| at.checked_add(n));
    if end.is_none_or(|end| end > cx.memory().len()) {
        bail!("list pointer/length out of bounds of memory");
    }
    if at % align != 0 {
        bail!("list pointer is not aligned");
    }
    if let Some((kind, _)) = plain(element) {
        return lift_plain(cx, kind, at, count, size);
    }
    charge(cx, count, size_of::<Value>())?;
    let mut items = Items::new(kind::LIST, kind_of(element), count)?;
    let memory = cx.memory();
    for n in 0..count {
        items.push(load(cx, element, &memory[at + n * size..][..size])?);
    }
    Ok(items.done())
}

/// Numbers: one copy.
fn lift_plain(cx: &mut LiftContext<'_>, element: u32, at: usize, count: usize, size: usize) -> Result<Value> {
    let mut value = Value::new(kind::LIST);
    value.element = element;
    if count == 0 {
        return Ok(value);
    }
    charge(cx, count, size)?;
    let bytes = &cx.memory()[at..][..count * size];
    if element == kind::CHAR {
        for character in bytes.chunks_exact(4) {
            check_char(u32::from_le_bytes(character.try_into().unwrap()))?;
        }
    }
    let data = allocate::<u8>(bytes.len(), 0)?;
    unsafe {
        if element == kind::BOOL {
            for (n, byte) in bytes.iter().enumerate() {
                data.add(n).write((*byte != 0) as u8);
            }
        } else {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), data, bytes.len());
        }
    }
    value.of.buffer = Buffer { data: data.cast(), count };
    Ok(value)
}

fn lift_resource(cx: &mut LiftContext<'_>, ty: InterfaceType, raw: &ValRaw) -> Result<Value> {
    let kind = kind_of(ty);
    charge(cx, 1, size_of::<Resource>())?;
    let owned = (kind == kind::OWN) as u32;
    let mut resource = Resource { holds: 1, host: 0, rep: 0, owned, any: [0; 8], notes: [0; 5] };
    // A resource of the host is known by its number alone.
    if ResourceDynamic::typecheck(&ty, &cx.instance_type()).is_ok() {
        let dynamic = ResourceDynamic::linear_lift_from_flat(cx, ty, raw)?;
        resource.host = dynamic.ty();
        resource.rep = dynamic.rep();
    } else {
        let any = ResourceAny::linear_lift_from_flat(cx, ty, raw)?;
        unsafe { resource.any.as_mut_ptr().cast::<ResourceAny>().write(any) };
    }
    let at = allocate::<Resource>(1, 0)?;
    unsafe { at.write(resource) };
    let mut value = Value::new(kind);
    value.of.resource = at;
    Ok(value)
}

fn case_type(cx: &LiftContext<'_>, ty: InterfaceType, index: usize) -> Result<Option<InterfaceType>> {
    let (case, count) = match ty {
        InterfaceType::Variant(i) => {
            let cases = &cx.types[i].cases;
            (cases.get_index(index).map(|(_, payload)| *payload), cases.len())
        }
        InterfaceType::Enum(i) => {
            let count = cx.types[i].names.len();
            (if index < count { Some(None) } else { None }, count)
        }
        InterfaceType::Option(i) => ([None, Some(cx.types[i].ty)].get(index).copied(), 2),
        InterfaceType::Result(i) => ([cx.types[i].ok, cx.types[i].err].get(index).copied(), 2),
        _ => return unsupported(),
    };
    match case {
        Some(payload) => Ok(payload),
        None => bail!("discriminant {index} out of range [0..{count})"),
    }
}

fn variant_info<'a>(cx: &LiftContext<'a>, ty: InterfaceType) -> Result<&'a VariantInfo> {
    let types = cx.types;
    Ok(match ty {
        InterfaceType::Variant(i) => &types[i].info,
        InterfaceType::Enum(i) => &types[i].info,
        InterfaceType::Option(i) => &types[i].info,
        InterfaceType::Result(i) => &types[i].info,
        _ => return unsupported(),
    })
}

/// Items of a record or tuple out of `one`, which gives them in order.
fn lift_items(
    cx: &mut LiftContext<'_>,
    kind: u32,
    tys: impl ExactSizeIterator<Item = InterfaceType>,
    mut one: impl FnMut(&mut LiftContext<'_>, InterfaceType) -> Result<Value>,
) -> Result<Value> {
    charge(cx, tys.len(), size_of::<Value>())?;
    let mut items = Items::new(kind, kind, tys.len())?;
    for ty in tys {
        items.push(one(cx, ty)?);
    }
    Ok(items.done())
}

fn lift_flat(cx: &mut LiftContext<'_>, ty: InterfaceType, src: &mut Words<'_>) -> Result<Value> {
    if plain(ty).is_some() {
        return scalar(ty, next(src)?.get_u64());
    }
    let types = cx.types;
    match ty {
        InterfaceType::String => {
            let at = next(src)?.get_u32() as usize;
            let length = next(src)?.get_u32() as usize;
            lift_text(cx, at, length)
        }
        InterfaceType::List(i) => {
            let at = next(src)?.get_u32() as usize;
            let count = next(src)?.get_u32() as usize;
            lift_list(cx, types[i].element, at, count)
        }
        InterfaceType::Record(i) => {
            let tys = types[i].fields.iter().map(|field| field.ty);
            lift_items(cx, kind::RECORD, tys, |cx, ty| lift_flat(cx, ty, src))
        }
        InterfaceType::Tuple(i) => {
            let tys = types[i].types.iter().copied();
            lift_items(cx, kind::TUPLE, tys, |cx, ty| lift_flat(cx, ty, src))
        }
        InterfaceType::Flags(i) => {
            let count = types[i].names.len();
            let mut bits = 0;
            for word in 0..flag_words(count) {
                bits |= (next(src)?.get_u32() as u64) << (32 * word);
            }
            Ok(Value::scalar(kind::FLAGS, bits & flag_mask(count)))
        }
        InterfaceType::Own(_) | InterfaceType::Borrow(_) => {
            let raw = *next(src)?;
            lift_resource(cx, ty, &raw)
        }
        _ => {
            let all = flat_count(types.canonical_abi(&ty))?;
            let index = next(src)?.get_u32();
            let mut used = 1;
            let payload = match case_type(cx, ty, index as usize)? {
                None => None,
                Some(ty) => {
                    charge(cx, 1, size_of::<Value>())?;
                    used += flat_count(types.canonical_abi(&ty))?;
                    Some(lift_flat(cx, ty, src)?)
                }
            };
            for _ in used..all {
                next(src)?;
            }
            case(kind_of(ty), index, payload)
        }
    }
}

fn flag_mask(count: usize) -> u64 {
    if count >= 64 { u64::MAX } else { (1 << count) - 1 }
}

/// The number in the first `size` bytes.
fn read(bytes: &[u8], size: usize) -> u64 {
    let mut all = [0; 8];
    all[..size].copy_from_slice(&bytes[..size]);
    u64::from_le_bytes(all)
}

fn load(cx: &mut LiftContext<'_>, ty: InterfaceType, bytes: &[u8]) -> Result<Value> {
    if let Some((_, size)) = plain(ty) {
        return scalar(ty, read(bytes, size));
    }
    let types = cx.types;
    match ty {
        InterfaceType::String => {
            lift_text(cx, read(bytes, 4) as usize, read(&bytes[4..], 4) as usize)
        }
        InterfaceType::List(i) => lift_list(
            cx,
            types[i].element,
            read(bytes, 4) as usize,
            read(&bytes[4..], 4) as usize,
        ),
        InterfaceType::Record(i) => {
            let tys = types[i].fields.iter().map(|field| field.ty);
            load_items(cx, kind::RECORD, tys, bytes)
        }
        InterfaceType::Tuple(i) => {
            load_items(cx, kind::TUPLE, types[i].types.iter().copied(), bytes)
        }
        InterfaceType::Flags(i) => {
            let count = types[i].names.len();
            Ok(Value::scalar(kind::FLAGS, read(bytes, flag_bytes(count)) & flag_mask(count)))
        }
        InterfaceType::Own(_) | InterfaceType::Borrow(_) => {
            lift_resource(cx, ty, &ValRaw::u32(read(bytes, 4) as u32))
        }
        _ => {
            let info = variant_info(cx, ty)?;
            let index = read(bytes, info.size.into()) as u32;
            let payload = match case_type(cx, ty, index as usize)? {
                None => None,
                Some(ty) => {
                    charge(cx, 1, size_of::<Value>())?;
                    let size = types.canonical_abi(&ty).size32 as usize;
                    Some(load(cx, ty, &bytes[info.payload_offset32 as usize..][..size])?)
                }
            };
            case(kind_of(ty), index, payload)
        }
    }
}

fn load_items(
    cx: &mut LiftContext<'_>,
    kind: u32,
    tys: impl ExactSizeIterator<Item = InterfaceType>,
    bytes: &[u8],
) -> Result<Value> {
    let types = cx.types;
    let mut at = 0usize;
    lift_items(cx, kind, tys, |cx, ty| {
        let abi = types.canonical_abi(&ty);
        let offset = abi.next_field32_size(&mut at);
        load(cx, ty, &bytes[offset..][..abi.size32 as usize])
    })
}

/// Results of a function in the guest, or parameters of a function of the host: a tuple that C has
/// not taken yet. `N` is how many flat values are read.
pub struct Taken<const N: usize>(Made);

known_when_used!(Taken<N>, N, N);

impl<const N: usize> Taken<N> {
    /// The tuple; C frees it.
    pub fn take(self) -> Value {
        self.0.take()
    }
}

fn load_tuple(cx: &mut LiftContext<'_>, ty: InterfaceType, at: usize) -> Result<Value> {
    let InterfaceType::Tuple(i) = ty else { return unsupported() };
    let abi = &cx.types[i].abi;
    let (size, align) = (abi.size32 as usize, abi.align32 as usize);
    if at % align != 0 {
        bail!("pointer not aligned");
    }
    let Some(bytes) = cx.memory().get(at..).and_then(|m| m.get(..size)) else {
        bail!("pointer out of bounds of memory");
    };
    load(cx, ty, bytes)
}

/// `bytes` are empty, because their number is not known to the type: where they begin is what counts.
fn load_where(cx: &mut LiftContext<'_>, ty: InterfaceType, bytes: &[u8]) -> Result<Made> {
    let at = bytes.as_ptr() as usize - cx.memory().as_ptr() as usize;
    Ok(Made(load_tuple(cx, ty, at)?))
}

unsafe impl<const N: usize> Lift for Taken<N> {
    fn linear_lift_from_flat(
        cx: &mut LiftContext<'_>,
        ty: InterfaceType,
        src: &[ValRaw; N],
    ) -> Result<Self> {
        let InterfaceType::Tuple(i) = ty else { return unsupported() };
        let value = if cx.types[i].abi.flat_count(N).is_some() {
            lift_flat(cx, ty, &mut src.iter())?
        } else {
            // Too many for the stack: the one value is the address.
            load_tuple(cx, ty, next(&mut src.iter())?.get_u32() as usize)?
        };
        Ok(Taken(Made(value)))
    }

    fn linear_lift_from_memory(
        cx: &mut LiftContext<'_>,
        ty: InterfaceType,
        bytes: &[u8],
    ) -> Result<Self> {
        load_where(cx, ty, bytes).map(Taken)
    }
}

/// Parameters of a function of the host. How many flat values they take is only known from the type
/// of the function, so none is promised here, and they are read from where the words begin.
pub struct Received(Made);

known_when_used!(Received, 0);

impl Received {
    pub fn new(tuple: Value) -> Received {
        Received(Made(tuple))
    }

    /// The tuple; C frees it.
    pub fn take(self) -> Value {
        self.0.take()
    }
}

/// The words of a call that may be on the stack (`MAX_FLAT_PARAMS`).
const FLAT_MAX: usize = 16;

unsafe impl Lift for Received {
    fn linear_lift_from_flat(
        cx: &mut LiftContext<'_>,
        ty: InterfaceType,
        src: &[ValRaw; 0],
    ) -> Result<Self> {
        let InterfaceType::Tuple(i) = ty else { return unsupported() };
        let Some(count) = cx.types[i].abi.flat_count(FLAT_MAX) else { return unsupported() };
        // The engine hands the beginning of exactly as many words as the type of the function has.
        // They came from compiled code, so their address is exposed.
        let words = std::ptr::with_exposed_provenance::<ValRaw>(src.as_ptr().addr());
        let words: &[ValRaw] = unsafe { slice(words, count) };
        Ok(Received(Made(lift_flat(cx, ty, &mut words.iter())?)))
    }

    fn linear_lift_from_memory(
        cx: &mut LiftContext<'_>,
        ty: InterfaceType,
        bytes: &[u8],
    ) -> Result<Self> {
        load_where(cx, ty, bytes).map(Received)
    }
}
