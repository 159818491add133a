//! Branches that lead straight to an `unreachable`.
//!
//! The compiler makes one trap of a conditional branch and the `unreachable` where it leads, and
//! the trap is at the place of the branch. Its line of source text is that of the condition, which
//! is often the one before. So for traps of this kind it is known which `unreachable` was meant.

use std::ffi::c_void;
use std::ops::Range;

use wasmparser::{BinaryReader, CodeSectionReader, Encoding, FunctionBody, Operator, Parser, Payload};

/// In one module.
pub const OF_MODULE_MAX: usize = 64 * 1024;
/// In one binary.
const OF_BINARY_MAX: usize = 4 * OF_MODULE_MAX;

/// A branch and its `unreachable`, as offsets into the binary.
pub type Pair = (usize, usize);

/// A block, loop or `if` that is open.
#[derive(Default)]
struct Label {
    is_loop: bool,
    /// Branches to its end.
    ending: Vec<usize>,
    /// An `if` whose `else` is not there yet.
    otherwise: Option<usize>,
}

impl Label {
    fn new(is_loop: bool, otherwise: Option<usize>) -> Self {
        Label { is_loop, otherwise, ..Label::default() }
    }
}

/// One function: the compiler has checked it, so what does not fit is only left out. Each branch is
/// moved from one list to another at each `end` that comes right behind the other.
fn look_at(body: &FunctionBody<'_>, most: usize, found: &mut Vec<Pair>) -> Option<()> {
    let mut operators = body.get_operators_reader().ok()?;
    let mut open = vec![Label::default()];
    // Branches that lead to what comes next.
    let mut leading: Vec<usize> = Vec::new();
    while !operators.eof() {
        let (operator, at) = operators.read_with_offset().ok()?;
        match operator {
            Operator::Unreachable => {
                let room = most.saturating_sub(found.len());
                found.extend(leading.drain(..).take(room).map(|branch| (branch, at)));
            }
            Operator::BrIf { relative_depth } => {
                let depth = usize::try_from(relative_depth).ok()?;
                let label = open.len().checked_sub(depth + 1).and_then(|to| open.get_mut(to))?;
                if !label.is_loop {
                    label.ending.push(at);
                }
                leading.clear();
                leading.push(at);
            }
            Operator::If { .. } => {
                open.push(Label::new(false, Some(at)));
                leading.clear();
                leading.push(at);
            }
            Operator::Else => {
                leading.clear();
                leading.extend(open.last_mut()?.otherwise.take());
            }
            Operator::Block { .. } => open.push(Label::new(false, None)),
            Operator::Loop { .. } => open.push(Label::new(true, None)),
            Operator::TryTable { .. } => {
                open.push(Label::new(false, None));
                leading.clear();
            }
            Operator::End => {
                let mut label = open.pop()?;
                leading.append(&mut label.ending);
                leading.extend(label.otherwise);
            }
            Operator::Nop => {}
            _ => leading.clear(),
        }
    }
    Some(())
}

/// Of a code section that begins at `start`, in the order of branches; at most `most`.
fn to_unreachable(code: &[u8], start: usize, most: usize) -> Vec<Pair> {
    let mut found = Vec::new();
    let Ok(bodies) = CodeSectionReader::new(BinaryReader::new(code, start)) else { return found };
    for body in bodies {
        let Ok(body) = body else { break };
        let _ = look_at(&body, most, &mut found);
        if found.len() >= most {
            break;
        }
    }
    // Of one that leads to two, the first.
    found.sort();
    found.dedup_by_key(|pair| pair.0);
    found
}

#[allow(non_camel_case_types)]
#[repr(C)]
pub struct bhd_engine_branch_t {
    pub branch: u64,
    pub unreachable: u64,
}

/// The code sections of modules that have line programs, in the order of the binary.
fn sections_with_lines(binary: &[u8]) -> Vec<Range<usize>> {
    let mut sections = Vec::new();
    // For each module or component that encloses what is read: its code, and whether it has lines.
    let mut open: Vec<(bool, Range<usize>, bool)> = Vec::new();
    for payload in Parser::new(0).parse_all(binary) {
        let Ok(payload) = payload else { break };
        match payload {
            Payload::Version { encoding, .. } => open.push((encoding == Encoding::Module, 0..0, false)),
            Payload::CodeSectionStart { range, .. } => {
                if let Some(last) = open.last_mut() {
                    last.1 = range.start as usize..range.end as usize;
                }
            }
            Payload::CustomSection(custom) if custom.name() == ".debug_line" => {
                if let Some(last) = open.last_mut() {
                    last.2 = true;
                }
            }
            Payload::End(_) => {
                if let Some((true, code, true)) = open.pop() {
                    sections.push(code);
                }
            }
            _ => {}
        }
    }
    sections
}

/// Tells them in the order of the binary.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhd_engine_branches(
    binary: *const u8,
    size: usize,
    env: *mut c_void,
    found: extern "C" fn(*mut c_void, &bhd_engine_branch_t),
) {
    let binary = unsafe { crate::bytes(binary, size) };
    let mut left = OF_BINARY_MAX;
    for range in sections_with_lines(binary) {
        let code = binary.get(range.clone()).unwrap_or_default();
        let pairs = to_unreachable(code, range.start, OF_MODULE_MAX.min(left));
        left -= pairs.len();
        for (branch, unreachable) in pairs {
            found(env, &bhd_engine_branch_t { branch: branch as u64, unreachable: unreachable as u64 });
        }
    }
}
