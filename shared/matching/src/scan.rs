//! Exact neighbour search by reading every hash: for many stored hashes without an index,
//! and many queries at once, as a new reference asks about all past ads.
//!
//! Hashes lie in [`Columns`]. Neighbours are pairs that differ in at most `distance_bits_max` of
//! 256 bits, and pairs of which one is that near to the other's complement, since that is the hash
//! of a photo's negative: they differ in at least `256 - distance_bits_max` bits.
//!
//! Up to 31 bits, three steps find them, each sure to pass every neighbour. Of the first 95 bits,
//! neighbours differ in at most 31 or at least 64: bit 5 of that count is clear, as it is for one
//! in a thousand random pairs and for seven in a thousand pairs of real photos. Of 127 bits they
//! differ in at most 31 or at least 96. Then all 256 decide. So nearly all the work is in the
//! first 12 bytes of each hash, which are read in blocks that stay in the processor's nearest
//! cache while all queries pass over them. Beyond 31 bits every pair is counted in full: slower,
//! and still exact.
//!
//! Threads are the caller's: give each its own [`Columns::slice`].
//!
//! ```
//! use matching::scan::{self, Columns};
//! use features::fingerprint::Hash256;
//!
//! let photo = Hash256([0x5a; 32]);
//! let stored = [Hash256([0; 32]), photo, photo.complement()];
//! let bytes = scan::to_columns(&stored);
//! let columns = Columns::read(&bytes).expect("written by to_columns");
//!
//! let mut found = Vec::new();
//! scan::neighbours(columns, &[photo], 31, |near| found.push((near.item, near.distance_bits)));
//! assert_eq!(found, [(1, 0), (2, 256)]);
//! ```

mod columns;
mod kernel;
mod prefilter;

pub use columns::{Columns, TILE_ITEMS, to_columns};
pub use kernel::Kernel;

pub(crate) use columns::GrowingColumns;

use features::fingerprint::Hash256;

use crate::whole::HASH_BITS;
use prefilter::Survivors;

/// Greatest distance for which the prefilter is certain.
const PREFILTER_DISTANCE_BITS_MAX: u16 = 31;
/// Hashes that all queries pass over before the next ones are read: their first 12 bytes fill
/// three quarters of the 32 KiB that the nearest cache of any server processor has.
const BLOCK_ITEMS: usize = 32 * TILE_ITEMS;
/// The same for a single query, which has no use for a cache: as many as still fit the next one.
const BLOCK_ITEMS_ALONE: usize = 1_024 * TILE_ITEMS;

/// A stored hash and a query that are neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Neighbour {
    /// Place of the stored hash among the columns searched, from 0.
    pub item: usize,
    /// Place of the query among the queries, from 0.
    pub query: usize,
    /// Bits in which the two differ, of 256. More than 128 means that one is near to the other's
    /// complement.
    pub distance_bits: u16,
}

/// Tells `found` of every pair of a stored hash and a query that are neighbours, each pair once,
/// in no particular order. `distance_bits_max` can be 0 to 256; from 128 on every pair is near.
pub fn neighbours(
    columns: Columns<'_>,
    queries: &[Hash256],
    distance_bits_max: u16,
    found: impl FnMut(Neighbour),
) {
    neighbours_with(Kernel::best(), columns, queries, distance_bits_max, found);
}

/// [`neighbours`] with instructions of the caller's choice; the answers are the same.
pub fn neighbours_with(
    kernel: Kernel,
    columns: Columns<'_>,
    queries: &[Hash256],
    distance_bits_max: u16,
    mut found: impl FnMut(Neighbour),
) {
    let mut scratch = Scratch::default();
    let block_items = if queries.len() == 1 {
        BLOCK_ITEMS_ALONE
    } else {
        BLOCK_ITEMS
    };
    for start in (0..columns.len()).step_by(block_items) {
        let block = columns.slice(start..columns.len().min(start + block_items));
        for (query, hash) in queries.iter().enumerate() {
            scratch.propose(kernel, block, hash, distance_bits_max);
            for place in scratch.places.drain(..) {
                let distance_bits = block.hash(place as usize).distance_bits(hash);
                if distance_bits.min(HASH_BITS - distance_bits) <= distance_bits_max {
                    let item = start + place as usize;
                    found(Neighbour {
                        item,
                        query,
                        distance_bits,
                    });
                }
            }
        }
    }
}

/// Room to work in, kept from block to block.
#[derive(Default)]
struct Scratch {
    survivors: Survivors,
    /// Places in the block that may be neighbours, among them all that are.
    places: Vec<u32>,
}

impl Scratch {
    fn propose(&mut self, kernel: Kernel, block: Columns<'_>, query: &Hash256, max: u16) {
        if max > PREFILTER_DISTANCE_BITS_MAX {
            self.places.extend((0..).take(block.len()));
            return;
        }
        let prefix = query.0.first_chunk().expect("a hash is longer");
        kernel.prefilter(
            block.prefixes(),
            prefix,
            &mut self.survivors,
            &mut self.places,
        );
        // What fills up the last tile is no item.
        self.places.retain(|place| (*place as usize) < block.len());
    }
}

#[cfg(test)]
mod tests;
