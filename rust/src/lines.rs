//! Lines of source text for places in a binary, out of the line programs that compilers leave there
//! (DWARF 2 to 5, section 6.2).
//!
//! A guest has written all of it, so everything has a bound: the bytes that are kept, and the steps
//! that reading them takes, which are counted for all places together. Who needs more has no lines,
//! whatever the format lets one ask for. A line program is run once for all places, and no table is
//! made of it. A table of files is read as far as the name that is wanted.

use std::cell::Cell;
use std::ops::Range;

use wasmparser::{Encoding, Parser, Payload};

use crate::bhd_engine_str_t;
use crate::branches::{self, Pair, bhd_engine_branch_t};

/// Of the tables of files and directories of one unit, how much is read.
const TABLES_MAX: usize = 64 * 1024;
/// Of one name.
const NAME_MAX: usize = 1024;
/// Of what an entry of a table is said to consist of; the standard knows five, compilers add one.
const FORMATS_MAX: usize = 16;
/// Places that are looked for at once.
const PLACES_MAX: usize = 64;

/* -- reading ------------------------------------------------------------------------------- */

/// What is left of the steps.
struct Steps(Cell<usize>);

impl Steps {
    /// Once they are not enough, nothing more is read.
    fn take(&self, count: usize) -> Option<()> {
        let left = self.0.get();
        self.0.set(left.saturating_sub(count));
        (left >= count).then_some(())
    }
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    bytes: &'a [u8],
    steps: &'a Steps,
}

impl<'a> Reader<'a> {
    fn with(self, bytes: &'a [u8]) -> Self {
        Self { bytes, ..self }
    }

    fn take(&mut self, size: usize) -> Option<&'a [u8]> {
        self.steps.take(1)?;
        let (taken, rest) = self.bytes.split_at_checked(size)?;
        self.bytes = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|b| b[0])
    }

    /// Little end first.
    fn number(&mut self, size: usize) -> Option<u64> {
        let bytes = self.take(size).filter(|b| b.len() <= 8)?;
        Some(bytes.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b)))
    }

    /// LEB128, how many bits that gave, and its last byte. No number needs more than ten bytes.
    fn leb(&mut self) -> Option<(u64, u32, u8)> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some((number, shift + 7, byte));
            }
        }
        None
    }

    fn unsigned(&mut self) -> Option<u64> {
        self.leb().map(|(number, ..)| number)
    }

    fn signed(&mut self) -> Option<i64> {
        let (number, shift, last) = self.leb()?;
        let is_negative = last & 0x40 != 0 && shift < 64;
        Some((if is_negative { number | u64::MAX << shift } else { number }) as i64)
    }

    /// Up to a zero.
    fn name(&mut self) -> Option<&'a [u8]> {
        let size = self.bytes.iter().position(|b| *b == 0)?;
        self.steps.take(size)?;
        let name = self.take(size)?;
        self.byte()?;
        Some(name)
    }
}

fn name_at(section: &[u8], at: u64) -> Option<&[u8]> {
    let rest = section.get(usize::try_from(at).ok()?..)?;
    let rest = &rest[..rest.len().min(NAME_MAX)];
    let size = rest.iter().position(|b| *b == 0).unwrap_or(rest.len());
    Some(&rest[..size])
}

/* -- what is kept -------------------------------------------------------------------------- */

struct Module {
    /// Where its code section is in the binary; addresses count from its beginning.
    code: Range<usize>,
    branches: Vec<Pair>,
    line: Vec<u8>,
    line_str: Vec<u8>,
    str: Vec<u8>,
}

#[allow(non_camel_case_types)]
pub struct bhd_engine_lines_t {
    modules: Vec<Module>,
    /// Of reading, for all places that are looked for at once.
    max_steps: usize,
}

fn keep(section: &mut Vec<u8>, data: &[u8], left: &mut usize) {
    if section.is_empty() && data.len() <= *left && section.try_reserve_exact(data.len()).is_ok() {
        section.extend_from_slice(data);
        *left -= data.len();
    }
}

/// Those of one module, out of all that were found in the binary, which are in its order.
fn of_module(all: &[bhd_engine_branch_t], code: &Range<usize>, most: usize) -> Vec<Pair> {
    let pair = |b: &bhd_engine_branch_t| Some((usize::try_from(b.branch).ok()?, usize::try_from(b.unreachable).ok()?));
    let begin = all.partition_point(|b| b.branch < code.start as u64);
    all[begin..].iter().map_while(pair).take_while(|pair| code.contains(&pair.0)).take(most).collect()
}

