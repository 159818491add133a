//! TOML for C: every key and value with its place, and every syntax error at once.

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
}

const STRING: u32 = 0;
const INTEGER: u32 = 1;
const FLOAT: u32 = 2;
const BOOLEAN: u32 = 3;
const DATETIME: u32 = 4;
const ARRAY: u32 = 5;
const TABLE: u32 = 6;

fn value(
    v: &bhd_toml_visitor_t,
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
            match f.as_str().parse() {
                Ok(n) => item.number = n,
                Err(_) => item.out_of_range = true,
            }
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
            for element in a.iter() {
                self::value(v, "", element.span().start, element.span(), element.get_ref());
            }
            (v.leave)(v.env);
        }
        DeValue::Table(t) => {
            table(v, t);
            (v.leave)(v.env);
        }
        _ => {}
    }
}

fn table(v: &bhd_toml_visitor_t, t: &DeTable<'_>) {
    // In the order of the text, which is the order a person reads messages in.
    let mut entries: Vec<_> = t.iter().collect();
    entries.sort_by_key(|(k, _)| k.span().start);
    for (k, e) in entries {
        value(v, k.get_ref(), k.span().start, e.span(), e.get_ref());
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
    let (root, errors) = DeTable::parse_recoverable(text);
    for e in &errors {
        let at = e.span().map_or(0, |s| s.start);
        (visitor.error)(visitor.env, at, e.message().into());
    }
    table(visitor, root.get_ref());
    true
}
