//! Lines of source text for places in a binary, out of the line programs that compilers leave there
//! (DWARF 2 to 5, section 6.2).
//!
//! A guest has written all of it, so everything has a bound: the bytes that are kept, and time in
//! proportion to them. A line program is run once for all places; each of its steps takes a byte at
//! least, and no table is made of it. A table of files is read as far as the name that is wanted.

use std::ops::Range;

use wasmparser::{Encoding, Parser, Payload};

use crate::bhd_engine_str_t;

/// Of the tables of files and directories of one unit, how much is read.
const TABLES_MAX: usize = 64 * 1024;
/// Of one name.
const NAME_MAX: usize = 1024;
/// Places that are looked for at once.
const PLACES_MAX: usize = 64;

/* -- reading ------------------------------------------------------------------------------- */

#[derive(Clone, Copy)]
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, size: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(size)?;
        self.0 = rest;
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

    /// LEB128, and its last byte; what does not fit is lost.
    fn leb(&mut self) -> Option<(u64, u32, u8)> {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.byte()?;
            if shift < 64 {
                number |= u64::from(byte & 0x7f) << shift;
                shift += 7;
            }
            if byte & 0x80 == 0 {
                return Some((number, shift, byte));
            }
        }
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
        let size = self.0.iter().position(|b| *b == 0)?;
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
    line: Vec<u8>,
    line_str: Vec<u8>,
    str: Vec<u8>,
}

#[allow(non_camel_case_types)]
pub struct bhd_engine_lines_t {
    modules: Vec<Module>,
}

fn keep(section: &mut Vec<u8>, data: &[u8], left: &mut usize) {
    if section.is_empty() && data.len() <= *left && section.try_reserve_exact(data.len()).is_ok() {
        section.extend_from_slice(data);
        *left -= data.len();
    }
}

