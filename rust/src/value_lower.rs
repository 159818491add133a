//! Values of C, written into a component's memory and onto its stack.

use std::mem::MaybeUninit;

use wasmtime::component::__internal::{CanonicalAbiInfo, InstanceType, InterfaceType, LowerContext};
use wasmtime::component::{ComponentNamedList, ComponentType, Lower, ResourceDynamic};
use wasmtime::{Result, ValRaw, bail};
use wasmtime_environ::component::VariantInfo;

use crate::value::{
    Made, NO_ABI, Value, flag_bytes, flag_words, flat_count, kind, kind_of, known_when_used, plain,
    slice, unsupported,
};

/// Words of a call that go on the stack.
type Flat<'a> = std::slice::IterMut<'a, MaybeUninit<ValRaw>>;

fn put(dst: &mut Flat<'_>, raw: ValRaw) -> Result<()> {
    match dst.next() {
        Some(slot) => {
            slot.write(raw);
            Ok(())
        }
        None => bail!("more flat values than the function takes"),
    }
}

/// What a variant's value comes to: the case, its payload and the payload's type.
struct Chosen<'a> {
    index: u32,
    payload: Option<(&'a Value, InterfaceType)>,
}

fn choose<'a>(value: &'a Value, count: usize, ty: Option<Option<InterfaceType>>) -> Result<Chosen<'a>> {
    let chosen = unsafe { value.of.variant };
    let Some(ty) = ty else {
        bail!("case {} of {count}", chosen.index);
    };
    let payload = match (unsafe { chosen.payload.as_ref() }, ty) {
        (None, None) => None,
        (Some(value), Some(ty)) => Some((value, ty)),
        (Some(_), None) => bail!("case {} carries nothing", chosen.index),
        (None, Some(_)) => bail!("case {} lacks what it carries", chosen.index),
    };
    Ok(Chosen { index: chosen.index, payload })
}

struct Cases<'a> {
    abi: &'a CanonicalAbiInfo,
    info: &'a VariantInfo,
    chosen: Chosen<'a>,
}

fn cases<'a, T>(cx: &LowerContext<'a, T>, ty: InterfaceType, value: &'a Value) -> Result<Cases<'a>> {
    let types = cx.types;
    let index = unsafe { value.of.variant.index } as usize;
    Ok(match ty {
        InterfaceType::Variant(i) => {
            let ty = &types[i];
            let case = ty.cases.get_index(index).map(|(_, payload)| *payload);
            Cases { abi: &ty.abi, info: &ty.info, chosen: choose(value, ty.cases.len(), case)? }
        }
        InterfaceType::Enum(i) => {
            let ty = &types[i];
            let case = if index < ty.names.len() { Some(None) } else { None };
            Cases { abi: &ty.abi, info: &ty.info, chosen: choose(value, ty.names.len(), case)? }
        }
        InterfaceType::Option(i) => {
            let ty = &types[i];
            let case = [None, Some(ty.ty)].get(index).copied();
            Cases { abi: &ty.abi, info: &ty.info, chosen: choose(value, 2, case)? }
        }
        InterfaceType::Result(i) => {
            let ty = &types[i];
            let case = [ty.ok, ty.err].get(index).copied();
            Cases { abi: &ty.abi, info: &ty.info, chosen: choose(value, 2, case)? }
        }
        _ => return unsupported(),
    })
}

fn expect_kind(ty: InterfaceType, value: &Value) -> Result<()> {
    if value.kind != kind_of(ty) {
        bail!("a value of type {} where {} is expected", value.kind, kind_of(ty));
    }
    Ok(())
}

fn expect_count(value: &Value, count: usize) -> Result<()> {
    let has = unsafe { value.of.buffer.count };
    if has != count {
        bail!("{has} items where {count} are expected");
    }
    Ok(())
}

/// The bits of a number as C holds them, extended as the canonical ABI wants them.
fn scalar_bits(value: &Value) -> u64 {
    unsafe {
        match value.kind {
            kind::BOOL => (value.of.byte != 0) as u64,
            kind::U8 => value.of.byte as u64,
            kind::S8 => value.of.byte as i8 as i32 as u32 as u64,
            kind::U16 => value.of.half as u64,
            kind::S16 => value.of.half as i16 as i32 as u32 as u64,
            kind::S64 | kind::U64 | kind::F64 => value.of.bits,
            _ => value.of.word as u64,
        }
    }
}

fn lower_resource<T>(cx: &mut LowerContext<'_, T>, ty: InterfaceType, value: &Value) -> Result<u32> {
    let Some(resource) = (unsafe { value.of.resource.as_ref() }) else {
        bail!("no resource");
    };
    let mut raw = MaybeUninit::<ValRaw>::uninit();
    if resource.host != 0 {
        let dynamic = match ty {
            InterfaceType::Own(_) => ResourceDynamic::new_own(resource.rep, resource.host),
            _ => ResourceDynamic::new_borrow(resource.rep, resource.host),
        };
        dynamic.linear_lower_to_flat(cx, ty, &mut raw)?;
    } else {
        resource.any().linear_lower_to_flat(cx, ty, &mut raw)?;
    }
    Ok(unsafe { raw.assume_init() }.get_u32())
}

