//! Valid WebAssembly out of arbitrary bytes: the same bytes always give the same binary.
//!
//! The first byte chooses what the rest may use; the rest is what the generator decides by.

use arbitrary::Unstructured;
use wasm_smith::{Component, Config, Module};

/// Larger binaries are not handed out: they take long and show little.
const MOST_BYTES: usize = 32 * 1024;

const COMPONENT: u8 = 0x01;
const GC: u8 = 0x02;
const START: u8 = 0x04;
const MANY: u8 = 0x08;
const LONG: u8 = 0x10;
/// Of a component: anything that is valid, instead of instances of one module. Such a component is
/// compiled, but has no instances.
const ANY_SHAPE: u8 = 0x20;
/// The upper two bits: instances of the module in a component, less one.
const INSTANCES_SHIFT: u8 = 6;

/// What guests may use: everything that the engine refuses at load stays off, or nearly all that is
/// generated would be refused.
fn config(choice: u8) -> Config {
    let many = choice & MANY != 0;
    Config {
        allow_start_export: choice & START != 0,
        export_everything: true,
        gc_enabled: choice & GC != 0,
        max_exports: 32,
        max_funcs: 16,
        max_imports: 0,
        max_instructions: if choice & LONG != 0 { 400 } else { 60 },
        max_memories: if many { 4 } else { 1 },
        max_memory32_bytes: 1 << 20,
        max_table_elements: 2000,
        max_tables: if many { 4 } else { 1 },
        max_types: 24,
        memory64_enabled: false,
        min_funcs: 1,
        min_memories: 1,
        min_types: 1,
        relaxed_simd_enabled: false,
        shared_everything_threads_enabled: false,
        threads_enabled: false,
        ..Config::default()
    }
}

/// Appends a number as the binary format has it.
fn push_number(out: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn push_section(out: &mut Vec<u8>, id: u8, content: &[u8]) {
    out.push(id);
    push_number(out, content.len());
    out.extend_from_slice(content);
}

/// A component that instantiates a module, which imports nothing, so many times.
fn instances_of(module: &[u8], count: u8) -> Vec<u8> {
    let mut component = b"\0asm\x0d\0\x01\0".to_vec();
    push_section(&mut component, 1, module);
    let mut instances = vec![count];
    for _ in 0..count {
        instances.extend_from_slice(&[0, 0, 0]); // instantiate module 0 with nothing
    }
    push_section(&mut component, 2, &instances);
    component
}

fn generate(bytes: &[u8]) -> Option<Vec<u8>> {
    let (&choice, rest) = bytes.split_first()?;
    let mut source = Unstructured::new(rest);
    if choice & (COMPONENT | ANY_SHAPE) == COMPONENT | ANY_SHAPE {
        let shape = Config { min_funcs: 0, min_types: 0, ..config(choice & !GC) };
        return Some(Component::new(shape, &mut source).ok()?.to_bytes());
    }
    let module = Module::new(config(choice), &mut source).ok()?.to_bytes();
    if choice & COMPONENT == 0 {
        return Some(module);
    }
    Some(instances_of(&module, (choice >> INSTANCES_SHIFT) + 1))
}

/// Writes a binary of at most `capacity` bytes to `binary` and returns its size; 0 when the bytes
/// make none, or one that is too large.
///
/// # Safety
/// `bytes` has `size` bytes and `binary` room for `capacity`; they do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_smith_binary(
    bytes: *const u8,
    size: usize,
    binary: *mut u8,
    capacity: usize,
) -> usize {
    if size == 0 {
        return 0;
    }
    let input = unsafe { core::slice::from_raw_parts(bytes, size) };
    match generate(input) {
        Some(made) if made.len() <= capacity.min(MOST_BYTES) => {
            unsafe { core::ptr::copy_nonoverlapping(made.as_ptr(), binary, made.len()) };
            made.len()
        }
        _ => 0,
    }
}
