//! What is taken of the heap while something is done, counted where it is asked for. The allocator
//! is the system's; while nobody counts, it costs one look more.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

struct Counted;

#[global_allocator]
static ALLOCATOR: Counted = Counted;

/// Threads that count. Each sees what it wrote itself; whatever the others see, they have no count.
static COUNTING: AtomicUsize = AtomicUsize::new(0);

/// Bytes taken, less those given back.
#[derive(Clone, Copy, Default)]
struct Count {
    now: isize,
    most: isize,
}

thread_local! {
    static COUNT: Cell<Option<Count>> = const { Cell::new(None) };
}

/// With what the C library puts around a block, by the rule of glibc for small ones.
fn taken(size: usize) -> isize {
    let block = size.saturating_add(8 + 15) & !15;
    block.max(32) as isize
}

fn note(bytes: isize) {
    if COUNTING.load(Ordering::Relaxed) == 0 {
        return;
    }
    COUNT.with(|count| {
        if let Some(Count { now, most }) = count.get() {
            let now = now.saturating_add(bytes);
            count.set(Some(Count { now, most: most.max(now) }));
        }
    });
}

unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(taken(layout.size()));
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(taken(layout.size()));
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(taken(size) - taken(layout.size()));
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        note(-taken(layout.size()));
        unsafe { System.dealloc(block, layout) }
    }
}

/// The most that `work` had taken on this thread and not given back, at any moment of it. Not within
/// itself.
pub fn most_of<T>(work: impl FnOnce() -> T) -> (T, usize) {
    COUNTING.fetch_add(1, Ordering::Relaxed);
    COUNT.with(|count| count.set(Some(Count::default())));
    let made = work();
    let counted = COUNT.with(|count| count.replace(None)).unwrap_or_default();
    COUNTING.fetch_sub(1, Ordering::Relaxed);
    (made, counted.most as usize)
}
