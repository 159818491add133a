//! Writes the adapter that turns a WASI preview 1 command into a component to the file named in the
//! first argument. The crate carries it as bytes.

use wasi_preview1_component_adapter_provider::WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER as ADAPTER;

fn main() -> std::io::Result<()> {
    match std::env::args_os().nth(1) {
        Some(path) => std::fs::write(path, ADAPTER),
        None => Err(std::io::Error::other("usage: bulkhead-guest-adapter FILE")),
    }
}