/// Keeps at most `left` bytes; a section that does not fit is left out.
fn read(binary: &[u8], branches: &[bhd_engine_branch_t], mut left: usize) -> Vec<Module> {
    let mut modules: Vec<Module> = Vec::new();
    // For each module or component that encloses what is read, the module.
    let mut open: Vec<Option<Module>> = Vec::new();
    for payload in Parser::new(0).parse_all(binary) {
        let Ok(payload) = payload else { break };
        match payload {
            Payload::Version { encoding, .. } => open.push((encoding == Encoding::Module).then(|| {
                Module { code: 0..0, branches: Vec::new(), line: Vec::new(), line_str: Vec::new(), str: Vec::new() }
            })),
            Payload::End(_) => {
                if let Some(Some(mut module)) = open.pop()
                    && !module.line.is_empty()
                    && modules.try_reserve(1).is_ok()
                {
                    let most = branches::OF_MODULE_MAX.min(left / size_of::<Pair>());
                    module.branches = of_module(branches, &module.code, most);
                    left -= module.branches.len() * size_of::<Pair>();
                    modules.push(module);
                }
            }
            Payload::CodeSectionStart { range, .. } => {
                if let Some(Some(module)) = open.last_mut() {
                    module.code = range.start as usize..range.end as usize;
                }
            }
            Payload::CustomSection(custom) => {
                if let Some(Some(module)) = open.last_mut() {
                    match custom.name() {
                        ".debug_line" => keep(&mut module.line, custom.data(), &mut left),
                        ".debug_line_str" => keep(&mut module.line_str, custom.data(), &mut left),
                        ".debug_str" => keep(&mut module.str, custom.data(), &mut left),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    modules
}

/* -- line programs ------------------------------------------------------------------------- */

/// A place that is looked for, and what is found of it.
struct Place {
    number: usize,
    address: u64,
    row: Option<Row>,
    is_found: bool,
}

#[derive(Clone, Copy)]
struct Row {
    address: u64,
    file: u64,
    line: u64,
}

struct Unit<'a> {
    version: u16,
    word: usize,
    step: u64,
    line_base: i64,
    line_range: u8,
    opcode_base: u8,
    operands: &'a [u8],
    tables: Reader<'a>,
    program: Reader<'a>,
}

/// The next unit, if what is there is one; `rest` goes on behind it.
fn next_unit<'a>(rest: &mut Reader<'a>) -> Option<Option<Unit<'a>>> {
    let (mut length, mut word) = (rest.number(4)?, 4);
    if length == 0xffff_ffff {
        (length, word) = (rest.number(8)?, 8);
    }
    let body = rest.take(usize::try_from(length).ok()?)?;
    Some(unit(rest.with(body), word))
}

fn unit(mut r: Reader<'_>, word: usize) -> Option<Unit<'_>> {
    let version = r.number(2)? as u16;
    if !(2..=5).contains(&version) {
        return None;
    }
    if version == 5 {
        r.take(2)?; // sizes of addresses and of segment selectors
    }
    let size = usize::try_from(r.number(word)?).ok()?;
    let header = r.take(size)?;
    let mut header = r.with(header);
    let step = u64::from(header.byte()?);
    header.take(if version >= 4 { 2 } else { 1 })?; // operations in one, is_stmt
    let line_base = i64::from(header.byte()? as i8);
    let line_range = header.byte().filter(|n| *n > 0)?;
    let opcode_base = header.byte().filter(|n| *n > 0)?;
    let operands = header.take(usize::from(opcode_base) - 1)?;
    let tables = header.with(&header.bytes[..header.bytes.len().min(TABLES_MAX)]);
    Some(Unit { version, word, step, line_base, line_range, opcode_base, operands, tables, program: r })
}

struct Machine<'a> {
    row: Row,
    /// The row before in the same sequence, and where the sequence began.
    before: Option<Row>,
    start: u64,
    /// In the order of addresses.
    places: &'a mut [Place],
    steps: &'a Steps,
}

const BEGIN: Row = Row { address: 0, file: 1, line: 1 };

impl Machine<'_> {
    /// What is between two rows belongs to the first. Linkers move what they leave out to 0.
    fn emit(&mut self) -> Option<()> {
        if let Some(before) = self.before
            && self.start > 0
            && before.line > 0
        {
            let first = self.places.partition_point(|p| p.address < before.address);
            for place in &mut self.places[first..] {
                self.steps.take(1)?;
                if place.address >= self.row.address {
                    break;
                }
                place.row.get_or_insert(before);
            }
        } else if self.before.is_none() {
            self.start = self.row.address;
        }
        self.before = Some(self.row);
        Some(())
    }

    fn end(&mut self) -> Option<()> {
        self.emit()?;
        (self.row, self.before) = (BEGIN, None);
        Some(())
    }

    fn advance(&mut self, unit: &Unit<'_>, operations: u64) {
        self.row.address = self.row.address.wrapping_add(operations.wrapping_mul(unit.step));
    }

    fn extended(&mut self, r: &mut Reader<'_>) -> Option<()> {
        let size = usize::try_from(r.unsigned()?).ok()?;
        let operand = r.take(size)?;
        let mut operand = r.with(operand);
        match operand.byte() {
            Some(1) => self.end()?,
            Some(2) => self.row.address = operand.number(size - 1).unwrap_or(0),
            _ => {}
        }
        Some(())
    }

    fn run(&mut self, unit: &Unit<'_>) -> Option<()> {
        let mut r = unit.program;
        while let Some(opcode) = r.byte() {
            if opcode >= unit.opcode_base {
                let adjusted = opcode - unit.opcode_base;
                self.advance(unit, u64::from(adjusted / unit.line_range));
                let lines = unit.line_base + i64::from(adjusted % unit.line_range);
                self.row.line = self.row.line.wrapping_add_signed(lines);
                self.emit()?;
                continue;
            }
            match opcode {
                0 => self.extended(&mut r)?,
                1 => self.emit()?,
                2 => self.advance(unit, r.unsigned()?),
                3 => self.row.line = self.row.line.wrapping_add_signed(r.signed()?),
                4 => self.row.file = r.unsigned()?,
                8 => self.advance(unit, u64::from((255 - unit.opcode_base) / unit.line_range)),
                9 => self.row.address = self.row.address.wrapping_add(r.number(2)?),
                _ => {
                    for _ in 0..unit.operands[usize::from(opcode) - 1] {
                        r.unsigned()?;
                    }
                }
            }
        }
        Some(())
    }
}

/* -- files --------------------------------------------------------------------------------- */

#[derive(Clone, Copy, Default)]
struct File<'a> {
    name: &'a [u8],
    directory: u64,
}

