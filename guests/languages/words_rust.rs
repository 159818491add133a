//! A program as Rust's toolchain makes it, with the standard library: a hash map (which wants random
//! numbers), allocation, a file of a granted directory, the clock. Prints what it found.
use std::collections::HashMap;
use std::io::Read;
use std::time::SystemTime;

fn main() {
    let mut words: HashMap<String, usize> = HashMap::new();
    let mut text = String::new();
    let mut from = "arguments".to_string();
    if let Some(path) = std::env::args().nth(1) {
        match std::fs::File::open(&path).and_then(|mut f| f.read_to_string(&mut text)) {
            Ok(_) => from = path,
            Err(e) => println!("rust: {path}: {:?}", e.kind()),
        }
    }
    for word in text.split_whitespace() {
        *words.entry(word.to_string()).or_default() += 1;
    }
    let year = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map(|d| d.as_secs() / 31_556_952 + 1970);
    println!("rust: {} different words in {from}, the year is {}", words.len(), if year.unwrap_or(0) > 2023 { "sane" } else { "wrong" });
}
