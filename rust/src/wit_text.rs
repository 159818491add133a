//! Writes a `World` as text. Every function stops as soon as there is more text than allowed.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use wasmparser::component_types::{
    AliasableResourceId, ComponentAnyTypeId, ComponentDefinedType, ComponentDefinedTypeId,
    ComponentEntityType, ComponentFuncType, ComponentFuncTypeId, ComponentValType,
};

use crate::wit_name::{InterfaceName, is_label, push_id};
use crate::wit_world::{Item, Place, World};

/// Of a name that is no identifier.
const NAME_SHOWN: usize = 200;

/// The package that the text itself is; only one place may say what is in it.
const ROOT: (&str, &str, &str) = ("root", "component", "");

const NO_NAME: &str = "a type without a name";
const OUT_OF_REACH: &str = "a type of an interface without a name";
const TOO_DEEP: &str = "a type that is nested too deeply";

fn push_package(text: &mut String, name: &InterfaceName) {
    push_id(text, name.namespace);
    text.push(':');
    push_id(text, name.name);
}

/// A name of any form, for a comment.
fn shown(name: &str) -> String {
    let mut text = String::new();
    for (n, c) in name.chars().enumerate() {
        match c {
            _ if n == NAME_SHOWN => {
                text.push_str("...");
                break;
            }
            '\\' => text.push_str("\\\\"),
            ' '..='~' => text.push(c),
            _ => text.extend(c.escape_unicode()),
        }
    }
    text
}

/// A declaration that is being written, and why it cannot be WIT if it cannot.
#[derive(Default)]
struct Line {
    text: String,
    why: Option<&'static str>,
}

impl Line {
    /// Commented out when it is not WIT.
    fn end(self) -> String {
        let Some(why) = self.why else { return self.text };
        let mut text = format!("// Not WIT ({why}):");
        for line in self.text.lines() {
            let _ = write!(text, "\n// {line}");
        }
        text
    }
}

/// Declarations of one level. Those that take several lines, and those of different kinds, have an
/// empty line between them.
#[derive(Default)]
struct Block<'a> {
    text: String,
    last: Option<(u8, bool)>,
    /// What an interface has by name, since it may be imported and exported.
    seen: HashMap<&'a str, String>,
}

impl Block<'_> {
    fn add(&mut self, kind: u8, declaration: &str) {
        let is_long = declaration.contains('\n');
        if let Some((last, was_long)) = self.last
            && (last != kind || was_long || is_long)
        {
            self.text.push('\n');
        }
        self.last = Some((kind, is_long));
        self.text.push_str(declaration);
        self.text.push('\n');
    }

    /// The block between braces, as one declaration.
    fn within(&self, head: &str) -> String {
        if self.text.is_empty() {
            return format!("{head} {{}}");
        }
        let mut text = format!("{head} {{\n");
        for line in self.text.lines() {
            let indent = if line.is_empty() { "" } else { "  " };
            let _ = writeln!(text, "{indent}{line}");
        }
        text.push('}');
        text
    }
}

const USES: u8 = 0;
const TYPES: u8 = 1;
const EXPORTED_TYPES: u8 = 2;
const FUNCTIONS: u8 = 3;
const OTHERS: u8 = 4;
const IMPORTS: u8 = 5;
const EXPORTS: u8 = 6;

enum Name<'a> {
    Plain(&'a str),
    Constructor { resource: &'a str },
    Method { resource: &'a str, name: &'a str, is_static: bool },
    /// Not an identifier.
    Other,
}

impl<'a> Name<'a> {
    fn read(name: &'a str) -> Self {
        if let Some(resource) = name.strip_prefix("[constructor]") {
            return Name::Constructor { resource };
        }
        for (prefix, is_static) in [("[method]", false), ("[static]", true)] {
            if let Some((resource, name)) = name.strip_prefix(prefix).and_then(|n| n.split_once('.')) {
                return Name::Method { resource, name, is_static };
            }
        }
        if is_label(name) { Name::Plain(name) } else { Name::Other }
    }

    fn resource(&self) -> Option<&'a str> {
        match self {
            Name::Constructor { resource } | Name::Method { resource, .. } => Some(resource),
            _ => None,
        }
    }
}

