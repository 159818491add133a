//! Names to addresses by the system's resolver, few at a time.
//!
//! The resolver blocks its thread, for half a minute where no server answers, and cannot be told to
//! stop. So there are few threads for it, whatever guests ask: who has none waits in line without
//! one, in a future that may be dropped at any time. The next thread goes to the component with the
//! fewest, and no component has more than its share; a question that is being asked already is not
//! asked twice. The numbers are C's.

use std::collections::VecDeque;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use wasmtime::component::{Resource, ResourceType};
use wasmtime::{Result, StoreContextMut};
use wasmtime_c_api::WasmtimeStoreData;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, IpAddress, Network};
use wasmtime_wasi::p2::{DynPollable, Pollable};
use wasmtime_wasi::sockets::WasiSocketsView;

use crate::address::literal;
use crate::permit::{Env, bhd_engine_lookups_t, bhd_engine_permits_t};

/// `None`: not found.
pub type Answer = Option<Arc<[IpAddr]>>;

struct Question {
    of: bhd_engine_lookups_t,
    name: String,
    askers: Vec<oneshot::Sender<Answer>>,
}

impl Question {
    fn join(&mut self) -> oneshot::Receiver<Answer> {
        let (sender, receiver) = oneshot::channel();
        self.askers.retain(|asker| !asker.is_closed());
        self.askers.push(sender);
        receiver
    }
}

struct Line {
    asked: Vec<Question>,
    waiting: VecDeque<Question>,
}

static LINE: Mutex<Line> = Mutex::new(Line { asked: Vec::new(), waiting: VecDeque::new() });

fn line() -> MutexGuard<'static, Line> {
    LINE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Line {
    /// Moves the next question among those that are asked, and gives its name and who asks.
    fn take(&mut self) -> Option<(String, bhd_engine_lookups_t)> {
        self.waiting.retain(|q| q.askers.iter().any(|asker| !asker.is_closed()));
        let has = |key| self.asked.iter().filter(|q| q.of.key == key).count();
        let (next, _) = self
            .waiting
            .iter()
            .enumerate()
            .filter(|(_, q)| self.asked.len() < q.of.most as usize && has(q.of.key) < q.of.share as usize)
            .min_by_key(|(at, q)| (has(q.of.key), *at))?;
        let question = self.waiting.remove(next)?;
        let taken = (question.name.clone(), question.of);
        self.asked.push(question);
        Some(taken)
    }

    fn tell(&mut self, name: &str, answer: &Answer) {
        let Some(at) = self.asked.iter().position(|q| q.name == name) else { return };
        for asker in self.asked.swap_remove(at).askers {
            // Whoever has gone needs no answer.
            let _ = asker.send(answer.clone());
        }
    }
}

fn resolve(name: &str, most: u32) -> Answer {
    let mut found = Vec::new();
    for address in (name, 0).to_socket_addrs().ok()? {
        let ip = address.ip().to_canonical();
        if found.len() < most as usize && !found.contains(&ip) {
            found.push(ip);
        }
    }
    Some(found.into())
}

fn answer_questions(mut name: String, mut of: bhd_engine_lookups_t) {
    loop {
        let answer = resolve(&name, of.addresses);
        let mut line = line();
        line.tell(&name, &answer);
        match line.take() {
            Some(next) => (name, of) = next,
            None => return,
        }
    }
}

/// Asks, or gets in line. The receiver fails as if the name were not found.
pub fn lookup(of: bhd_engine_lookups_t, name: &str) -> oneshot::Receiver<Answer> {
    let name = name.to_ascii_lowercase();
    let mut line = line();
    if let Some(question) = line.asked.iter_mut().find(|q| q.name == name) {
        return question.join();
    }
    // In another component's line it would wait for that component's share.
    if let Some(question) = line.waiting.iter_mut().find(|q| q.name == name && q.of.key == of.key) {
        return question.join();
    }
    let mut question = Question { of, name, askers: Vec::new() };
    let receiver = question.join();
    line.waiting.push_back(question);
    while let Some((name, of)) = line.take() {
        let thread = std::thread::Builder::new().name("bulkhead-names".into()).stack_size(of.stack_bytes);
        let asked = name.clone();
        if thread.spawn(move || answer_questions(asked, of)).is_err() {
            line.tell(&name, &None);
        }
    }
    receiver
}

