//! Futures of asynchronous calls, polled with a real waker and inside the runtime that WASI's
//! timers need. The C API polls with a waker that does nothing.

use std::ffi::c_void;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use wasmtime_c_api::wasmtime_call_future_t;

// `wasmtime_call_future_t` is `repr(transparent)` around this private field.
type Underlying<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;
const _: () = assert!(size_of::<wasmtime_call_future_t<'_>>() == size_of::<Underlying<'_>>());

pub fn boxed<'a>(future: impl Future<Output = ()> + 'a) -> Box<wasmtime_call_future_t<'a>> {
    let underlying: Underlying<'a> = Box::pin(future);
    unsafe { Box::from_raw(Box::into_raw(Box::new(underlying)) as *mut wasmtime_call_future_t<'a>) }
}

struct CWaker {
    wake: extern "C" fn(*mut c_void),
    env: *mut c_void,
    release: extern "C" fn(*mut c_void),
}

// The C side promises that `wake` and `release` may be called from any thread.
unsafe impl Send for CWaker {}
unsafe impl Sync for CWaker {}

impl Wake for CWaker {
    fn wake(self: Arc<Self>) {
        (self.wake)(self.env)
    }
}

impl Drop for CWaker {
    fn drop(&mut self) {
        (self.release)(self.env)
    }
}

#[allow(non_camel_case_types)]
pub struct bhd_engine_waker_t(Waker);

#[unsafe(no_mangle)]
pub extern "C" fn bhd_engine_waker_new(
    wake: extern "C" fn(*mut c_void),
    env: *mut c_void,
    release: extern "C" fn(*mut c_void),
) -> Box<bhd_engine_waker_t> {
    Box::new(bhd_engine_waker_t(Arc::new(CWaker { wake, env, release }).into()))
}

#[unsafe(no_mangle)]
pub extern "C" fn bhd_engine_waker_delete(_: Option<Box<bhd_engine_waker_t>>) {}

#[unsafe(no_mangle)]
pub extern "C" fn bhd_engine_wake_later(waker: &bhd_engine_waker_t, milliseconds: u32) {
    let waker = waker.0.clone();
    wasmtime_wasi::runtime::with_ambient_tokio_runtime(|| {
        drop(tokio::task::spawn(async move {
            tokio::time::sleep(Duration::from_millis(milliseconds.into())).await;
            waker.wake();
        }));
    });
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_future_poll(
    future: *mut wasmtime_call_future_t<'_>,
    waker: &bhd_engine_waker_t,
) -> bool {
    let future = unsafe { &mut *(future as *mut Underlying<'_>) };
    wasmtime_wasi::runtime::with_ambient_tokio_runtime(|| {
        matches!(future.as_mut().poll(&mut Context::from_waker(&waker.0)), Poll::Ready(()))
    })
}
