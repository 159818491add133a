//! The directories that a guest was given.

use wasmtime_wasi::filesystem::{self, Descriptor, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::filesystem::preopens::Host as _;

/// What the guest was given, out of Wasmtime's context.
pub fn granted(
    view: &mut WasiFilesystemCtxView<'_>,
) -> wasmtime::Result<Vec<(filesystem::Dir, String)>> {
    let mut all = Vec::new();
    for (descriptor, name) in view.get_directories()? {
        if let Descriptor::Dir(dir) = view.table.delete(descriptor)? {
            all.push((dir, name));
        }
    }
    Ok(all)
}
