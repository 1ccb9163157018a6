//! Exact neighbour search among hashes that stay, one query at a time: multi-index hashing.
//!
//! Each hash is cut into bands, and each band's value leads to the rows that have it; the few rows
//! that a query's bands propose are then compared in full. That no neighbour within 31 bits is
//! missed, [`plan`] proves. Beyond 31 bits that proof ends and every row is compared: slower, and
//! still exact.
//!
//! New hashes wait outside the bands, where they are [scanned](crate::scan), until there are enough
//! of them to fill the bands again.

mod band;
mod plan;
mod rows;
mod starts;

use features::fingerprint::Hash256;

use crate::scan::{self, GrowingColumns};
use band::{Band, Scratch};
use plan::Cut;
use rows::HashRow;

/// Hashes that may wait outside the bands: fewer are scanned as fast as bands are looked up
/// (`cargo bench -p matching`).
const BUFFERED_MIN: usize = 16_384;
/// The share of the hashes in bands that may wait as well, so that filling the bands again and
/// again costs a constant for each hash.
const BUFFERED_SHARE: usize = 8;

/// Hashes and their owners, for finding the owners of all that are near another hash.
///
/// An owner may have many hashes. In the bands a hash takes at most 96 bytes, owner and all.
#[derive(Default)]
pub struct HashIndex {
    buckets: Vec<Bucket>,
    buffered: GrowingColumns,
    buffered_owners: Vec<u32>,
}

/// As many hashes as bands can number.
#[derive(Default)]
struct Bucket {
    rows: Vec<HashRow>,
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
        self.buckets.iter().map(Bucket::len).sum::<usize>() + self.buffered_owners.len()
    }

    /// Whether there is no hash.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds one hash of `owner`.
    pub fn insert(&mut self, hash: &Hash256, owner: u32) {
        self.buffer(hash, owner);
        self.flush_if_full();
    }

    /// Adds to `owners` each owner of a hash within `distance_bits_max` of `hash` or of its
    /// complement; some may be added more than once. Any distance from 0 to 256 can be asked for,
    /// and up to 31 it is fast.
    pub fn neighbours(&self, hash: &Hash256, distance_bits_max: u16, owners: &mut Vec<u32>) {
        for bucket in &self.buckets {
            bucket.neighbours(&HashRow::of(hash), distance_bits_max, owners);
        }
        let buffered = self.buffered.columns();
        scan::neighbours(buffered, &[*hash], distance_bits_max, |near| {
            owners.push(self.buffered_owners[near.item]);
        });
    }

    fn buffer(&mut self, hash: &Hash256, owner: u32) {
        self.buffered.push(hash);
        self.buffered_owners.push(owner);
    }

    fn flush_if_full(&mut self) {
        let last = self.buckets.last().map_or(0, Bucket::len);
        if self.buffered_owners.len() >= BUFFERED_MIN + last / BUFFERED_SHARE {
            self.flush(band::ROWS_MAX);
        }
    }

    /// Puts all that is buffered in buckets.
    fn flush(&mut self, bucket_rows_max: usize) {
        let buffered = std::mem::take(&mut self.buffered);
        let owners = std::mem::take(&mut self.buffered_owners);
        let mut hashes = owners.into_iter().enumerate();
        let mut bucket = self.buckets.pop().unwrap_or_default();
        loop {
            let more = hashes.len().min(bucket_rows_max - bucket.len());
            bucket.rows.reserve_exact(more);
            bucket.owners.reserve_exact(more);
            for (item, owner) in hashes.by_ref().take(more) {
                bucket
                    .rows
                    .push(HashRow::of(&buffered.columns().hash(item)));
                bucket.owners.push(owner);
            }
            bucket.fill_bands(plan::cuts(bucket.len()));
            self.buckets.push(std::mem::take(&mut bucket));
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
            self.buffer(&hash, owner);
        }
        self.flush_if_full();
    }
}

impl Bucket {
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

    fn neighbours(&self, query: &HashRow, distance_bits_max: u16, owners: &mut Vec<u32>) {
        let mut scratch = Scratch::default();
        if distance_bits_max <= plan::DISTANCE_BITS_MAX {
            self.bands
                .iter()
                .for_each(|band| band.propose(query, &mut scratch));
        } else {
            scratch.numbers.extend((0..).take(self.len()));
        }
        rows::neighbours(
            &self.rows,
            &scratch.numbers,
            query,
            distance_bits_max,
            |row| {
                owners.push(self.owners[row]);
            },
        );
    }
}

#[cfg(test)]
mod tests;
