//! An allocator that counts: a test that measures memory is alone in its binary.
#![allow(unsafe_code, reason = "an allocator is unsafe by its contract")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use photo::{Detail, Limits, Reason, decode_sheet};

/// Counts the bytes that are held, and remembers the most.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

fn grow(bytes: usize) {
    MOST.fetch_max(HELD.fetch_add(bytes, Relaxed) + bytes, Relaxed);
}

// SAFETY: every call goes to the system's allocator unchanged; only counters are added.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: as our caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: as our caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as our caller promises.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both blocks may exist while one is copied to the other, unless the block shrinks.
        if size > layout.size() {
            grow(size);
            HELD.fetch_sub(layout.size(), Relaxed);
        } else {
            HELD.fetch_sub(layout.size() - size, Relaxed);
        }
        // SAFETY: as our caller promises.
        unsafe { System.realloc(block, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Decodes with all frames and gives the most memory in bytes that was held beside the input.
pub fn measure(file: &[u8], detail: Detail, limits: &Limits) -> (Option<Reason>, usize) {
    let before = HELD.load(Relaxed);
    MOST.store(before, Relaxed);
    let refused = decode_sheet(file, detail, limits).err();
    (refused, MOST.load(Relaxed) - before)
}
