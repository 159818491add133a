//! Branches that lead straight to an `unreachable`.
//!
//! The compiler makes one trap of a conditional branch and the `unreachable` where it leads, and
//! the trap is at the place of the branch. Its line of source text is that of the condition, which
//! is often the one before. So for traps of this kind it is known which `unreachable` was meant.

use wasmparser::{BinaryReader, CodeSectionReader, FunctionBody, Operator};

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
pub fn to_unreachable(code: &[u8], start: usize, most: usize) -> Vec<Pair> {
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
