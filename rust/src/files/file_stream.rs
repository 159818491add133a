//! Streams of files of 0.2. They work in the guest's back, one operation each.

use std::future::Future;
use std::io;
use std::mem::replace;
use std::os::unix::fs::FileExt;
use std::pin::Pin;

use rustix::io::Errno;
use tokio::task::JoinHandle;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{InputStream, OutputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi::runtime::with_ambient_tokio_runtime;
use wasmtime_wasi_io::bytes::Bytes;

use super::closing::Shared;
use super::errno::error;
use super::lane::Lane;
use super::purse::Purse;
use super::space::{self, Cost, Place};
use crate::permit::Reserved;

/// Goes on also when nobody waits for it any more: what was written is written.
fn begin<R: Send + 'static>(work: impl Future<Output = R> + Send + 'static) -> JoinHandle<R> {
    with_ambient_tokio_runtime(|| tokio::spawn(work))
}

async fn end<R>(task: &mut JoinHandle<R>) -> R {
    Pin::new(task).await.expect("it neither panics nor is cancelled")
}

fn failed(e: io::Error) -> StreamError {
    // The number, from which Wasmtime makes the guest's own error; it has none for a quota.
    let e = match Errno::from_io_error(&e) {
        Some(Errno::DQUOT) => error(Errno::NOSPC),
        _ => e,
    };
    StreamError::LastOperationFailed(e.into())
}

/// Of a stream whose end has not come.
fn open(file: &Option<Shared>) -> Shared {
    file.clone().expect("a stream that was closed begins nothing")
}

// -- in ----------------------------------------------------------------------------------------

enum Reading {
    Idle,
    Busy(JoinHandle<io::Result<Vec<u8>>>),
    Data(Bytes),
    Failed(io::Error),
    Closed,
}

pub struct FileInput {
    lane: Lane,
    /// None once it is closed.
    file: Option<Shared>,
    at: u64,
    /// What it holds of a guest's bytes.
    most: usize,
    state: Reading,
}

impl FileInput {
    pub fn new(lane: Lane, file: Shared, at: u64, most: usize) -> FileInput {
        FileInput { lane, file: Some(file), at, most, state: Reading::Idle }
    }

    fn begin(&mut self, size: usize) {
        let (lane, file, at) = (self.lane.clone(), open(&self.file), self.at);
        let size = size.min(self.most);
        self.state =
            Reading::Busy(begin(async move { lane.run(move || read(&file, size, at)).await }));
    }
}

/// Up to so many bytes.
pub fn read(file: &std::fs::File, size: usize, at: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; size];
    loop {
        match file.read_at(&mut bytes, at) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            done => {
                bytes.truncate(done?);
                return Ok(bytes);
            }
        }
    }
}

#[async_trait]
impl Pollable for FileInput {
    async fn ready(&mut self) {
        if let Reading::Idle = self.state {
            self.begin(self.most);
        }
        if let Reading::Busy(task) = &mut self.state {
            self.state = match end(task).await {
                Ok(bytes) if bytes.is_empty() => Reading::Closed,
                Ok(bytes) => Reading::Data(bytes.into()),
                Err(e) => Reading::Failed(e),
            };
        }
    }
}

#[async_trait]
impl InputStream for FileInput {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        match &mut self.state {
            Reading::Idle => {
                if size > 0 {
                    self.begin(size);
                }
                Ok(Bytes::new())
            }
            Reading::Busy(_) => Ok(Bytes::new()),
            Reading::Data(bytes) => {
                let taken = bytes.split_to(size.min(bytes.len()));
                self.at += taken.len() as u64;
                if bytes.is_empty() {
                    self.state = Reading::Idle;
                }
                Ok(taken)
            }
            Reading::Failed(_) => match replace(&mut self.state, Reading::Closed) {
                Reading::Failed(e) => Err(failed(e)),
                _ => unreachable!("it was looked at"),
            },
            Reading::Closed => Err(StreamError::Closed),
        }
    }

    /// A guest that drops what it does not wait for waits here: there is never more under way than
    /// it has streams.
    async fn cancel(&mut self) {
        if let Reading::Busy(_) = self.state {
            self.ready().await;
        }
        self.state = Reading::Closed;
        if let Some(file) = self.file.take() {
            self.lane.let_go(file).await;
        }
    }
}

