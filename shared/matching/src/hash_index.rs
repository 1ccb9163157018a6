//! Exact neighbour search among hashes that stay, one query at a time: multi-index hashing.
//!
//! Each hash is cut into bands, and each band's value leads to the rows that have it; the few rows
//! that a query's bands propose are then compared in full. That no neighbour within 31 bits is
//! missed, [`plan`] proves. Beyond 31 bits that proof ends and every row is compared: slower, and
//! still exact.
//!
//! New hashes wait outside the bands, where they are [scanned](crate::scan), until there are enough
//! of them to fill the bands anew.

mod band;
mod plan;
mod rows;
mod starts;

use records::fingerprint::Hash256;

use crate::scan::{self, GrowingColumns};
use band::{Band, Room};
use plan::Cut;
use rows::Row;

/// Hashes that may wait outside the bands: fewer are scanned as fast as bands are looked up
/// (`cargo bench -p matching`).
const WAITING_MIN: usize = 16_384;
/// The share of the hashes in bands that may wait as well, so that filling the bands again and
/// again costs a constant for each hash.
const WAITING_SHARE: usize = 8;

/// Hashes and their owners, for finding the owners of all that are near another hash.
///
/// An owner may have many hashes. In the bands a hash takes at most 96 bytes, owner and all.
#[derive(Default)]
pub struct HashIndex {
    shelves: Vec<Shelf>,
    waiting: GrowingColumns,
    waiting_owners: Vec<u32>,
}

/// As many hashes as bands can number.
#[derive(Default)]
struct Shelf {
    rows: Vec<Row>,
    owners: Vec<u32>,
    bands: Vec<Band>,
}

impl HashIndex {
    /// An index of no hash.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of hashes.
    pub fn len(&self) -> usize {
        self.shelves.iter().map(Shelf::len).sum::<usize>() + self.waiting_owners.len()
    }

    /// Whether there is no hash.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds one hash of `owner`.
    pub fn insert(&mut self, hash: &Hash256, owner: u32) {
        self.wait(hash, owner);
        self.fill_if_due();
    }

    /// Adds to `owners` each owner of a hash within `distance_bits_max` of `hash` or of its
    /// complement; some may be added more than once. Any distance from 0 to 256 can be asked for,
    /// and up to 31 it is fast.
    pub fn near(&self, hash: &Hash256, distance_bits_max: u16, owners: &mut Vec<u32>) {
        for shelf in &self.shelves {
            shelf.near(&Row::of(hash), distance_bits_max, owners);
        }
        let waiting = self.waiting.columns();
        scan::near(waiting, &[*hash], distance_bits_max, |near| {
            owners.push(self.waiting_owners[near.item]);
        });
    }

    fn wait(&mut self, hash: &Hash256, owner: u32) {
        self.waiting.push(hash);
        self.waiting_owners.push(owner);
    }

    fn fill_if_due(&mut self) {
        let last = self.shelves.last().map_or(0, Shelf::len);
        if self.waiting_owners.len() >= WAITING_MIN + last / WAITING_SHARE {
            self.fill(band::ROWS_MAX);
        }
    }

    /// Puts all that waits on shelves.
    fn fill(&mut self, shelf_rows_max: usize) {
        let waiting = std::mem::take(&mut self.waiting);
        let owners = std::mem::take(&mut self.waiting_owners);
        let mut hashes = owners.into_iter().enumerate();
        let mut shelf = self.shelves.pop().unwrap_or_default();
        loop {
            let more = hashes.len().min(shelf_rows_max - shelf.len());
            shelf.rows.reserve_exact(more);
            shelf.owners.reserve_exact(more);
            for (item, owner) in hashes.by_ref().take(more) {
                shelf.rows.push(Row::of(&waiting.columns().hash(item)));
                shelf.owners.push(owner);
            }
            shelf.fill_bands(plan::cuts(shelf.len()));
            self.shelves.push(std::mem::take(&mut shelf));
            if hashes.len() == 0 {
                return;
            }
        }
    }
}

impl Extend<(Hash256, u32)> for HashIndex {
    /// Adds many hashes, each with its owner: faster than one by one, as the bands are filled once.
    fn extend<T: IntoIterator<Item = (Hash256, u32)>>(&mut self, hashes: T) {
        for (hash, owner) in hashes {
            self.wait(&hash, owner);
        }
        self.fill_if_due();
    }
}

impl Shelf {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn fill_bands(&mut self, cuts: &[Cut]) {
        self.bands = Vec::with_capacity(cuts.len()); // frees the old ones before there are new ones
        let mut first_bit = 0;
        for cut in cuts {
            self.bands.push(Band::of(&self.rows, first_bit, *cut));
            first_bit += cut.bits;
        }
    }

    fn near(&self, query: &Row, distance_bits_max: u16, owners: &mut Vec<u32>) {
        let mut room = Room::default();
        if distance_bits_max <= plan::DISTANCE_BITS_MAX {
            self.bands
                .iter()
                .for_each(|band| band.propose(query, &mut room));
        } else {
            room.numbers.extend((0..).take(self.len()));
        }
        rows::near(&self.rows, &room.numbers, query, distance_bits_max, |row| {
            owners.push(self.owners[row]);
        });
    }
}

#[cfg(test)]
mod tests;
