//! TOML for C: every key and value with its place, and every syntax error at once.
//!
//! The text may be hostile and the caller's stack small. Dotted keys inside inline tables nest far
//! deeper than brackets alone (80 levels of brackets times 80 parts of a key), and the parser drops
//! what it refuses recursively. So a text that could nest deeply is read on a thread with a stack
//! that is large enough, the visit stops where C says, and the tree is taken apart with a loop.

use std::ffi::c_void;
use toml::de::{DeTable, DeValue};

use crate::bhd_engine_str_t;

#[repr(C)]
pub struct bhd_toml_item_t {
    /// The key, without quotes. Empty for an element of an array.
    key: bhd_engine_str_t,
    /// Byte offset of the key.
    key_offset: usize,
    kind: u32,
    /// Byte range of the value.
    value_offset: usize,
    value_end: usize,
    /// A string's content without quotes and escapes; the text of a number or date.
    text: bhd_engine_str_t,
    integer: i64,
    number: f64,
    boolean: bool,
    /// An integer or float that does not fit the type above.
    out_of_range: bool,
}

#[repr(C)]
pub struct bhd_toml_visitor_t {
    env: *mut c_void,
    /// A value; for a table or an array its content follows, then `leave`.
    item: extern "C" fn(*mut c_void, *const bhd_toml_item_t),
    leave: extern "C" fn(*mut c_void),
    error: extern "C" fn(*mut c_void, usize, bhd_engine_str_t),
    /// Levels of tables and arrays that are visited; what lies deeper is left out.
    max_depth: usize,
}

const STRING: u32 = 0;
const INTEGER: u32 = 1;
const FLOAT: u32 = 2;
const BOOLEAN: u32 = 3;
const DATETIME: u32 = 4;
const ARRAY: u32 = 5;
const TABLE: u32 = 6;

/// As many dots and opening brackets nest in less than 64 KiB of stack.
const SHALLOW: usize = 256;
/// Measured: the deepest text that the parser accepts needs less than 1 MiB.
const DEEP_STACK: usize = 8 << 20;

fn value(
    v: &bhd_toml_visitor_t,
    depth: usize,
    key: &str,
    key_offset: usize,
    span: std::ops::Range<usize>,
    value: &DeValue<'_>,
) {
    let mut item = bhd_toml_item_t {
        key: key.into(),
        key_offset,
        kind: TABLE,
        value_offset: span.start,
        value_end: span.end,
        text: "".into(),
        integer: 0,
        number: 0.0,
        boolean: false,
        out_of_range: false,
    };
    let date;
    match value {
        DeValue::String(s) => {
            item.kind = STRING;
            item.text = s.as_ref().into();
        }
        DeValue::Integer(i) => {
            item.kind = INTEGER;
            item.text = i.as_str().into();
            match i64::from_str_radix(i.as_str(), i.radix()) {
                Ok(n) => item.integer = n,
                Err(_) => item.out_of_range = true,
            }
            item.number = item.integer as f64;
        }
        DeValue::Float(f) => {
            item.kind = FLOAT;
            item.text = f.as_str().into();
            item.number = f.as_str().parse().unwrap_or(f64::INFINITY);
            item.out_of_range = item.number.is_infinite() && !f.as_str().contains("inf");
        }
        DeValue::Boolean(b) => {
            item.kind = BOOLEAN;
            item.boolean = *b;
        }
        DeValue::Datetime(d) => {
            item.kind = DATETIME;
            date = d.to_string();
            item.text = date.as_str().into();
        }
        DeValue::Array(_) => item.kind = ARRAY,
        DeValue::Table(_) => {}
    }
    (v.item)(v.env, &item);
    match value {
        DeValue::Array(a) => {
            for e in a.iter().take_while(|_| depth < v.max_depth) {
                self::value(v, depth + 1, "", e.span().start, e.span(), e.get_ref());
            }
            (v.leave)(v.env);
        }
        DeValue::Table(t) => {
            table(v, depth, t);
            (v.leave)(v.env);
        }
        _ => {}
    }
}

fn table(v: &bhd_toml_visitor_t, depth: usize, t: &DeTable<'_>) {
    if depth >= v.max_depth {
        return;
    }
    // In the order of the text, which is the order a person reads messages in.
    let mut entries: Vec<_> = t.iter().collect();
    entries.sort_by_key(|(k, _)| k.span().start);
    for (k, e) in entries {
        value(v, depth + 1, k.get_ref(), k.span().start, e.span(), e.get_ref());
    }
}

/// Frees a tree without recursion.
fn dismantle(root: DeTable<'_>) {
    let mut rest = vec![DeValue::Table(root)];
    while let Some(value) = rest.pop() {
        match value {
            DeValue::Table(t) => rest.extend(t.into_iter().map(|(_, e)| e.into_inner())),
            DeValue::Array(a) => rest.extend(a.into_iter().map(|e| e.into_inner())),
            _ => {}
        }
    }
}

fn document(text: &str, v: &bhd_toml_visitor_t) {
    let (root, errors) = DeTable::parse_recoverable(text);
    // In the order of the text. Looking a table up twice reports the same thing twice.
    let mut errors: Vec<_> =
        errors.iter().map(|e| (e.span().map_or(usize::MAX, |s| s.start), e.message())).collect();
    errors.sort();
    errors.dedup();
    for (at, message) in errors {
        (v.error)(v.env, at, message.into());
    }
    let root = root.into_inner();
    table(v, 0, &root);
    dismantle(root);
}

/// The visitor is used by one thread at a time: the caller waits.
struct Lent<'a>(&'a bhd_toml_visitor_t);
unsafe impl Send for Lent<'_> {}

impl Lent<'_> {
    fn document(self, text: &str) {
        document(text, self.0);
    }
}

/// Visits the whole document, errors first. Returns false if the text is not UTF-8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_toml_visit(
    text: *const u8,
    size: usize,
    visitor: &bhd_toml_visitor_t,
) -> bool {
    let Ok(text) = std::str::from_utf8(unsafe { crate::bytes(text, size) }) else {
        return false;
    };
    // Counted also where they do not nest: in strings and comments.
    if text.bytes().filter(|b| matches!(b, b'.' | b'[' | b'{')).nth(SHALLOW).is_none() {
        document(text, visitor);
        return true;
    }
    let lent = Lent(visitor);
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(DEEP_STACK);
        match thread.spawn_scoped(scope, move || lent.document(text)) {
            // The end of the scope alone would wait for the closure, not for the thread.
            Ok(thread) => thread.join().unwrap_or(()),
            Err(_) => {
                let message = "the text may nest deeply, and no thread to read it could be started";
                (visitor.error)(visitor.env, usize::MAX, message.into());
            }
        }
    });
    true
}