/// What begins the declaration of a type.
fn word(ty: &ComponentDefinedType) -> &'static str {
    match ty {
        ComponentDefinedType::Record(_) => "record",
        ComponentDefinedType::Variant(_) => "variant",
        ComponentDefinedType::Flags(_) => "flags",
        ComponentDefinedType::Enum(_) => "enum",
        _ => "type",
    }
}

/// Functions of the resources of one home, by the resource's name.
type Methods<'a> = HashMap<&'a str, Vec<(&'a str, ComponentFuncTypeId)>>;

struct Writer<'a> {
    world: World<'a>,
    room: usize,
    is_cut: bool,
}

impl<'a> Writer<'a> {
    fn is_full(&mut self, text: &str) -> bool {
        self.is_cut |= text.len() > self.room;
        self.is_cut
    }

    /// Takes the room of a declaration that is finished.
    fn spend(&mut self, text: &str) {
        if !self.is_full(text) {
            self.room -= text.len();
        }
    }

    /// The name of a type where it is used; empty when it has none.
    fn name(&mut self, line: &mut Line, home: usize, id: ComponentAnyTypeId) -> Cow<'a, str> {
        match self.world.find(home, id) {
            Some(found) if found.home == home => found.name,
            Some(found) if self.world.can_use(&found) => self.world.add_use(home, &found, None),
            Some(found) => {
                line.why = Some(OUT_OF_REACH);
                found.name
            }
            None => "".into(),
        }
    }

    fn value(&mut self, line: &mut Line, home: usize, ty: ComponentValType, depth: u32) {
        match ty {
            ComponentValType::Primitive(p) => {
                let _ = write!(line.text, "{p}");
            }
            ComponentValType::Type(id) => {
                let name = self.name(line, home, id.into());
                if name.is_empty() {
                    self.shape(line, home, id, depth + 1);
                } else {
                    push_id(&mut line.text, &name);
                }
            }
        }
    }

    /// A type that has no name of its own, written out.
    fn shape(&mut self, line: &mut Line, home: usize, id: ComponentDefinedTypeId, depth: u32) {
        let ty = self.world.types.get(id).filter(|_| depth <= self.world.bounds.depth);
        let Some(ty) = ty else {
            line.text.push_str("...");
            line.why = Some(TOO_DEEP);
            return;
        };
        if self.is_full(&line.text) {
            return;
        }
        match ty {
            ComponentDefinedType::Primitive(p) => self.value(line, home, ComponentValType::Primitive(*p), depth),
            ComponentDefinedType::List { element, .. } => self.generic(line, home, "list", &[*element], depth),
            ComponentDefinedType::FixedLengthList { element, length, .. } => {
                self.generic(line, home, "list", &[*element], depth);
                line.text.pop();
                let _ = write!(line.text, ", {length}>");
            }
            ComponentDefinedType::Map { key, value, .. } => self.generic(line, home, "map", &[*key, *value], depth),
            ComponentDefinedType::Tuple(t) => self.generic(line, home, "tuple", &t.types, depth),
            ComponentDefinedType::Option { ty, .. } => self.generic(line, home, "option", &[*ty], depth),
            ComponentDefinedType::Future { ty, .. } => self.generic(line, home, "future", ty.as_slice(), depth),
            ComponentDefinedType::Stream { ty, .. } => self.generic(line, home, "stream", ty.as_slice(), depth),
            ComponentDefinedType::Result { ok, err, .. } => match (ok, err) {
                (None, Some(err)) => {
                    line.text.push_str("result<_, ");
                    self.value(line, home, *err, depth);
                    line.text.push('>');
                }
                (ok, err) => {
                    let parts: Vec<_> = ok.iter().chain(err).copied().collect();
                    self.generic(line, home, "result", &parts, depth);
                }
            },
            ComponentDefinedType::Own(r) => self.resource(line, home, *r),
            ComponentDefinedType::Borrow(r) => {
                line.text.push_str("borrow<");
                self.resource(line, home, *r);
                line.text.push('>');
            }
            ComponentDefinedType::Record(_)
            | ComponentDefinedType::Variant(_)
            | ComponentDefinedType::Flags(_)
            | ComponentDefinedType::Enum(_) => {
                line.why = Some(NO_NAME);
                line.text.push_str(word(ty));
                line.text.push(' ');
                self.fields(line, home, ty, depth, false);
            }
        }
    }

    fn generic(&mut self, line: &mut Line, home: usize, head: &str, parts: &[ComponentValType], depth: u32) {
        line.text.push_str(head);
        for (n, part) in parts.iter().enumerate() {
            if self.is_full(&line.text) {
                return;
            }
            line.text.push_str(if n == 0 { "<" } else { ", " });
            self.value(line, home, *part, depth);
        }
        if !parts.is_empty() {
            line.text.push('>');
        }
    }

    fn resource(&mut self, line: &mut Line, home: usize, id: AliasableResourceId) {
        let name = self.name(line, home, id.into());
        if name.is_empty() {
            line.why = Some(NO_NAME);
            line.text.push_str("resource");
        } else {
            push_id(&mut line.text, &name);
        }
    }

    /// The fields of a record, or the cases of a variant, enum or flags: a line for each, or one line.
    fn fields(&mut self, line: &mut Line, home: usize, ty: &ComponentDefinedType, depth: u32, is_long: bool) {
        type Fields<'f> = Box<dyn Iterator<Item = (&'f str, Option<ComponentValType>)> + 'f>;
        let is_record = matches!(ty, ComponentDefinedType::Record(_));
        let fields: Fields = match ty {
            ComponentDefinedType::Record(r) => Box::new(r.fields.iter().map(|(n, t)| (n.as_str(), Some(*t)))),
            ComponentDefinedType::Variant(v) => Box::new(v.cases.iter().map(|(n, c)| (n.as_str(), c.ty))),
            ComponentDefinedType::Flags(names) | ComponentDefinedType::Enum(names) => {
                Box::new(names.iter().map(|n| (n.as_str(), None)))
            }
            _ => return,
        };
        line.text.push('{');
        for (n, (field, ty)) in fields.enumerate() {
            if self.is_full(&line.text) {
                return;
            }
            line.text.push_str(if n > 0 { "," } else { "" });
            line.text.push_str(if is_long { "\n  " } else { " " });
            push_id(&mut line.text, field);
            if let Some(ty) = ty {
                line.text.push_str(if is_record { ": " } else { "(" });
                self.value(line, home, ty, depth);
                line.text.push_str(if is_record { "" } else { ")" });
            }
        }
        line.text.push_str(if is_long { ",\n}" } else { " }" });
    }

    /// `func(...) -> ...`. `of`: the resource whose constructor it is.
    fn signature(&mut self, line: &mut Line, home: usize, f: &ComponentFuncType, skip: usize, of: Option<&str>) {
        if of.is_none() {
            line.text.push_str(if f.async_ { "async func" } else { "func" });
        }
        line.text.push('(');
        for (n, (name, ty)) in f.params.iter().skip(skip).enumerate() {
            if self.is_full(&line.text) {
                return;
            }
            line.text.push_str(if n > 0 { ", " } else { "" });
            push_id(&mut line.text, name);
            line.text.push_str(": ");
            self.value(line, home, *ty, 0);
        }
        line.text.push(')');
        let Some(result) = f.result else { return };
        let before = line.text.len();
        line.text.push_str(" -> ");
        self.value(line, home, result, 0);
        // That a constructor gives the resource is not said.
        if of.is_some_and(|name| line.text[before..] == *format!(" -> {name}")) {
            line.text.truncate(before);
        }
    }

    /// A function under its name, without the `import` or `export` of a world.
    fn function(&mut self, home: usize, name: &str, f: ComponentFuncTypeId) -> Line {
        let mut line = Line::default();
        let Some(f) = self.world.types.get(f) else { return line };
        match Name::read(name) {
            Name::Plain(name) => {
                push_id(&mut line.text, name);
                line.text.push_str(": ");
                self.signature(&mut line, home, f, 0, None);
            }
            Name::Constructor { resource } => {
                line.text.push_str("constructor");
                let mut id = String::new();
                push_id(&mut id, resource);
                self.signature(&mut line, home, f, 0, Some(&id));
            }
            Name::Method { name, is_static, .. } => {
                push_id(&mut line.text, name);
                line.text.push_str(if is_static { ": static " } else { ": " });
                // The first parameter of a method is the resource itself.
                self.signature(&mut line, home, f, !is_static as usize, None);
            }
            Name::Other => {
                let _ = write!(line.text, "{}: ", shown(name));
                self.signature(&mut line, home, f, 0, None);
                line.why = Some("a name of another form");
            }
        }
        line.text.push(';');
        line
    }

    fn resource_type(&mut self, home: usize, name: &str, methods: Vec<(&'a str, ComponentFuncTypeId)>) -> String {
        let mut head = String::from("resource ");
        push_id(&mut head, name);
        self.spend(&head);
        let mut block = Block::default();
        for (name, f) in methods {
            if self.is_cut {
                break;
            }
            self.once(&mut block, home, name, f);
        }
        if block.text.is_empty() { format!("{head};") } else { block.within(&head) }
    }

    /// Ends a declaration.
    fn put(&mut self, block: &mut Block, kind: u8, line: Line) {
        let text = line.end();
        self.spend(&text);
        block.add(kind, &text);
    }

    /// A function, unless the interface has it already; if that one has another type, as a comment.
    fn once(&mut self, block: &mut Block<'a>, home: usize, name: &'a str, f: ComponentFuncTypeId) {
        let mut line = self.function(home, name, f);
        match block.seen.get(name) {
            Some(known) if *known == line.text => return,
            Some(_) => line.why = Some("exported with another type than imported"),
            None => {
                block.seen.insert(name, line.text.clone());
            }
        }
        self.put(block, FUNCTIONS, line);
    }

    /// One type of an interface or of the world. Empty: nothing to say.
    fn type_text(
        &mut self,
        home: usize,
        name: &'a str,
        (referenced, id): (ComponentAnyTypeId, ComponentAnyTypeId),
        is_known: bool,
        methods: &mut Methods<'a>,
    ) -> String {
        let mut line = Line::default();
        match self.world.find_source(home, referenced) {
            // Of an import, for the export, or just this one.
            Some(found) if found.home == home && found.name == name && is_known => return String::new(),
            Some(found) if found.home == home && found.name == name => {}
            Some(found) if found.home == home => {
                line.text.push_str("type ");
                push_id(&mut line.text, name);
                line.text.push_str(" = ");
                push_id(&mut line.text, &found.name);
                line.text.push(';');
                return line.end();
            }
            Some(found) if self.world.can_use(&found) => {
                if !is_known {
                    self.world.add_use(home, &found, Some(name));
                }
                return String::new();
            }
            Some(_) if matches!(id, ComponentAnyTypeId::Resource(_)) => {
                line.text.push_str("// The same resource as one of an interface without a name.\n");
            }
            _ => {}
        }
        match id {
            ComponentAnyTypeId::Resource(_) => {
                let methods = methods.remove(name).unwrap_or_default();
                line.text.push_str(&self.resource_type(home, name, methods));
            }
            ComponentAnyTypeId::Defined(id) => self.define(&mut line, home, name, id),
            _ => {
                line.why = Some("a type of a function, an instance or a component");
                let _ = write!(line.text, "type {name}");
            }
        }
        line.end()
    }

    fn define(&mut self, line: &mut Line, home: usize, name: &str, id: ComponentDefinedTypeId) {
        let Some(ty) = self.world.types.get(id) else { return };
        line.text.push_str(word(ty));
        line.text.push(' ');
        push_id(&mut line.text, name);
        if word(ty) != "type" {
            line.text.push(' ');
            return self.fields(line, home, ty, 0, true);
        }
        let is_own = matches!(ty, ComponentDefinedType::Own(_));
        line.text.push_str(if is_own { " = own<" } else { " = " });
        self.shape(line, home, id, 0);
        line.text.push_str(if is_own { ">;" } else { ";" });
    }

    /// The types of a home, those of the world's exports last.
    fn types(&mut self, home: usize, items: &[Item<'a>], methods: &mut Methods<'a>) -> Block<'a> {
        let is_world = home == 0;
        let mut block = Block::default();
        let mut exported = false;
        for item in items {
            let ComponentEntityType::Type { referenced, created } = item.ty else { continue };
            if self.is_cut {
                break;
            }
            if !is_label(item.name) {
                self.other(&mut block, item, "");
                continue;
            }
            let is_resource = matches!(created, ComponentAnyTypeId::Resource(_));
            let is_known = block.seen.contains_key(item.name);
            if is_resource && is_known {
                continue;
            }
            let mut text = self.type_text(home, item.name, (referenced, created), is_known, methods);
            match block.seen.get(item.name) {
                Some(known) if *known == text || text.is_empty() => continue,
                Some(_) => text = Line { text, why: Some("exported as another type than imported") }.end(),
                None => {
                    block.seen.insert(item.name, text.clone());
                }
            }
            if text.is_empty() {
                continue;
            }
            if !is_resource {
                self.spend(&text);
            }
            if is_world && item.is_export && !exported {
                exported = true;
                block.add(EXPORTED_TYPES, "// These types are exported. WIT has no word for that.");
            }
            block.add(if is_world && item.is_export { EXPORTED_TYPES } else { TYPES }, &text);
        }
        block
    }

    fn methods(items: &[Item<'a>]) -> Methods<'a> {
        let mut methods = Methods::new();
        for item in items {
            if let ComponentEntityType::Func(f) = item.ty
                && let Some(resource) = Name::read(item.name).resource()
            {
                methods.entry(resource).or_default().push((item.name, f));
            }
        }
        methods
    }

    /// What a home declares but its functions, which come after it: types with their methods.
    fn begin(&mut self, home: usize, items: &[Item<'a>]) -> (Block<'a>, HashSet<&'a str>) {
        let mut methods = Self::methods(items);
        let types = self.types(home, items, &mut methods);
        (types, methods.into_keys().collect())
    }

    /// An interface as it is called in `home`.
    fn push_reference(&self, text: &mut String, home: usize, interface: &InterfaceName) {
        let here = match self.world.homes[home].place {
            Place::Interface(user) => user.package(),
            _ => ROOT,
        };
        if here == interface.package() {
            push_id(text, interface.interface);
        } else {
            push_package(text, interface);
            text.push('/');
            push_id(text, interface.interface);
            text.push_str(interface.version);
        }
    }

    /// Puts the `use`s, which are known last, before all.
    fn with_uses(&mut self, home: usize, body: Block<'a>) -> Block<'a> {
        let mut block = Block::default();
        for (from, names) in std::mem::take(&mut self.world.homes[home].uses) {
            let Place::Interface(used) = self.world.homes[from].place else { continue };
            let mut text = String::from("use ");
            self.push_reference(&mut text, home, &used);
            let _ = write!(text, ".{{{}}};", names.join(", "));
            self.spend(&text);
            block.add(USES, &text);
        }
        if !block.text.is_empty() && !body.text.is_empty() {
            block.text.push('\n');
        }
        block.text.push_str(&body.text);
        block
    }

    fn interface(&mut self, home: usize) -> Block<'a> {
        let items = std::mem::take(&mut self.world.homes[home].items);
        let (mut block, orphans) = self.begin(home, &items);
        for item in &items {
            if self.is_cut {
                break;
            }
            match item.ty {
                ComponentEntityType::Type { .. } => {}
                ComponentEntityType::Func(f) => match Name::read(item.name).resource() {
                    None => self.once(&mut block, home, item.name, f),
                    Some(resource) if orphans.contains(resource) => {
                        let line = self.orphan(home, item.name, f);
                        self.put(&mut block, FUNCTIONS, line);
                    }
                    Some(_) => {}
                },
                _ => self.other(&mut block, item, ""),
            }
        }
        self.with_uses(home, block)
    }

    /// A method of a resource that is not declared here.
    fn orphan(&mut self, home: usize, name: &str, f: ComponentFuncTypeId) -> Line {
        let mut line = self.function(home, name, f);
        line.text.insert_str(0, &format!("{}: ", shown(name)));
        line.why = Some("a resource of another interface");
        line
    }

    fn other(&mut self, block: &mut Block, item: &Item, prefix: &str) {
        let what = match item.ty {
            ComponentEntityType::Module(_) => "a core module",
            ComponentEntityType::Value(_) => "a value",
            ComponentEntityType::Instance(_) => "an instance",
            ComponentEntityType::Component(_) => "a component",
            ComponentEntityType::Type { .. } => "a type",
            ComponentEntityType::Func(_) => "a function",
        };
        let text = format!("// Not WIT: {prefix}{}: {what}", shown(item.name));
        self.spend(&text);
        block.add(OTHERS, &text);
    }

    fn world(&mut self) -> Block<'a> {
        let items = std::mem::take(&mut self.world.homes[0].items);
        let (mut block, orphans) = self.begin(0, &items);
        for item in &items {
            if self.is_cut {
                break;
            }
            let prefix = if item.is_export { "export " } else { "import " };
            let kind = if item.is_export { EXPORTS } else { IMPORTS };
            let home = self.world.instances.get(&(item.is_export, item.name)).copied();
            match item.ty {
                ComponentEntityType::Type { .. } => {}
                ComponentEntityType::Func(f) => {
                    let mut line = match Name::read(item.name).resource() {
                        None => self.function(0, item.name, f),
                        Some(resource) if orphans.contains(resource) => self.orphan(0, item.name, f),
                        Some(_) => continue,
                    };
                    line.text.insert_str(0, prefix);
                    self.put(&mut block, kind, line);
                }
                ComponentEntityType::Instance(_) if home.is_some() => {
                    let text = self.instance(home.unwrap_or(0), item.name, prefix);
                    block.add(kind, &text);
                }
                _ => self.other(&mut block, item, prefix),
            }
        }
        self.with_uses(0, block)
    }

    fn instance(&mut self, home: usize, name: &str, prefix: &str) -> String {
        let mut text = String::from(prefix);
        if let Place::Interface(name) = self.world.homes[home].place {
            self.push_reference(&mut text, 0, &name);
            text.push(';');
        } else {
            push_id(&mut text, name);
            text.push_str(": interface");
            self.spend(&text);
            return self.interface(home).within(&text);
        }
        self.spend(&text);
        text
    }

    /// Every interface with a name, those of a package together.
    fn packages(&mut self) -> Vec<String> {
        let mut groups: Vec<(InterfaceName<'a>, Vec<usize>)> = Vec::new();
        let mut known = HashMap::new();
        for (home, h) in self.world.homes.iter().enumerate() {
            let Place::Interface(name) = h.place else { continue };
            let n = *known.entry(name.package()).or_insert(groups.len());
            if n == groups.len() {
                groups.push((name, Vec::new()));
            }
            groups[n].1.push(home);
        }
        let mut packages = Vec::new();
        for (package, homes) in groups {
            let is_root = package.package() == ROOT;
            let mut block = Block::default();
            for home in homes {
                if self.is_cut {
                    break;
                }
                let Place::Interface(name) = self.world.homes[home].place else { continue };
                let mut head = String::from("interface ");
                push_id(&mut head, name.interface);
                let text = self.interface(home).within(&head);
                block.add(TYPES, &text);
            }
            if is_root {
                packages.push(block.text.trim_end().to_string());
                continue;
            }
            let mut head = String::from("package ");
            push_package(&mut head, &package);
            head.push_str(package.version);
            packages.push(block.within(&head));
        }
        packages
    }
}

/// If it is cut, with a line that says so.
pub fn write(world: World) -> String {
    let most = world.bounds.text_bytes;
    let mut writer = Writer { world, room: most, is_cut: false };
    let mut text = String::from("package root:component;\n\n");
    text.push_str(&writer.world().within("world root"));
    text.push('\n');
    if !writer.is_cut {
        for package in writer.packages() {
            let _ = write!(text, "\n{package}\n");
        }
    }
    if writer.is_cut || text.len() > most {
        text.truncate(text.floor_char_boundary(most));
        let _ = write!(text, "\n// cut: more than {most} bytes\n");
    }
    text
}