// -- out ---------------------------------------------------------------------------------------

enum Writing {
    Idle,
    Busy(Write),
    Failed(io::Error),
    Closed,
}

/// Under way, with what was reserved for it.
struct Write {
    task: JoinHandle<(io::Result<usize>, Cost)>,
    bytes: Bytes,
    reserved: Reserved,
}

pub struct FileOutput {
    lane: Lane,
    /// None once it is closed.
    file: Option<Shared>,
    place: Place,
    purse: Purse,
    state: Writing,
}

impl FileOutput {
    pub fn new(lane: Lane, file: Shared, place: Place, purse: Purse) -> FileOutput {
        FileOutput { lane, file: Some(file), place, purse, state: Writing::Idle }
    }

    fn begin(&self, bytes: Bytes, reserved: Reserved) -> Write {
        let (lane, file, place) = (self.lane.clone(), open(&self.file), self.place);
        let data = bytes.clone();
        let work = async move { lane.run(move || write_all(&file, data, place, reserved)).await };
        Write { task: begin(work), bytes, reserved }
    }

    fn failure(&mut self) -> StreamResult<()> {
        match replace(&mut self.state, Writing::Closed) {
            Writing::Failed(e) => Err(failed(e)),
            Writing::Closed => Err(StreamError::Closed),
            other => {
                self.state = other;
                Ok(())
            }
        }
    }
}

/// All of it, for as much as was reserved.
fn write_all(
    file: &std::fs::File,
    mut data: Bytes,
    mut place: Place,
    reserved: Reserved,
) -> (io::Result<usize>, Cost) {
    let mut all = Cost::default();
    loop {
        let (done, cost) = space::write(file, &data, place, reserved.after(all.space));
        all.space += cost.space;
        all.bytes += cost.bytes;
        match done {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => {
                all.refused = cost.refused.filter(|_| all.bytes == 0);
                return (Err(e), all);
            }
            Ok(0) => return (Ok(all.bytes as usize), all),
            Ok(n) => {
                let _ = data.split_to(n);
                if let Place::At(at) = &mut place {
                    *at += n as u64;
                }
            }
        }
    }
}

#[async_trait]
impl Pollable for FileOutput {
    async fn ready(&mut self) {
        let done = loop {
            let Writing::Busy(write) = &mut self.state else { return };
            let (done, cost) = end(&mut write.task).await;
            let (bytes, reserved) = (write.bytes.clone(), write.reserved);
            match self.purse.settle(reserved, &cost) {
                Some(whole) => self.state = Writing::Busy(self.begin(bytes, whole)),
                None => break done,
            }
        };
        self.state = match done {
            Ok(n) => {
                if let Place::At(at) = &mut self.place {
                    *at += n as u64;
                }
                Writing::Idle
            }
            Err(e) => Writing::Failed(e),
        };
    }
}

#[async_trait]
impl OutputStream for FileOutput {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.failure()?;
        let size = bytes.len() as u64;
        if let Writing::Busy(_) = self.state {
            return Err(StreamError::Trap(wasmtime::format_err!(
                "a write that check-write did not permit"
            )));
        }
        if !self.purse.may_write(size) {
            return Err(failed(error(Errno::DQUOT)));
        }
        let reserved = self.purse.reserve(space::most(size), size);
        self.state = Writing::Busy(self.begin(bytes, reserved));
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.failure()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.failure()?;
        if let Writing::Busy(_) = self.state {
            return Ok(0);
        }
        // This is also asked for how the last write went, so with nothing left it still is one
        // byte, and the write of it fails.
        let left = usize::try_from(self.purse.left()).unwrap_or(usize::MAX);
        Ok(self.purse.permits.file_stream_max.min(left.max(1)))
    }

    async fn cancel(&mut self) {
        self.ready().await;
        self.state = Writing::Closed;
        if let Some(file) = self.file.take() {
            self.lane.let_go(file).await;
        }
    }
}
