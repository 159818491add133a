//! A guest's standard output and error, written on the thread that runs the guest and never waited
//! for there.
//!
//! The C API's own streams hand what a guest writes to another thread, which may still be writing,
//! through a pointer that C has freed, when the guest has been ended at its deadline.

use std::ffi::c_void;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::AsyncWrite;
use wasmtime_c_api::wasi_config_t;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi::{WasiCtxBuilder, async_trait};
use wasmtime_wasi_io::bytes::Bytes;

/// From try to try, doubled each time. What takes bytes again is not always told: a terminal of
/// another user, or a pipe whose room another program takes first, would be waited for in vain.
const PAUSE: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(32);

/// Takes all of it and gives the size back, or gives a negative errno, EAGAIN while it keeps some of
/// the last. A write of nothing tries again, and gives 0 when nothing is kept.
type Write = extern "C" fn(*mut c_void, *const u8, usize) -> isize;

struct Stream {
    env: *mut c_void,
    /// What one call may bring; also bounds what C keeps.
    most: usize,
    write: Write,
    is_terminal: bool,
    /// Of what was taken before; told with the next call.
    failed: Option<io::Error>,
}

// The C side promises that `env` outlives the store and that no other thread runs it meanwhile.
unsafe impl Send for Stream {}
unsafe impl Sync for Stream {}

impl Stream {
    fn new(env: *mut c_void, most: usize, write: Write, is_terminal: bool) -> Stream {
        Stream { env, most, write, is_terminal, failed: None }
    }

    fn another(&self) -> Stream {
        Stream::new(self.env, self.most, self.write, self.is_terminal)
    }

    /// `false`: what was taken before is still kept.
    fn put(&mut self, data: &[u8]) -> io::Result<bool> {
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        match (self.write)(self.env, data.as_ptr(), data.len()) {
            wrote if wrote >= 0 => Ok(true),
            errno => match io::Error::from_raw_os_error(-errno as i32) {
                e if e.kind() == io::ErrorKind::WouldBlock => Ok(false),
                e => Err(e),
            },
        }
    }
}

#[async_trait]
impl Pollable for Stream {
    async fn ready(&mut self) {
        let mut pause = PAUSE;
        while self.failed.is_none() {
            match self.put(&[]) {
                Ok(true) => return,
                Ok(false) => tokio::time::sleep(pause).await,
                Err(e) => self.failed = Some(e),
            }
            pause = PAUSE_MAX.min(pause * 2);
        }
    }
}

impl OutputStream for Stream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        match self.put(&bytes[..bytes.len().min(self.most)]) {
            Ok(true) if bytes.len() <= self.most => Ok(()),
            Ok(_) => Err(StreamError::trap("more bytes than check-write allowed")),
            Err(e) => Err(StreamError::LastOperationFailed(e.into())),
        }
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        match self.put(&[]) {
            Ok(is_free) => Ok(if is_free { self.most } else { 0 }),
            Err(e) => Err(StreamError::LastOperationFailed(e.into())),
        }
    }
}

/// Only WASI 0.3 writes this way, and it is not linked.
impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::Unsupported.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl IsTerminal for Stream {
    fn is_terminal(&self) -> bool {
        self.is_terminal
    }
}

impl StdoutStream for Stream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.another())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.another())
    }
}

// `wasi_config_t` is `repr(C)` around its private builder.
const _: () = assert!(size_of::<wasi_config_t>() == size_of::<WasiCtxBuilder>());

#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_wasi_streams(
    config: *mut wasi_config_t,
    env: *mut c_void,
    most: usize,
    standard_output: Write,
    output_is_terminal: bool,
    standard_error: Write,
    error_is_terminal: bool,
) {
    let builder = unsafe { &mut *(config as *mut WasiCtxBuilder) };
    builder.stdout(Stream::new(env, most, standard_output, output_is_terminal));
    builder.stderr(Stream::new(env, most, standard_error, error_is_terminal));
}