/// What `resolve-addresses` gives.
struct Addresses {
    name: String,
    permits: bhd_engine_permits_t,
    waiting: Option<oneshot::Receiver<Answer>>,
    /// From the first to the last.
    found: std::result::Result<std::vec::IntoIter<IpAddr>, ErrorCode>,
}

impl Addresses {
    fn take(&mut self, answer: Answer) {
        self.waiting = None;
        let reachable: Vec<_> = answer
            .iter()
            .flat_map(|all| all.iter().copied())
            .filter(|ip| self.permits.name_reaches(&self.name, *ip))
            .collect();
        self.found = match reachable.is_empty() {
            true => Err(ErrorCode::NameUnresolvable),
            false => Ok(reachable.into_iter()),
        };
    }
}

#[async_trait]
impl Pollable for Addresses {
    async fn ready(&mut self) {
        if let Some(receiver) = &mut self.waiting {
            let answer = receiver.await.ok().flatten();
            self.take(answer);
        }
    }
}

type Store<'a> = StoreContextMut<'a, WasmtimeStoreData>;
type Linker = wasmtime::component::Linker<WasmtimeStoreData>;
type Answered<T> = Result<(std::result::Result<T, ErrorCode>,)>;
type Found = Resource<Addresses>;

/// Wasmtime's own looks up in a pool that everything else uses too.
pub fn define(linker: &mut Linker, interface: &str, permits: bhd_engine_permits_t) -> Result<()> {
    let mut lookups = linker.instance(interface)?;
    let host = ResourceType::host::<Addresses>();
    lookups.resource("resolve-address-stream", host, |mut s: Store<'_>, rep| {
        s.data_mut().sockets().table.delete(Found::new_own(rep))?;
        Ok(())
    })?;
    type Asked = (Resource<Network>, String);
    lookups.func_wrap("resolve-addresses", move |mut s: Store<'_>, (network, name): Asked| -> Answered<Found> {
        let Some(of) = permits.resolve(Env::of(&s), &name) else {
            return Ok((Err(ErrorCode::AccessDenied),));
        };
        let table = s.data_mut().sockets().table;
        table.get(&network)?;
        let addresses = match literal(&name) {
            Some(ip) => Addresses { name, permits, waiting: None, found: Ok(vec![ip].into_iter()) },
            None => {
                let waiting = Some(lookup(of, &name));
                Addresses { name, permits, waiting, found: Err(ErrorCode::WouldBlock) }
            }
        };
        Ok((Ok(table.push(addresses)?),))
    })?;
    let next = "[method]resolve-address-stream.resolve-next-address";
    lookups.func_wrap(next, |mut s: Store<'_>, (from,): (Found,)| -> Answered<Option<IpAddress>> {
        let addresses = s.data_mut().sockets().table.get_mut(&from)?;
        match addresses.waiting.as_mut().map(|receiver| receiver.try_recv()) {
            Some(Err(oneshot::error::TryRecvError::Empty)) => return Ok((Err(ErrorCode::WouldBlock),)),
            Some(answer) => addresses.take(answer.ok().flatten()),
            None => {}
        }
        Ok((match &mut addresses.found {
            Ok(rest) => Ok(rest.next().map(IpAddress::from)),
            Err(e) => Err(*e),
        },))
    })?;
    let subscribe = "[method]resolve-address-stream.subscribe";
    lookups.func_wrap(subscribe, |mut s: Store<'_>, (to,): (Found,)| -> Result<(Resource<DynPollable>,)> {
        Ok((wasmtime_wasi::p2::subscribe(s.data_mut().sockets().table, to)?,))
    })?;
    Ok(())
}