fn lower_text<T>(cx: &mut LowerContext<'_, T>, value: &Value) -> Result<[ValRaw; 2]> {
    let bytes: &[u8] = unsafe { slice(value.of.buffer.data.cast(), value.of.buffer.count) };
    let mut raw = MaybeUninit::<[ValRaw; 2]>::uninit();
    std::str::from_utf8(bytes)?.linear_lower_to_flat(cx, InterfaceType::String, &mut raw)?;
    Ok(unsafe { raw.assume_init() })
}

fn lower_list<T>(cx: &mut LowerContext<'_, T>, element: InterfaceType, value: &Value) -> Result<(usize, usize)> {
    let count = unsafe { value.of.buffer.count };
    let abi = cx.types.canonical_abi(&element);
    let (size, align) = (abi.size32 as usize, abi.align32);
    if count > 0 && value.element != kind_of(element) {
        bail!("a list of another type");
    }
    let Some(bytes) = count.checked_mul(size) else { bail!("a list that is too long") };
    let at = cx.realloc(0, 0, align, bytes)?;
    if plain(element).is_some() {
        let data: &[u8] = unsafe { slice(value.of.buffer.data.cast(), bytes) };
        let memory = &mut cx.as_slice_mut()[at..][..bytes];
        memory.copy_from_slice(data);
        if element == InterfaceType::Bool {
            memory.iter_mut().for_each(|b| *b = (*b != 0) as u8);
        }
    } else {
        let items = unsafe { value.items() };
        for (n, item) in items.iter().enumerate() {
            store(cx, element, item, at + n * size)?;
        }
    }
    Ok((at, count))
}

fn lower_flat<T>(cx: &mut LowerContext<'_, T>, ty: InterfaceType, value: &Value, dst: &mut Flat<'_>) -> Result<()> {
    expect_kind(ty, value)?;
    if plain(ty).is_some() {
        return put(dst, ValRaw::u64(scalar_bits(value)));
    }
    match ty {
        InterfaceType::String => {
            let raw = lower_text(cx, value)?;
            put(dst, raw[0])?;
            put(dst, raw[1])
        }
        InterfaceType::List(i) => {
            let element = cx.types[i].element;
            let (at, count) = lower_list(cx, element, value)?;
            put(dst, ValRaw::i64(at as i64))?;
            put(dst, ValRaw::i64(count as i64))
        }
        InterfaceType::Record(i) => {
            let types = cx.types;
            expect_count(value, types[i].fields.len())?;
            for (field, item) in types[i].fields.iter().zip(unsafe { value.items() }) {
                lower_flat(cx, field.ty, item, dst)?;
            }
            Ok(())
        }
        InterfaceType::Tuple(i) => {
            let types = cx.types;
            expect_count(value, types[i].types.len())?;
            for (ty, item) in types[i].types.iter().zip(unsafe { value.items() }) {
                lower_flat(cx, *ty, item, dst)?;
            }
            Ok(())
        }
        InterfaceType::Flags(i) => {
            let bits = unsafe { value.of.bits };
            for word in 0..flag_words(cx.types[i].names.len()) {
                put(dst, ValRaw::u32((bits >> (32 * word)) as u32))?;
            }
            Ok(())
        }
        InterfaceType::Own(_) | InterfaceType::Borrow(_) => {
            let handle = lower_resource(cx, ty, value)?;
            put(dst, ValRaw::u32(handle))
        }
        _ => {
            let cases = cases(cx, ty, value)?;
            let all = flat_count(cases.abi)?;
            put(dst, ValRaw::u32(cases.chosen.index))?;
            let mut used = 1;
            if let Some((payload, ty)) = cases.chosen.payload {
                lower_flat(cx, ty, payload, dst)?;
                used += flat_count(cx.types.canonical_abi(&ty))?;
            }
            for _ in used..all {
                put(dst, ValRaw::u64(0))?;
            }
            Ok(())
        }
    }
}

fn write<T>(cx: &mut LowerContext<'_, T>, at: usize, bits: u64, size: usize) {
    cx.as_slice_mut()[at..][..size].copy_from_slice(&bits.to_le_bytes()[..size]);
}

fn write_pair<T>(cx: &mut LowerContext<'_, T>, at: usize, pair: (usize, usize)) {
    write(cx, at, pair.0 as u64, 4);
    write(cx, at + 4, pair.1 as u64, 4);
}

