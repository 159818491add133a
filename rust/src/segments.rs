//! Joins neighbouring data segments of core modules, also of those inside components.
//!
//! Without images of memories the engine makes code of each active segment. Go's linker begins a new
//! one after every few zeros, tens of thousands in all, and compiling those takes more time and
//! memory than the program does. Joined, they are a few.
//!
//! What a module does is not changed, and the input may be anything. Segments A and B, B next in
//! the section, are joined when
//! - both are active in one memory that the module declares itself, as B's offset is in A's; so its
//!   first size is known, and that it is zeros until the first segment is copied. Nothing comes
//!   between: tables are filled before all data, `start` runs after it, and constant expressions
//!   read no memory. (A passive segment, or one of another memory, between A and B: not joined.)
//! - both offsets are single constants of 32 bits, and both lie inside of the memory's first size,
//!   so neither can trap. One that may trap stays where it is among the others, so what was copied
//!   before it is too, which a function in somebody's table could still read.
//! - B begins where A ends, or up to `GAP_MAX` bytes later. Then the bytes between become zeros of
//!   the joined segment, and no earlier segment may have put anything there, nor may one have gone to
//!   an offset that is not known.
//! - nothing in the module knows segments by their numbers: no instruction names one. (Names of
//!   segments, which no engine reads, may be off afterwards.)
//!
//! An invalid binary stays invalid: none of these changes makes anything else fit. That sections come
//! in their order, and that the number of segments is what another section says, the parser sees.
//!
//! Frames and lines of source text name places in the binary. In a module by itself nothing but
//! custom sections follows data. Inside a component other modules do; there a section that becomes
//! shorter is padded, and one that becomes longer moves all that follows, which C is told. It does
//! so for many segments at once only; of few, what has no place among their own bytes is not joined.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::ops::Range;

use wasmparser::{
    ConstExpr, Data, DataKind, DataSectionReader, Encoding, FunctionBody, MemoryType, Operator, Parser,
    Payload, Result, TypeRef,
};
use wasmtime_c_api::wasm_byte_vec_t;

/// Zeros between two segments that are joined. A segment costs the engine more than this.
const GAP_MAX: usize = 64;
/// Segments that have to go for a section to move what follows: C remembers each move.
const MOVED_FOR: usize = 16;
/// In `Joins`: stays the beginning of a segment.
const APART: u8 = u8::MAX;
/// More are not valid; joined, they could be.
const SEGMENTS_MAX: u32 = 100_000;
/// Of an LEB128 of 32 bits.
const LEB_MAX: usize = 5;

const DATA: u8 = 11;

struct Memory {
    /// When the instance begins. `None`: imported, or its addresses have 64 bits.
    bytes: Option<u64>,
    /// What segments have been copied to so far: beginnings and ends of ranges that do not touch.
    written: BTreeMap<u64, u64>,
    /// Nobody knows where one went.
    is_unclear: bool,
}

impl Memory {
    fn new(bytes: Option<u64>) -> Self {
        Memory { bytes, written: BTreeMap::new(), is_unclear: false }
    }

    fn declared(ty: &MemoryType) -> Self {
        let page = 1u64.checked_shl(ty.page_size_log2.unwrap_or(16));
        let bytes = page.and_then(|page| ty.initial.checked_mul(page));
        Self::new(bytes.filter(|_| !ty.memory64))
    }

    fn is_zero(&self, range: Range<u64>) -> bool {
        let last = self.written.range(..range.end).next_back();
        range.is_empty() || !self.is_unclear && last.is_none_or(|(_, end)| *end <= range.start)
    }

    fn write(&mut self, mut range: Range<u64>) {
        while let Some((begin, end)) = self.written.range(..=range.end).next_back()
            && *end >= range.start
        {
            let begin = *begin;
            range = begin.min(range.start)..(*end).max(range.end);
            self.written.remove(&begin);
        }
        if !range.is_empty() {
            self.written.insert(range.start, range.end);
        }
    }
}

/// The bytes before a module or component in another one that say its size, and the size.
struct Size {
    bytes: Range<usize>,
    size: usize,
}

/// A component or core module while its sections go by.
struct Level<'a> {
    module: Option<Module<'a>>,
    /// Behind the last section of a component.
    end: usize,
    /// `None`: it is the whole binary.
    size: Option<Size>,
    /// Of what is inside of it.
    growth: usize,
}

