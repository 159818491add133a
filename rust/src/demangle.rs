//! Names of functions as a person wrote them, for what is known beforehand.
//!
//! What a name of C++ means can be exponentially longer than the name, and its parser tries what an
//! expression could be exponentially often; nothing in it counts steps. So only names of a plain
//! shape reach it: few references to earlier parts, nested a little, without expressions. The
//! counts below are where a search for the worst name (changing names at random, keeping what takes
//! longer) stayed below 2 ms; nine of ten names of a large C++ program are below them. Rust's take
//! linear time until the room is full.

use std::fmt::{self, Write};

use cpp_demangle::{DemangleOptions, Symbol};

const MAX_CPP: usize = 256;
const MAX_CPP_REFERENCES: usize = 12;
const MAX_CPP_DEPTH: usize = 6;
const MAX_RUST: usize = 1024;

/// Takes what fits and then ends whoever writes.
pub struct Sink<'a> {
    buffer: &'a mut [u8],
    used: usize,
}

impl<'a> Sink<'a> {
    pub fn new(buffer: &'a mut [u8]) -> Sink<'a> {
        Sink { buffer, used: 0 }
    }

    /// The same for a buffer of C.
    pub unsafe fn of(buffer: *mut u8, capacity: usize) -> Sink<'a> {
        Sink::new(match capacity {
            0 => &mut [],
            _ => unsafe { std::slice::from_raw_parts_mut(buffer, capacity) },
        })
    }

    pub fn used(&self) -> usize {
        self.used
    }

    pub fn is_full(&self) -> bool {
        self.used == self.buffer.len()
    }
}

impl Write for Sink<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let fits = text.len().min(self.buffer.len() - self.used);
        self.buffer[self.used..self.used + fits].copy_from_slice(&text.as_bytes()[..fits]);
        self.used += fits;
        if fits < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

fn count(text: &[u8], is_part: impl Fn(&u8) -> bool) -> usize {
    text.iter().take_while(|b| is_part(b)).count()
}

fn digits(text: &[u8]) -> usize {
    count(text, u8::is_ascii_digit)
}

/// What follows the letter of `S_`, `S1A_`, `T0_`: its size with the underscore.
fn sequence(text: &[u8]) -> Option<usize> {
    let n = count(text, |b| b.is_ascii_digit() || b.is_ascii_uppercase());
    (text.get(n) == Some(&b'_')).then_some(n + 1)
}

/// The size of a name with its length in front.
fn source_name(text: &[u8]) -> Option<usize> {
    let n = digits(text);
    let size: usize = std::str::from_utf8(&text[..n]).ok()?.parse().ok()?;
    (size > 0 && size <= text.len() - n).then_some(n + size)
}

/// The size of a number as an argument of a template: a builtin type, digits, and the end.
fn literal(text: &[u8]) -> Option<usize> {
    let sign = usize::from(text.get(2) == Some(&b'n'));
    let n = 2 + sign + digits(text.get(2 + sign..)?);
    let is_number = text[1].is_ascii_lowercase() && n > 2 + sign;
    (is_number && text.get(n) == Some(&b'E')).then_some(n + 1)
}

/// Whether the rest of a mangled name of C++ is of the shape whose cost is known. It says nothing
/// about whether it means anything.
fn is_plain(mut rest: &[u8]) -> bool {
    let (mut references, mut depth) = (0, 0);
    while let [first, tail @ ..] = rest {
        let size = match first {
            b'0'..=b'9' => source_name(rest),
            b'S' | b'T' => match (first, sequence(tail)) {
                (_, Some(n)) => {
                    references += 1;
                    Some(1 + n)
                }
                // Abbreviations of names in std.
                (b'S', None) if tail.first().is_some_and(|b| b"tabsiod".contains(b)) => Some(2),
                _ => None,
            },
            b'L' => literal(rest),
            b'A' => (tail.get(digits(tail)) == Some(&b'_')).then_some(2 + digits(tail)),
            b'C' | b'D' => matches!(tail.first(), Some(b'0'..=b'3')).then_some(2),
            b'N' | b'I' | b'J' | b'F' => {
                depth += 1;
                (depth <= MAX_CPP_DEPTH).then_some(1)
            }
            b'E' if depth > 0 => {
                depth -= 1;
                Some(1)
            }
            b'K' | b'V' | b'P' | b'R' | b'O' | b'M' | b'B' => Some(1),
            // Conversions read what follows them twice, at each depth.
            b'c' if tail.first() == Some(&b'v') => None,
            b'u' => None,
            b'a'..=b'z' => Some(1),
            _ => None,
        };
        let Some(size) = size else { return false };
        rest = &rest[size..];
    }
    depth == 0 && references <= MAX_CPP_REFERENCES
}

fn cpp(name: &str, sink: &mut Sink<'_>) -> bool {
    let Some(rest) = name.strip_prefix("_Z").or_else(|| name.strip_prefix("__Z")) else {
        return false;
    };
    if name.len() > MAX_CPP || !is_plain(rest.as_bytes()) {
        return false;
    }
    let Ok(symbol) = Symbol::new(name.as_bytes()) else { return false };
    symbol.structured_demangle(sink, &DemangleOptions::new()).is_ok() || sink.is_full()
}

fn rust(name: &str, sink: &mut Sink<'_>) -> bool {
    let is_mangled = ["_R", "__R", "_ZN", "__ZN"].iter().any(|p| name.starts_with(p));
    if name.len() > MAX_RUST || !is_mangled {
        return false;
    }
    let Ok(symbol) = rustc_demangle::try_demangle(name) else { return false };
    write!(sink, "{symbol}").is_ok() || sink.is_full()
}

/// Writes a function's name as a person wrote it, and what is not mangled or dear to expand as it
/// is; returns what was written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_demangle(
    name: *const u8,
    size: usize,
    buffer: *mut u8,
    capacity: usize,
) -> usize {
    let bytes = unsafe { crate::bytes(name, size) };
    if bytes.len() <= MAX_RUST
        && let Ok(name) = std::str::from_utf8(bytes)
    {
        for expand in [rust, cpp] {
            let mut sink = unsafe { Sink::of(buffer, capacity) };
            if expand(name, &mut sink) {
                return sink.used();
            }
        }
    }
    let n = bytes.len().min(capacity);
    if n > 0 {
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), buffer, n) };
    }
    n
}
