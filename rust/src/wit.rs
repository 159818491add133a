//! A component's world as WIT: what it imports and exports, under the names that its types have.
//!
//! The names are those of the binary's type exports, and the validator says which named type is
//! another one under a new name; that becomes a `use`. What WIT has no word for stands there as a
//! comment, so that the rest can still be read by the component model's tools. The text, the number
//! of names and the depth are bounded, because a small binary can describe a type that is
//! exponentially large; nothing here panics on any valid component.

use std::ffi::c_void;

use wasmparser::{Parser, Payload, ValidPayload, Validator, WasmFeatures};
use wasmtime_c_api::wasmtime_error_t;

use crate::bhd_engine_str_t;
use crate::wit_text;
use crate::wit_world::{World, bhd_engine_wit_bounds_t};

/// Validates everything but the bodies of functions, with every proposal on.
fn read(binary: &[u8], bounds: bhd_engine_wit_bounds_t) -> wasmparser::Result<String> {
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    let mut depth = 0;
    let mut types = None;
    for payload in Parser::new(0).parse_all(binary) {
        let payload = payload?;
        match &payload {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section.clone() {
                    imports.push(import?.name.name);
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section.clone() {
                    exports.push(export?.name.name);
                }
            }
            _ => {}
        }
        if let ValidPayload::End(all) = validator.payload(&payload)? {
            types = Some(all);
        }
    }
    let world = types.as_ref().and_then(|types| World::read(types, &imports, &exports, bounds));
    Ok(match world {
        Some(world) => wit_text::write(world),
        None => "// cut: too many names\n".to_string(),
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_component_wit(
    binary: *const u8,
    size: usize,
    bounds: &bhd_engine_wit_bounds_t,
    env: *mut c_void,
    text: extern "C" fn(*mut c_void, bhd_engine_str_t),
) -> Option<Box<wasmtime_error_t>> {
    match read(unsafe { crate::bytes(binary, size) }, *bounds) {
        Ok(wit) => {
            text(env, wit.as_str().into());
            None
        }
        Err(e) => Some(Box::new(wasmtime::Error::new(e).into())),
    }
}