/// Keeps at most `left` bytes; a section that does not fit is left out.
fn read(binary: &[u8], mut left: usize) -> Vec<Module> {
    let mut modules: Vec<Module> = Vec::new();
    // For each module or component that encloses what is read, the module.
    let mut open: Vec<Option<Module>> = Vec::new();
    for payload in Parser::new(0).parse_all(binary) {
        let Ok(payload) = payload else { break };
        match payload {
            Payload::Version { encoding, .. } => open.push((encoding == Encoding::Module).then(|| {
                Module { code: 0..0, line: Vec::new(), line_str: Vec::new(), str: Vec::new() }
            })),
            Payload::End(_) => {
                if let Some(Some(module)) = open.pop()
                    && !module.line.is_empty()
                    && modules.try_reserve(1).is_ok()
                {
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
    Some(unit(Reader(body), word))
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
    let mut header = Reader(r.take(size)?);
    let step = u64::from(header.byte()?);
    header.take(if version >= 4 { 2 } else { 1 })?; // operations in one, is_stmt
    let line_base = i64::from(header.byte()? as i8);
    let line_range = header.byte().filter(|n| *n > 0)?;
    let opcode_base = header.byte().filter(|n| *n > 0)?;
    let operands = header.take(usize::from(opcode_base) - 1)?;
    header.0 = &header.0[..header.0.len().min(TABLES_MAX)];
    let tables = header;
    Some(Unit { version, word, step, line_base, line_range, opcode_base, operands, tables, program: r })
}

struct Machine<'a> {
    row: Row,
    /// The row before in the same sequence, and where the sequence began.
    before: Option<Row>,
    start: u64,
    /// In the order of addresses.
    places: &'a mut [Place],
}

const BEGIN: Row = Row { address: 0, file: 1, line: 1 };

impl Machine<'_> {
    /// What is between two rows belongs to the first. Linkers move what they leave out to 0.
    fn emit(&mut self) {
        if let Some(before) = self.before
            && self.start > 0
            && before.line > 0
        {
            let first = self.places.partition_point(|p| p.address < before.address);
            for place in &mut self.places[first..] {
                if place.address >= self.row.address {
                    break;
                }
                place.row.get_or_insert(before);
            }
        } else if self.before.is_none() {
            self.start = self.row.address;
        }
        self.before = Some(self.row);
    }

    fn end(&mut self) {
        self.emit();
        (self.row, self.before) = (BEGIN, None);
    }

    fn advance(&mut self, unit: &Unit<'_>, operations: u64) {
        self.row.address = self.row.address.wrapping_add(operations.wrapping_mul(unit.step));
    }

    fn extended(&mut self, r: &mut Reader<'_>) -> Option<()> {
        let size = usize::try_from(r.unsigned()?).ok()?;
        let mut operand = Reader(r.take(size)?);
        match operand.byte() {
            Some(1) => self.end(),
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
                self.emit();
                continue;
            }
            match opcode {
                0 => self.extended(&mut r)?,
                1 => self.emit(),
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
        mut format: Reader<'a>,
        is_wanted: bool,
    ) -> Option<File<'a>> {
        let mut file = File::default();
        while !format.0.is_empty() {
            let (content, form) = (format.unsigned()?, format.unsigned()?);
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

    /// Behind the table, and the entry with this number. An entry takes a byte at least.
    fn table(&'a self, unit: &Unit<'a>, r: &mut Reader<'a>, wanted: u64) -> Option<Option<File<'a>>> {
        let mut format = *r;
        let mut after = Reader(format.0);
        for _ in 0..2 * usize::from(after.byte()?) {
            after.unsigned()?;
        }
        format.byte()?;
        format.0 = &format.0[..format.0.len() - after.0.len()];
        let count = after.unsigned()?;
        let mut found = None;
        for number in 0..count {
            let before = after.0.len();
            let entry = self.entry(unit, &mut after, format, number == wanted)?;
            if number == wanted {
                found = Some(entry);
            }
            if after.0.len() == before {
                return None;
            }
        }
        *r = after;
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

    fn find(&'a self, places: &mut [Place], found: &mut dyn FnMut(&Place, &'a [u8], &'a [u8], u64)) {
        let mut rest = Reader(&self.line);
        while let Some(unit) = next_unit(&mut rest) {
            let Some(unit) = unit else { continue };
            let mut machine = Machine { row: BEGIN, before: None, start: 0, places: &mut *places };
            let _ = machine.run(&unit);
            for place in &mut *places {
                // The first unit that has a place names it, or nobody.
                if let Some(row) = place.row.take()
                    && !std::mem::replace(&mut place.is_found, true)
                    && let Some((directory, name)) = self.name(&unit, row.file)
                {
                    found(place, directory, name, row.line);
                }
            }
        }
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
    max_bytes: usize,
) -> Option<Box<bhd_engine_lines_t>> {
    let modules = read(unsafe { crate::bytes(binary, size) }, max_bytes);
    if modules.is_empty() { None } else { Some(Box::new(bhd_engine_lines_t { modules })) }
}

#[unsafe(no_mangle)]
pub extern "C" fn bhd_engine_lines_delete(_: Option<Box<bhd_engine_lines_t>>) {}

/// Writes a line for each of the offsets into the binary, of which there are at most 64.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_lines_find(
    lines: &bhd_engine_lines_t,
    offsets: *const usize,
    count: usize,
    out: *mut bhd_engine_line_t,
) {
    let offsets = unsafe { std::slice::from_raw_parts(offsets, count.min(PLACES_MAX)) };
    let out = unsafe { std::slice::from_raw_parts_mut(out, offsets.len()) };
    for module in &lines.modules {
        let mut places: Vec<Place> = offsets
            .iter()
            .enumerate()
            .filter(|(_, at)| module.code.contains(at))
            .map(|(number, at)| Place { number, address: (at - module.code.start) as u64, row: None, is_found: false })
            .collect();
        if places.is_empty() {
            continue;
        }
        places.sort_by_key(|p| p.address);
        module.find(&mut places, &mut |place, directory, name, line| {
            let line = u32::try_from(line).unwrap_or(u32::MAX);
            out[place.number] =
                bhd_engine_line_t { directory: text(directory), file: text(name), line };
        });
    }
}
