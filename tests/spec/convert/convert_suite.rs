//! Converts files of the specification's test suite: for each one JSON with its commands, and the
//! modules that it names, as binaries or text.
//!
//!     bulkhead-spec-tests DIRECTORY FILE.wast...
//!
//! A file is called by its own folder and name: `simd/simd_lane.wast` becomes `simd.simd_lane.json`.

use json_from_wast::Opts;
use std::{env, error::Error, fs, path::Path};
use wast::parser::{self, ParseBuffer};

fn convert(directory: &Path, file: &Path) -> Result<(), Box<dyn Error>> {
    let folder = file.parent().and_then(Path::file_name).ok_or("no folder")?;
    let stem = file.file_stem().ok_or("no name")?;
    let name = format!("{}.{}", folder.to_string_lossy(), stem.to_string_lossy());
    let text = fs::read_to_string(file)?;
    let mut lexer = wast::lexer::Lexer::new(&text);
    // Some tests have names with characters that read as others.
    lexer.allow_confusing_unicode(true);
    let buffer = ParseBuffer::new_with_lexer(lexer)?;
    let ast = parser::parse(&buffer)?;
    let wast = Opts::default().module_filename(&name).convert(&name, &text, ast)?;
    for (module, bytes) in &wast.wasms {
        fs::write(directory.join(module), bytes)?;
    }
    fs::write(directory.join(format!("{name}.json")), serde_json::to_vec(&wast)?)?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1);
    let directory = arguments.next().ok_or("no directory given")?;
    for file in arguments {
        convert(directory.as_ref(), file.as_ref()).map_err(|e| format!("{file:?}: {e}"))?;
    }
    Ok(())
}