impl<'a> Module {
    /// One entry of a table of version 5; names elsewhere are looked up only for the one wanted.
    fn entry(
        &'a self,
        unit: &Unit<'a>,
        r: &mut Reader<'a>,
        formats: &[(u64, u64)],
        is_wanted: bool,
    ) -> Option<File<'a>> {
        let mut file = File::default();
        for &(content, form) in formats {
            let (mut name, mut number) = (&[][..], 0);
            let named = |section, r: &mut Reader<'a>| {
                let at = r.number(unit.word)?;
                if is_wanted { name_at(section, at) } else { Some(&[][..]) }
            };
            match form {
                0x08 => name = r.name()?,
                0x0e => name = named(&self.str, r)?,
                0x1f => name = named(&self.line_str, r)?,
                0x0b => number = r.number(1)?,
                0x05 => number = r.number(2)?,
                0x06 => number = r.number(4)?,
                0x07 => number = r.number(8)?,
                0x0f => number = r.unsigned()?,
                0x1e => drop(r.take(16)?),
                _ => return None,
            }
            match content {
                1 => file.name = name,
                2 => file.directory = number,
                _ => {}
            }
        }
        Some(file)
    }

    /// Behind the table, and the entry with this number. An entry takes a byte at least for each
    /// of its formats, which are read once.
    fn table(&'a self, unit: &Unit<'a>, r: &mut Reader<'a>, wanted: u64) -> Option<Option<File<'a>>> {
        let mut formats = [(0, 0); FORMATS_MAX];
        let formats = formats.get_mut(..usize::from(r.byte()?))?;
        for format in &mut *formats {
            *format = (r.unsigned()?, r.unsigned()?);
        }
        let count = r.unsigned()?;
        if formats.is_empty() && count > 0 {
            return None;
        }
        let mut found = None;
        for number in 0..count {
            let entry = self.entry(unit, r, formats, number == wanted)?;
            if number == wanted {
                found = Some(entry);
            }
        }
        Some(found)
    }

    fn name_5(&'a self, unit: &Unit<'a>, number: u64) -> Option<(&'a [u8], &'a [u8])> {
        let mut r = unit.tables;
        self.table(unit, &mut r, 0)?;
        let file = self.table(unit, &mut r, number)??;
        let directory = match file.directory {
            0 => None,
            n => self.table(unit, &mut unit.tables.clone(), n)?,
        };
        Some((directory.map_or(&[], |d| d.name), file.name))
    }

    fn name_4(unit: &Unit<'a>, number: u64) -> Option<(&'a [u8], &'a [u8])> {
        let mut r = unit.tables;
        while !r.name()?.is_empty() {}
        for at in 1.. {
            let name = r.name().filter(|n| !n.is_empty())?;
            let directory = r.unsigned()?;
            let _ = (r.unsigned()?, r.unsigned()?);
            if at < number {
                continue;
            }
            let mut directories = unit.tables;
            let mut found = &[][..];
            for _ in 0..directory {
                found = directories.name().filter(|n| !n.is_empty())?;
            }
            return Some((found, name));
        }
        None
    }

    /// The directory, if it is another than that of the compilation, and the name.
    fn name(&'a self, unit: &Unit<'a>, number: u64) -> Option<(&'a [u8], &'a [u8])> {
        if unit.version == 5 { self.name_5(unit, number) } else { Self::name_4(unit, number) }
    }

    /// The `unreachable` that a trap at this branch is of.
    fn led_to(&self, at: usize) -> Option<usize> {
        let found = self.branches.binary_search_by_key(&at, |pair| pair.0).ok()?;
        Some(self.branches[found].1)
    }

    fn find(
        &'a self,
        places: &mut [Place],
        steps: &'a Steps,
        found: &mut dyn FnMut(&Place, &'a [u8], &'a [u8], u64),
    ) -> Option<()> {
        let mut rest = Reader { bytes: &self.line, steps };
        while let Some(unit) = next_unit(&mut rest) {
            let Some(unit) = unit else { continue };
            steps.take(places.len())?;
            let places = &mut *places;
            let _ = Machine { row: BEGIN, before: None, start: 0, places, steps }.run(&unit);
            // Of the place before: those of one file are most often side by side.
            let mut known = None;
            for place in places {
                // The first unit that has a place names it, or nobody.
                let Some(row) = place.row.take() else { continue };
                if std::mem::replace(&mut place.is_found, true) {
                    continue;
                }
                let name = match known {
                    Some((file, name)) if file == row.file => name,
                    _ => self.name(&unit, row.file),
                };
                known = Some((row.file, name));
                if let Some((directory, name)) = name {
                    found(place, directory, name, row.line);
                }
            }
        }
        Some(())
    }
}