impl Level<'_> {
    /// What the one around grows by. `None`: it is more than there are numbers.
    fn end(self, edits: &mut Vec<Edit>) -> Option<usize> {
        let Some(Size { bytes, size }) = self.size.filter(|_| self.growth > 0) else { return Some(0) };
        let size = u32::try_from(size.checked_add(self.growth)?).ok()?;
        let size_size = leb_size(size).max(bytes.len());
        let mut new = Vec::new();
        put_leb(&mut new, size, size_size)?;
        let growth = self.growth + (size_size - bytes.len());
        edits.push(Edit { old: bytes, new });
        Some(growth)
    }
}

/// A core module while its sections go by.
struct Module<'a> {
    is_nested: bool,
    /// Behind the last section.
    end: usize,
    memories: Vec<Memory>,
    /// What says how many segments there are.
    count: Option<Range<usize>>,
    /// Only where segments are counted; elsewhere no instruction may name one.
    bodies: Vec<FunctionBody<'a>>,
    /// Where the section begins with its number, and its contents.
    data: Option<(usize, DataSectionReader<'a>)>,
}

/// Bytes instead of others.
struct Edit {
    old: Range<usize>,
    new: Vec<u8>,
}

fn leb_size(n: u32) -> usize {
    ((32 - (n | 1).leading_zeros()) as usize).div_ceil(7)
}

/// With as many bytes as are asked for, if they are enough and not too many.
fn put_leb(out: &mut Vec<u8>, n: u32, size: usize) -> Option<()> {
    if size < leb_size(n) || size > LEB_MAX {
        return None;
    }
    for i in 0..size {
        let more = if i + 1 < size { 0x80 } else { 0 };
        out.push((n >> (7 * i) & 0x7f) as u8 | more);
    }
    Some(())
}

/// An offset that is a constant and nothing else.
fn constant(offset: &ConstExpr) -> Result<Option<u32>> {
    let mut operators = offset.get_operators_reader();
    let Operator::I32Const { value } = operators.read()? else { return Ok(None) };
    Ok(matches!(operators.read()?, Operator::End).then_some(value as u32))
}

/// What stands before the size of an active segment: its kind, its memory and its offset.
fn head(segment: &Data, offset: &ConstExpr) -> Range<usize> {
    segment.range.start..offset.get_binary_reader().range().end
}

/// For each segment the zeros between it and the one before, or `APART`.
struct Joins {
    gaps: Vec<u8>,
    /// What the section grows by when those with such a gap are joined.
    growth: [i64; GAP_MAX + 1],
}

impl Joins {
    fn find(section: &DataSectionReader, memories: &mut [Memory]) -> Result<Self> {
        let mut joins = Joins { gaps: Vec::new(), growth: [0; GAP_MAX + 1] };
        // The memory of the segment before, and where that one ends.
        let mut before: Option<(u32, u64)> = None;
        for segment in section.clone() {
            let segment = segment?;
            let last = before.take();
            let mut gap = APART;
            if let DataKind::Active { memory_index, offset_expr } = &segment.kind
                && let Some(memory) = memories.get_mut(*memory_index as usize)
            {
                let begin = constant(offset_expr)?.map(u64::from);
                let end = begin.and_then(|begin| begin.checked_add(segment.data.len() as u64));
                match (begin, end, memory.bytes) {
                    (Some(begin), Some(end), Some(bytes)) if end <= bytes => {
                        if let Some((index, last_end)) = last
                            && index == *memory_index
                            && let Some(between) = begin.checked_sub(last_end)
                            && between <= GAP_MAX as u64
                            && memory.is_zero(last_end..begin)
                        {
                            gap = between as u8;
                            let saved = head(&segment, offset_expr).len();
                            joins.growth[usize::from(gap)] += between as i64 - saved as i64;
                        }
                        memory.write(begin..end);
                        before = Some((*memory_index, end));
                    }
                    _ => memory.is_unclear = true,
                }
            }
            joins.gaps.push(gap);
        }
        Ok(joins)
    }

    /// Joins only over so many zeros that the section does not grow. The size of what is joined
    /// never takes more bytes than the two sizes before, so it needs no account.
    fn keep_size(&mut self) {
        let (mut grown, mut most) = (0, None);
        for (gap, growth) in self.growth.iter().enumerate() {
            grown += growth;
            if grown <= 0 {
                most = Some(gap);
            }
        }
        for gap in &mut self.gaps {
            if most.is_none_or(|most| usize::from(*gap) > most) {
                *gap = APART;
            }
        }
    }

    fn left(&self) -> usize {
        self.gaps.iter().filter(|gap| **gap == APART).count()
    }

