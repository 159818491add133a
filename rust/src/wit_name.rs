//! Names as WIT has them.

/// `wasi:io/streams@0.2.0` in its parts.
#[derive(Clone, Copy)]
pub struct InterfaceName<'a> {
    pub namespace: &'a str,
    pub name: &'a str,
    pub interface: &'a str,
    /// With its `@`, or empty.
    pub version: &'a str,
}

impl<'a> InterfaceName<'a> {
    /// Any other form of name (a URL, a hash, a nested package) has no place in WIT.
    pub fn read(name: &'a str) -> Option<Self> {
        let (path, version) = name.split_at(name.find('@').unwrap_or(name.len()));
        let (package, interface) = path.split_once('/')?;
        let (namespace, name) = package.split_once(':')?;
        let is_version = version.bytes().all(|b| b.is_ascii_alphanumeric() || b"@.+-".contains(&b));
        let ok = [namespace, name, interface].into_iter().all(is_label) && is_version;
        ok.then_some(InterfaceName { namespace, name, interface, version })
    }

    pub fn package(&self) -> (&'a str, &'a str, &'a str) {
        (self.namespace, self.name, self.version)
    }
}

/// What WIT takes for a name.
pub fn is_label(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

const KEYWORDS: &[&str] = &[
    "as", "async", "bool", "borrow", "char", "constructor", "enum", "error-context", "export", "f32",
    "f64", "flags", "from", "func", "future", "import", "include", "interface", "list", "map", "option",
    "own", "package", "record", "resource", "result", "s16", "s32", "s64", "s8", "static", "stream",
    "string", "tuple", "type", "u16", "u32", "u64", "u8", "use", "variant", "with", "world",
];

pub fn push_id(text: &mut String, name: &str) {
    if KEYWORDS.contains(&name) {
        text.push('%');
    }
    text.push_str(name);
}
