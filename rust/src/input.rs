//! A guest's standard input, read on the thread that runs the guest and only as far as the guest
//! asks; Wasmtime's own reads ahead on a thread that never ends.

use std::ffi::c_void;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, Interest, ReadBuf};
use wasmtime_c_api::wasi_config_t;
use wasmtime_wasi::cli::{IsTerminal, StdinStream};
use wasmtime_wasi::p2::pipe::MemoryInputPipe;
use wasmtime_wasi::p2::{InputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi::{WasiCtxBuilder, async_trait};
use wasmtime_wasi_io::bytes::Bytes;

/// Reads without waiting: bytes, 0 at the end, or a negative errno, EAGAIN when there is nothing.
type Read = extern "C" fn(*mut c_void, *mut u8, usize) -> isize;

#[derive(Clone)]
struct Input {
    env: *mut c_void,
    /// What one read gives.
    most: usize,
    read: Read,
    /// Made at the first wait; `None` inside: it is a file, and never has to be waited for.
    waiting: Option<Arc<Option<AsyncFd<OwnedFd>>>>,
    fd: RawFd,
    is_terminal: bool,
}

// The C side promises that `env` outlives the store and that no other thread runs it meanwhile.
unsafe impl Send for Input {}
unsafe impl Sync for Input {}

impl Input {
    /// `None`: nothing is there yet.
    fn get(&self, size: usize) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = vec![0; size.min(self.most)];
        match (self.read)(self.env, bytes.as_mut_ptr(), bytes.len()) {
            n if n >= 0 => {
                bytes.truncate(n as usize);
                Ok(Some(bytes))
            }
            errno => match io::Error::from_raw_os_error(-errno as i32) {
                e if e.kind() == io::ErrorKind::WouldBlock => Ok(None),
                e => Err(e),
            },
        }
    }

    /// A read of nothing tells whether there is something.
    fn is_ready(&self) -> bool {
        let answer = (self.read)(self.env, std::ptr::null_mut(), 0);
        answer >= 0 || io::Error::from_raw_os_error(-answer as i32).kind() != io::ErrorKind::WouldBlock
    }

    fn watch(&mut self) -> io::Result<Arc<Option<AsyncFd<OwnedFd>>>> {
        if let Some(waiting) = &self.waiting {
            return Ok(waiting.clone());
        }
        let fd = unsafe { BorrowedFd::borrow_raw(self.fd) }.try_clone_to_owned()?;
        // A descriptor that is this stream's own and stays open as long as it.
        let made = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) };
        let made = match made.map_err(|e| e.into_parts().1) {
            Ok(fd) => Some(fd),
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => None,
            Err(e) => return Err(e),
        };
        let waiting = Arc::new(made);
        self.waiting = Some(waiting.clone());
        Ok(waiting)
    }
}

#[async_trait]
impl Pollable for Input {
    async fn ready(&mut self) {
        if self.is_ready() {
            return;
        }
        let Ok(watch) = self.watch() else { return };
        let Some(fd) = watch.as_ref() else { return };
        while !self.is_ready() {
            match fd.readable().await {
                Ok(mut guard) => guard.clear_ready(),
                Err(_) => return,
            }
        }
    }
}

#[async_trait]
impl InputStream for Input {
    /// Another program may take what was there, as often as it likes; the provided function gives
    /// up after ten times, and the guest with it.
    async fn blocking_read(&mut self, size: usize) -> StreamResult<Bytes> {
        loop {
            self.ready().await;
            let bytes = self.read(size)?;
            if size == 0 || !bytes.is_empty() {
                return Ok(bytes);
            }
            // Where nothing says when there is something.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        if size == 0 {
            return Ok(Bytes::new());
        }
        match self.get(size) {
            Ok(None) => Ok(Bytes::new()),
            Ok(Some(bytes)) if bytes.is_empty() => Err(StreamError::Closed),
            Ok(Some(bytes)) => Ok(bytes.into()),
            Err(e) => Err(StreamError::LastOperationFailed(e.into())),
        }
    }
}

/// Only WASI 0.3 reads this way, and it is not linked.
impl AsyncRead for Input {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl IsTerminal for Input {
    fn is_terminal(&self) -> bool {
        self.is_terminal
    }
}

impl StdinStream for Input {
    fn async_stream(&self) -> Box<dyn AsyncRead + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn InputStream> {
        Box::new(self.clone())
    }
}

unsafe fn builder<'a>(config: *mut wasi_config_t) -> &'a mut WasiCtxBuilder {
    unsafe { &mut *(config as *mut WasiCtxBuilder) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_wasi_input(
    config: *mut wasi_config_t,
    env: *mut c_void,
    most: usize,
    fd: RawFd,
    read: Read,
    is_terminal: bool,
) {
    unsafe { builder(config) }.stdin(Input { env, most, read, waiting: None, fd, is_terminal });
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_wasi_input_bytes(
    config: *mut wasi_config_t,
    data: *const u8,
    size: usize,
) {
    let bytes = Bytes::copy_from_slice(unsafe { crate::bytes(data, size) });
    unsafe { builder(config) }.stdin(MemoryInputPipe::new(bytes));
}