/* -- for C --------------------------------------------------------------------------------- */

/// Without data there is none. The texts belong to the lines.
#[repr(C)]
pub struct bhd_engine_line_t {
    directory: bhd_engine_str_t,
    file: bhd_engine_str_t,
    line: u32,
}

fn text(bytes: &[u8]) -> bhd_engine_str_t {
    bhd_engine_str_t { data: bytes.as_ptr(), size: bytes.len().min(NAME_MAX) }
}

/// Null when the binary has none, or none that fits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_lines_new(
    binary: *const u8,
    size: usize,
    branches: *const bhd_engine_branch_t,
    branch_count: usize,
    max_bytes: usize,
    max_steps: usize,
) -> Option<Box<bhd_engine_lines_t>> {
    let branches =
        if branch_count > 0 { unsafe { std::slice::from_raw_parts(branches, branch_count) } } else { &[] };
    let modules = read(unsafe { crate::bytes(binary, size) }, branches, max_bytes);
    if modules.is_empty() { None } else { Some(Box::new(bhd_engine_lines_t { modules, max_steps })) }
}

#[unsafe(no_mangle)]
pub extern "C" fn bhd_engine_lines_delete(_: Option<Box<bhd_engine_lines_t>>) {}

/// Writes a line for each of the offsets into the binary, of which there are at most 64. The first
/// is that of an `unreachable`, or of a branch in its place, if `is_unreachable`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_lines_find(
    lines: &bhd_engine_lines_t,
    offsets: *const usize,
    count: usize,
    is_unreachable: bool,
    out: *mut bhd_engine_line_t,
) {
    let offsets = unsafe { std::slice::from_raw_parts(offsets, count.min(PLACES_MAX)) };
    let out = unsafe { std::slice::from_raw_parts_mut(out, offsets.len()) };
    let steps = Steps(Cell::new(lines.max_steps));
    for module in &lines.modules {
        let mut places: Vec<Place> = offsets
            .iter()
            .enumerate()
            .filter(|(_, at)| module.code.contains(at))
            .map(|(number, at)| {
                let led = if number == 0 && is_unreachable { module.led_to(*at) } else { None };
                let address = (led.unwrap_or(*at) - module.code.start) as u64;
                Place { number, address, row: None, is_found: false }
            })
            .collect();
        if places.is_empty() {
            continue;
        }
        places.sort_by_key(|p| p.address);
        let _ = module.find(&mut places, &steps, &mut |place, directory, name, line| {
            let line = u32::try_from(line).unwrap_or(u32::MAX);
            out[place.number] =
                bhd_engine_line_t { directory: text(directory), file: text(name), line };
        });
    }
}