    /// The segments as they are then, without their number.
    fn write(&self, binary: &[u8], section: &DataSectionReader) -> Result<Option<Vec<u8>>> {
        let zeros = self.gaps.iter().filter(|gap| **gap != APART).map(|gap| usize::from(*gap)).sum::<usize>();
        let mut out = Vec::new();
        if out.try_reserve_exact(section.range().len().saturating_add(zeros)).is_err() {
            return Ok(None);
        }
        let mut run = Run::default();
        for (segment, gap) in section.clone().into_iter().zip(&self.gaps) {
            let segment = segment?;
            if *gap == APART {
                if run.end(binary, &mut out).is_none() {
                    return Ok(None);
                }
                run.whole = segment.range.clone();
                if let DataKind::Active { offset_expr, .. } = &segment.kind {
                    run.head = head(&segment, offset_expr);
                }
            }
            run.parts.push((if *gap == APART { 0 } else { usize::from(*gap) }, segment.data));
        }
        Ok(run.end(binary, &mut out).map(|()| out))
    }
}

/// Segments that become one.
#[derive(Default)]
struct Run<'a> {
    /// The first of them.
    whole: Range<usize>,
    head: Range<usize>,
    /// With the zeros before each.
    parts: Vec<(usize, &'a [u8])>,
}

impl Run<'_> {
    fn end(&mut self, binary: &[u8], out: &mut Vec<u8>) -> Option<()> {
        if self.parts.len() <= 1 {
            // As it is, whatever it is.
            out.extend_from_slice(binary.get(self.whole.clone())?);
        } else {
            let size = self.parts.iter().map(|(gap, data)| gap + data.len()).sum::<usize>();
            let size = u32::try_from(size).ok()?;
            out.extend_from_slice(binary.get(self.head.clone())?);
            put_leb(out, size, leb_size(size))?;
            for (gap, data) in &self.parts {
                out.resize(out.len() + gap, 0);
                out.extend_from_slice(data);
            }
        }
        self.parts.clear();
        Some(())
    }
}

/// A data section, of the size of the one before if it has to be and can be.
fn section(segments: &[u8], count: u32, is_nested: bool, old: &Range<usize>, contents: usize) -> Option<Vec<u8>> {
    let mut count_size = leb_size(count);
    let mut size_size = contents.checked_sub(old.start + 1)?;
    let mut spare = 0;
    let room = (old.end - contents).checked_sub(count_size + segments.len());
    if let Some(room) = room.filter(|_| is_nested) {
        spare = room;
        // The smallest section has three bytes.
        if spare < 3 {
            count_size += spare;
            spare = 0;
        }
    }
    let size = u32::try_from(count_size + segments.len()).ok()?;
    if !is_nested {
        size_size = leb_size(size);
    } else if room.is_none() {
        size_size = size_size.max(leb_size(size));
    }
    let mut out = Vec::new();
    out.try_reserve_exact(segments.len() + spare + 1 + 2 * LEB_MAX).ok()?;
    out.push(DATA);
    put_leb(&mut out, size, size_size)?;
    put_leb(&mut out, count, count_size)?;
    out.extend_from_slice(segments);
    if spare > 0 {
        // A custom section without a name, of zeros.
        let size_size = if spare - 2 < 0x80 { 1 } else { LEB_MAX };
        let size = spare - 1 - size_size;
        out.push(0);
        put_leb(&mut out, u32::try_from(size).ok()?, size_size)?;
        out.resize(out.len() + size, 0);
    }
    Some(out)
}

impl<'a> Module<'a> {
    fn new(is_nested: bool, end: usize) -> Self {
        Module { is_nested, end, memories: Vec::new(), count: None, bodies: Vec::new(), data: None }
    }

    fn read(&mut self, payload: Payload<'a>) -> Result<()> {
        let Some((_, range)) = payload.as_section() else {
            if let (Payload::CodeSectionEntry(body), Some(_)) = (payload, &self.count) {
                self.bodies.push(body);
            }
            return Ok(());
        };
        let begin = std::mem::replace(&mut self.end, range.end);
        match payload {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    if let TypeRef::Memory(_) = import?.ty {
                        self.memories.push(Memory::new(None));
                    }
                }
            }
            Payload::MemorySection(memories) => {
                for ty in memories {
                    self.memories.push(Memory::declared(&ty?));
                }
            }
            Payload::DataCountSection { range, .. } => self.count = Some(range),
            Payload::DataSection(section) => self.data = Some((begin, section)),
            _ => {}
        }
        Ok(())
    }

    fn names_segments(&self) -> Result<bool> {
        for body in &self.bodies {
            let mut operators = body.get_operators_reader()?;
            while !operators.eof() {
                match operators.read()? {
                    Operator::MemoryInit { .. }
                    | Operator::DataDrop { .. }
                    | Operator::ArrayNewData { .. }
                    | Operator::ArrayInitData { .. } => return Ok(true),
                    _ => {}
                }
            }
        }
        Ok(false)
    }

    /// Gives what the module grows by.
    fn finish(mut self, binary: &'a [u8], edits: &mut Vec<Edit>) -> Result<usize> {
        let Some((begin, data)) = &self.data else { return Ok(0) };
        if data.count() > SEGMENTS_MAX {
            return Ok(0);
        }
        let mut joins = Joins::find(data, &mut self.memories)?;
        if self.is_nested && joins.gaps.len() - joins.left() < MOVED_FOR {
            joins.keep_size();
        }
        let left = joins.left();
        if left == joins.gaps.len() {
            return Ok(0);
        }
        let (begin, data) = (*begin, data.clone());
        if self.names_segments()? {
            return Ok(0);
        }
        let Ok(left) = u32::try_from(left) else { return Ok(0) };
        let Some(segments) = joins.write(binary, &data)? else { return Ok(0) };
        let old = begin..data.range().end;
        let Some(new) = section(&segments, left, self.is_nested, &old, data.range().start) else { return Ok(0) };
        if let Some(range) = self.count {
            let mut count = Vec::new();
            if put_leb(&mut count, left, range.len()).is_none() {
                return Ok(0);
            }
            edits.push(Edit { old: range, new: count });
        }
        let growth = new.len().saturating_sub(old.len());
        edits.push(Edit { old, new });
        Ok(growth)
    }
}