fn store<T>(cx: &mut LowerContext<'_, T>, ty: InterfaceType, value: &Value, at: usize) -> Result<()> {
    expect_kind(ty, value)?;
    if let Some((_, size)) = plain(ty) {
        write(cx, at, scalar_bits(value), size);
        return Ok(());
    }
    match ty {
        InterfaceType::String => {
            let raw = lower_text(cx, value)?;
            write_pair(cx, at, (raw[0].get_u32() as usize, raw[1].get_u32() as usize));
            Ok(())
        }
        InterfaceType::List(i) => {
            let element = cx.types[i].element;
            let pair = lower_list(cx, element, value)?;
            write_pair(cx, at, pair);
            Ok(())
        }
        InterfaceType::Record(i) => {
            let types = cx.types;
            expect_count(value, types[i].fields.len())?;
            let tys = types[i].fields.iter().map(|field| field.ty);
            store_items(cx, tys, unsafe { value.items() }, at)
        }
        InterfaceType::Tuple(i) => {
            let types = cx.types;
            expect_count(value, types[i].types.len())?;
            store_items(cx, types[i].types.iter().copied(), unsafe { value.items() }, at)
        }
        InterfaceType::Flags(i) => {
            let size = flag_bytes(cx.types[i].names.len());
            write(cx, at, unsafe { value.of.bits }, size);
            Ok(())
        }
        InterfaceType::Own(_) | InterfaceType::Borrow(_) => {
            let handle = lower_resource(cx, ty, value)?;
            write(cx, at, handle as u64, 4);
            Ok(())
        }
        _ => {
            let cases = cases(cx, ty, value)?;
            write(cx, at, cases.chosen.index as u64, cases.info.size.into());
            if let Some((payload, ty)) = cases.chosen.payload {
                store(cx, ty, payload, at + cases.info.payload_offset32 as usize)?;
            }
            Ok(())
        }
    }
}

fn store_items<T>(
    cx: &mut LowerContext<'_, T>,
    tys: impl Iterator<Item = InterfaceType>,
    items: &[Value],
    mut at: usize,
) -> Result<()> {
    for (ty, item) in tys.zip(items) {
        let offset = cx.types.canonical_abi(&ty).next_field32_size(&mut at);
        store(cx, ty, item, offset)?;
    }
    Ok(())
}

fn tuple_types<'a, T>(cx: &LowerContext<'a, T>, ty: InterfaceType) -> Result<(&'a [InterfaceType], &'a CanonicalAbiInfo)> {
    match ty {
        InterfaceType::Tuple(i) => Ok((&cx.types[i].types, &cx.types[i].abi)),
        _ => bail!("parameters and results are tuples"),
    }
}

/// Parameters of a function in the guest, or results of a function of the host: an array of
/// `bhd_value` that C keeps alive and unchanged until it has been written. `N` is how many flat
/// values there is room for.
pub struct Given<const N: usize> {
    pub data: *const Value,
    pub count: usize,
}

known_when_used!(Given<N>, N, N);

unsafe impl<const N: usize> Lower for Given<N> {
    fn linear_lower_to_flat<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        dst: &mut MaybeUninit<[ValRaw; N]>,
    ) -> Result<()> {
        let (tys, abi) = tuple_types(cx, ty)?;
        let values = unsafe { slice(self.data, self.count) };
        if values.len() != tys.len() {
            bail!("{} values where {} are expected", values.len(), tys.len());
        }
        // An array of uninitialised values is an uninitialised array.
        let dst: &mut [MaybeUninit<ValRaw>; N] = unsafe { &mut *dst.as_mut_ptr().cast() };
        let mut dst = dst.iter_mut();
        if abi.flat_count(N).is_some() {
            for (ty, value) in tys.iter().zip(values) {
                lower_flat(cx, *ty, value, &mut dst)?;
            }
            return Ok(());
        }
        // Too many for the stack: in memory, and the address is the one parameter.
        let at = cx.realloc(0, 0, abi.align32, abi.size32 as usize)?;
        store_items(cx, tys.iter().copied(), values, at)?;
        put(&mut dst, ValRaw::i64(at as i64))
    }

    fn linear_lower_to_memory<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        offset: usize,
    ) -> Result<()> {
        let (tys, _) = tuple_types(cx, ty)?;
        let values = unsafe { slice(self.data, self.count) };
        if values.len() != tys.len() {
            bail!("{} values where {} are expected", values.len(), tys.len());
        }
        store_items(cx, tys.iter().copied(), values, offset)
    }
}

/// The result of a function of the host: a tuple of C, freed when it has been written.
pub struct Answer<const N: usize>(Made);

known_when_used!(Answer<N>, N, N);

impl<const N: usize> Answer<N> {
    pub fn new(tuple: Value) -> Answer<N> {
        Answer(Made(tuple))
    }

    pub fn values(&self) -> &[Value] {
        unsafe { self.0.0.items() }
    }

    fn given(&self) -> Given<N> {
        let buffer = unsafe { self.0.0.of.buffer };
        Given { data: buffer.data.cast(), count: buffer.count }
    }
}

unsafe impl<const N: usize> Lower for Answer<N> {
    fn linear_lower_to_flat<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        dst: &mut MaybeUninit<[ValRaw; N]>,
    ) -> Result<()> {
        self.given().linear_lower_to_flat(cx, ty, dst)
    }

    fn linear_lower_to_memory<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        offset: usize,
    ) -> Result<()> {
        self.given().linear_lower_to_memory(cx, ty, offset)
    }
}
