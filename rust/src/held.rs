//! The descriptors that the engine holds for a guest's files and directories, for C to look at: they
//! are numbers that the program may close, and then name what it opens next.

use std::ffi::{c_int, c_void};
use std::os::fd::AsRawFd;
use std::time::Duration;

use wasmtime_c_api::{WasmtimeStore, WasmtimeStoreContextMut, wasmtime_store_t};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::filesystem::preopens::Host;

fn number(descriptor: &Descriptor) -> c_int {
    match descriptor {
        Descriptor::File(file) => file.file.as_raw_fd(),
        Descriptor::Dir(directory) => directory.dir.as_raw_fd(),
    }
}

/// Before the guest runs: nothing of what is put into its table here stays.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_wasi_directories(
    mut context: WasmtimeStoreContextMut<'_>,
    numbers: *mut c_int,
    capacity: usize,
) -> usize {
    let mut view = context.data_mut().filesystem();
    let Ok(directories) = view.get_directories() else {
        return 0;
    };
    let mut count = 0;
    for (directory, _) in directories {
        if let Ok(descriptor) = view.table.delete(directory) {
            if count < capacity {
                unsafe { *numbers.add(count) = number(&descriptor) };
            }
            count += 1;
        }
    }
    count
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_wasi_files(
    mut context: WasmtimeStoreContextMut<'_>,
    env: *mut c_void,
    each: extern "C" fn(*mut c_void, c_int),
) {
    for entry in context.data_mut().ctx().table.iter_mut() {
        crate::files::descriptors_in(entry, |fd| each(env, fd));
    }
}

/// Deletes a store that has WASI. `false`: what its guest left open is not all closed by now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_store_delete(
    mut store: Box<wasmtime_store_t>,
    milliseconds: u32,
) -> bool {
    let inner = unsafe { &mut *(&raw mut *store as *mut WasmtimeStore) };
    let end = crate::files::end_of(inner.data_mut().ctx().table);
    drop(store);
    end.is_none_or(|wait| wait(Duration::from_millis(milliseconds.into())))
}