/// What to change, in the order of places.
fn edits(binary: &[u8]) -> Result<Vec<Edit>> {
    let mut edits = Vec::new();
    let mut open: Vec<Level> = Vec::new();
    let mut inner = None;
    for payload in Parser::new(0).parse_all(binary) {
        match payload? {
            Payload::Version { encoding, range, .. } => {
                let is_nested = !open.is_empty();
                let module = (encoding == Encoding::Module).then(|| Module::new(is_nested, range.end));
                open.push(Level { module, end: range.end, size: inner.take(), growth: 0 });
            }
            Payload::End(_) => {
                let Some(mut level) = open.pop() else { continue };
                if let Some(module) = level.module.take() {
                    level.growth = module.finish(binary, &mut edits)?;
                }
                let Some(growth) = level.end(&mut edits) else { return Ok(Vec::new()) };
                if let Some(around) = open.last_mut() {
                    around.growth += growth;
                }
            }
            Payload::ModuleSection { unchecked_range: range, .. }
            | Payload::ComponentSection { unchecked_range: range, .. } => {
                // The parser is content with one that is cut between two of its sections.
                if range.end > binary.len() {
                    return Ok(Vec::new());
                }
                let Some(around) = open.last_mut() else { continue };
                let begin = std::mem::replace(&mut around.end, range.end);
                // One byte says what it is.
                inner = Some(Size { bytes: begin + 1..range.start, size: range.len() });
            }
            payload => match open.last_mut() {
                Some(Level { module: Some(module), .. }) => module.read(payload)?,
                Some(level) => {
                    if let Some((_, range)) = payload.as_section() {
                        level.end = range.end;
                    }
                }
                None => {}
            },
        }
    }
    // The size of what is around comes before what is inside of it.
    edits.sort_by_key(|edit| edit.old.start);
    Ok(edits)
}

/// From a place on, of the new binary, all lies so many bytes further than it did.
#[repr(C)]
pub struct bhd_engine_move_t {
    place: u64,
    growth: u64,
}

/// `None`: nothing to join, not readable, or no memory for it.
fn join(binary: &[u8], mut moved: impl FnMut(bhd_engine_move_t)) -> Option<Vec<u8>> {
    let edits = edits(binary).ok().filter(|edits| !edits.is_empty())?;
    let mut out = Vec::new();
    let added = edits.iter().map(|edit| edit.new.len()).sum::<usize>();
    out.try_reserve_exact(binary.len().checked_add(added)?).ok()?;
    let (mut copied, mut growth) = (0, 0);
    for edit in edits {
        out.extend_from_slice(binary.get(copied..edit.old.start)?);
        out.extend_from_slice(&edit.new);
        copied = edit.old.end;
        let now = out.len().saturating_sub(copied);
        if now != std::mem::replace(&mut growth, now) {
            moved(bhd_engine_move_t { place: out.len() as u64, growth: now as u64 });
        }
    }
    out.extend_from_slice(binary.get(copied..)?);
    Some(out)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_join_segments(
    binary: *const u8,
    size: usize,
    joined: *mut wasm_byte_vec_t,
    env: *mut c_void,
    moved: extern "C" fn(*mut c_void, *const bhd_engine_move_t),
) -> bool {
    let binary = unsafe { crate::bytes(binary, size) };
    let Some(out) = join(binary, |place| moved(env, &place)) else { return false };
    unsafe { joined.write(out.into()) };
    true
}
