//! A component's world: its interfaces, their items, and the names that types have in each.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use wasmparser::component_types::{
    ComponentAnyTypeId, ComponentEntityType, ComponentInstanceTypeId, ResourceId,
};
use wasmparser::types::{Types, TypesRef};

use crate::wit_name::{InterfaceName, is_label, push_id};

#[repr(C)]
#[derive(Clone, Copy)]
pub struct bhd_engine_wit_bounds_t {
    pub text_bytes: usize,
    /// Memory for imports, exports, and what their instances export.
    name_bytes: usize,
    /// Of types without a name in types.
    pub depth: u32,
    /// Names one after the other for one type.
    renames: u32,
}

/// Memory for an item beside its name.
const ITEM_COST: usize = 64;

pub enum Place<'a> {
    World,
    /// An interface that has no name outside of the world.
    Inline,
    Interface(InterfaceName<'a>),
}

#[derive(Clone, Copy)]
pub struct Item<'a> {
    pub name: &'a str,
    pub ty: ComponentEntityType,
    pub is_export: bool,
}

/// Where names are valid: the world or an interface. An interface that is imported and exported is
/// one, with the items of both.
pub struct Home<'a> {
    pub place: Place<'a>,
    pub items: Vec<Item<'a>>,
    /// In lower case.
    taken: HashSet<String>,
    renamed: usize,
    /// What is used of each other home.
    pub uses: Vec<(usize, Vec<String>)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Type(ComponentAnyTypeId),
    Resource(ResourceId),
}

#[derive(Clone)]
struct Local<'a> {
    name: Cow<'a, str>,
    is_used: bool,
}

/// A name of a type, and the key under which it was found.
pub struct Found<'a> {
    pub home: usize,
    pub name: Cow<'a, str>,
    key: Key,
}

