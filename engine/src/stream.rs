//! A guest's standard output and error, written on the thread that runs the guest.
//!
//! The C API's own streams hand what a guest writes to another thread, which may still be writing,
//! through a pointer that C has freed, when the guest has been ended at its deadline.

use std::ffi::c_void;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use wasmtime_c_api::wasi_config_t;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi::{WasiCtxBuilder, async_trait};
use wasmtime_wasi_io::bytes::Bytes;

/// What one call may bring; also bounds what the engine buffers.
const WRITE_MAX: usize = 64 * 1024;

/// Takes all of it and gives the size back, or gives a negative errno.
type Write = extern "C" fn(*mut c_void, *const u8, usize) -> isize;

#[derive(Clone)]
struct Stream {
    env: *mut c_void,
    write: Write,
}

// The C side promises that `env` outlives the store and that no other thread runs it meanwhile.
unsafe impl Send for Stream {}
unsafe impl Sync for Stream {}

impl Stream {
    fn put(&self, data: &[u8]) -> io::Result<usize> {
        match (self.write)(self.env, data.as_ptr(), data.len()) {
            wrote if wrote >= 0 => Ok(data.len()),
            errno => Err(io::Error::from_raw_os_error(-errno as i32)),
        }
    }
}

#[async_trait]
impl Pollable for Stream {
    async fn ready(&mut self) {}
}

impl OutputStream for Stream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.put(&bytes).map(|_| ()).map_err(|e| StreamError::LastOperationFailed(e.into()))
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_MAX)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.put(data))
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
        false
    }
}

impl StdoutStream for Stream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

// `wasi_config_t` is `repr(C)` around its private builder.
const _: () = assert!(size_of::<wasi_config_t>() == size_of::<WasiCtxBuilder>());

#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_wasi_streams(
    config: *mut wasi_config_t,
    env: *mut c_void,
    standard_output: Write,
    standard_error: Write,
) {
    let builder = unsafe { &mut *(config as *mut WasiCtxBuilder) };
    builder.stdout(Stream { env, write: standard_output });
    builder.stderr(Stream { env, write: standard_error });
}