pub struct World<'a> {
    pub types: TypesRef<'a>,
    /// The first is the world.
    pub homes: Vec<Home<'a>>,
    /// Homes of the instances among the world's items.
    pub instances: HashMap<(bool, &'a str), usize>,
    here: HashMap<(usize, Key), Local<'a>>,
    first: HashMap<Key, (usize, &'a str)>,
    cost: usize,
    pub bounds: bhd_engine_wit_bounds_t,
}

impl<'a> World<'a> {
    /// `None`: more items than anybody wants to read.
    pub fn read(
        types: &'a Types,
        imports: &[&'a str],
        exports: &[&'a str],
        bounds: bhd_engine_wit_bounds_t,
    ) -> Option<Self> {
        let mut world = World {
            types: types.as_ref(),
            homes: Vec::new(),
            instances: HashMap::new(),
            here: HashMap::new(),
            first: HashMap::new(),
            cost: 0,
            bounds,
        };
        world.add_home(Place::World);
        let mut interfaces = HashMap::new();
        let all = types.as_ref();
        let imports = imports.iter().map(|n| (false, *n, all.component_item_for_import(n)));
        let exports = exports.iter().map(|n| (true, *n, all.component_item_for_export(n)));
        for (is_export, name, item) in imports.chain(exports) {
            let Some(item) = item else { continue };
            world.add_item(0, name, item.ty, is_export)?;
            let ComponentEntityType::Instance(instance) = item.ty else { continue };
            let home = if let Some(parts) = InterfaceName::read(name) {
                *interfaces.entry(name).or_insert_with(|| world.add_home(Place::Interface(parts)))
            } else if is_label(name) {
                world.add_home(Place::Inline)
            } else {
                continue;
            };
            world.instances.insert((is_export, name), home);
            world.add_instance(home, instance, is_export)?;
        }
        world.name_types();
        Some(world)
    }

    fn add_home(&mut self, place: Place<'a>) -> usize {
        self.homes.push(Home { place, items: Vec::new(), taken: HashSet::new(), renamed: 1, uses: Vec::new() });
        self.homes.len() - 1
    }

    fn add_item(&mut self, home: usize, name: &'a str, ty: ComponentEntityType, is_export: bool) -> Option<()> {
        self.cost += ITEM_COST + name.len();
        self.homes[home].items.push(Item { name, ty, is_export });
        self.homes[home].taken.insert(name.to_ascii_lowercase());
        (self.cost <= self.bounds.name_bytes).then_some(())
    }

    fn add_instance(&mut self, home: usize, instance: ComponentInstanceTypeId, is_export: bool) -> Option<()> {
        for (name, item) in &self.types.get(instance)?.exports {
            self.add_item(home, name, item.ty, is_export)?;
        }
        Some(())
    }

    /// Interfaces before the others: what they name can be used everywhere. A name of another form
    /// is none here.
    fn name_types(&mut self) {
        let is_interface = |home: &Home| matches!(home.place, Place::Interface(_));
        for wanted in [true, false] {
            for (n, home) in self.homes.iter().enumerate().filter(|(_, h)| is_interface(h) == wanted) {
                for item in home.items.iter().filter(|item| is_label(item.name)) {
                    let ComponentEntityType::Type { created, .. } = item.ty else { continue };
                    let resource = resource_of(created).map(Key::Resource);
                    for key in [Some(Key::Type(created)), resource].into_iter().flatten() {
                        let local = Local { name: item.name.into(), is_used: false };
                        self.here.entry((n, key)).or_insert(local);
                        self.first.entry(key).or_insert((n, item.name));
                    }
                }
            }
        }
    }

    /// The name of `id` in `home`, or else where it has its first one.
    pub fn find(&self, home: usize, id: ComponentAnyTypeId) -> Option<Found<'a>> {
        let resource = resource_of(id).map(Key::Resource);
        self.look(home, self.chain(id).map(Key::Type).chain(resource), true)
    }

    /// What a type of `home` that was made of `referenced` is another name of. A resource that has
    /// its first name here is found as itself.
    pub fn find_source(&self, home: usize, referenced: ComponentAnyTypeId) -> Option<Found<'a>> {
        let found = self.look(home, self.chain(referenced).map(Key::Type), false);
        found.or_else(|| {
            let key = Key::Resource(resource_of(referenced)?);
            let (home, name) = *self.first.get(&key)?;
            Some(Found { home, name: name.into(), key })
        })
    }

    fn chain(&self, id: ComponentAnyTypeId) -> impl Iterator<Item = ComponentAnyTypeId> {
        std::iter::successors(Some(id), |id| self.types.peel_alias(*id)).take(self.bounds.renames as usize)
    }

    /// `with_used`: also names that are here because they are used.
    fn look(&self, home: usize, keys: impl Iterator<Item = Key>, with_used: bool) -> Option<Found<'a>> {
        let mut elsewhere = None;
        for key in keys {
            if let Some(local) = self.here.get(&(home, key))
                && (with_used || !local.is_used)
            {
                return Some(Found { home, name: local.name.clone(), key });
            }
            let first = self.first.get(&key);
            elsewhere = elsewhere.or(first.map(|(home, name)| Found { home: *home, name: (*name).into(), key }));
        }
        elsewhere
    }

    pub fn can_use(&self, found: &Found) -> bool {
        matches!(self.homes[found.home].place, Place::Interface(_))
    }

    /// Makes a type of another home known in this one, as `name` or under a name that is free.
    pub fn add_use(&mut self, home: usize, found: &Found<'a>, name: Option<&'a str>) -> Cow<'a, str> {
        let local = match name {
            Some(name) => Cow::Borrowed(name),
            None => self.free_name(home, &found.name),
        };
        let used = Local { name: local.clone(), is_used: true };
        self.here.entry((home, found.key)).or_insert(used);
        let mut text = String::new();
        push_id(&mut text, &found.name);
        if local != found.name {
            text.push_str(" as ");
            push_id(&mut text, &local);
        }
        let uses = &mut self.homes[home].uses;
        match uses.iter_mut().find(|(from, _)| *from == found.home) {
            Some((_, names)) => names.push(text),
            None => uses.push((found.home, vec![text])),
        }
        local
    }

    /// Numbers are given once, so that all names together take linear time.
    fn free_name(&mut self, home: usize, wanted: &Cow<'a, str>) -> Cow<'a, str> {
        let home = &mut self.homes[home];
        let mut name = wanted.clone();
        while !home.taken.insert(name.to_ascii_lowercase()) {
            home.renamed += 1;
            name = format!("{wanted}-x{}", home.renamed).into();
        }
        name
    }
}

fn resource_of(id: ComponentAnyTypeId) -> Option<ResourceId> {
    match id {
        ComponentAnyTypeId::Resource(r) => Some(r.resource()),
        _ => None,
    }
}
