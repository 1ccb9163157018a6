//! The prefilter in plain Rust, shaped so that the compiler turns it into vector instructions: on arm64
//! it is what runs, and [`Kernel`](super::Kernel) has it compiled again for those of x86-64.

use super::columns::{Prefixes, TILE_ITEMS, Tile};

/// The first bytes of a query, as the tiles hold those of the stored hashes.
pub(super) type Prefix = [u8; 16];

/// Leaves out the last bit of the first step: 95 are compared then, and 127 with the second.
const LAST_BYTE_MASK: u8 = 0xfe;
/// Set in the number of differing bits of 95, if that is 32 to 63: such two are no neighbours.
const APART_OF_95: u8 = 32;
/// Set in the number of differing bits of 127, with 32 added, if that number is 32 to 95.
const APART_OF_127_AND_32: u8 = 64;

/// Tiles with an item that passes the first step: scratch space, kept from call to call.
#[derive(Default)]
pub(super) struct Survivors {
    tiles: Vec<u32>,
    counts: Vec<[u8; TILE_ITEMS]>,
}

/// Adds, in order, the places of the items of whose first 128 bits, the 96th left out, at most 31
/// differ from the query's, or at least 96. Those that fill up the last tile count as items.
///
/// One pass over all tiles notes which have an item that passes the first step, without a branch
/// that the processor could guess wrong; those alone take the second. What that reads lies apart,
/// so the more tiles there are, the more of these reads from memory are under way at once.
#[inline(always)] // into functions that have other instructions
pub(super) fn prefilter(
    stored: Prefixes<'_>,
    query: &Prefix,
    survivors: &mut Survivors,
    places: &mut Vec<u32>,
) {
    let len = survivors.mark(stored.first, query);
    for (tile, counts) in survivors.tiles[..len].iter().zip(&survivors.counts) {
        let counts = of_127_and_32(counts, &stored.second[*tile as usize], query);
        if any_without(APART_OF_127_AND_32, &counts) {
            push_neighbour(&counts, *tile as usize * TILE_ITEMS, places);
        }
    }
}

impl Survivors {
    /// Notes the tiles that pass the first step, and returns how many they are.
    #[inline(always)]
    fn mark(&mut self, tiles: &[Tile<12>], query: &Prefix) -> usize {
        if self.tiles.len() < tiles.len() {
            self.tiles.resize(tiles.len(), 0);
            self.counts.resize(tiles.len(), [0; TILE_ITEMS]);
        }
        let mut len = 0;
        for (number, tile) in (0..).zip(tiles) {
            let counts = of_95(tile, query);
            let passes = any_without(APART_OF_95, &counts);
            // Stays if the tile passes, else the next one takes its place.
            (self.tiles[len], self.counts[len]) = (number, counts);
            len += usize::from(passes);
        }
        len
    }
}

/// For each item the number of differing bits of 95.
#[inline(always)]
fn of_95(tile: &Tile<12>, query: &Prefix) -> [u8; TILE_ITEMS] {
    let mut counts = [0; TILE_ITEMS];
    for (i, (column, byte)) in tile.iter().zip(query).enumerate() {
        let mask = if i < 11 { 0xff } else { LAST_BYTE_MASK };
        for (count, own) in counts.iter_mut().zip(column) {
            *count += ((own ^ byte) & mask).count_ones() as u8;
        }
    }
    counts
}

/// For each item the number of differing bits of 127, and 32; from that of 95.
#[inline(always)]
fn of_127_and_32(of_95: &[u8; TILE_ITEMS], tile: &Tile<4>, query: &Prefix) -> [u8; TILE_ITEMS] {
    let mut counts = of_95.map(|count| count + 32);
    for (column, byte) in tile.iter().zip(&query[12..]) {
        for (count, own) in counts.iter_mut().zip(column) {
            *count += (own ^ byte).count_ones() as u8;
        }
    }
    counts
}

#[inline(always)]
fn any_without(bit: u8, counts: &[u8; TILE_ITEMS]) -> bool {
    counts
        .iter()
        .fold(false, |any, count| any | (count & bit == 0))
}

#[cold]
fn push_neighbour(counts: &[u8; TILE_ITEMS], start: usize, places: &mut Vec<u32>) {
    let near = |(_, count): &(u32, &u8)| *count & APART_OF_127_AND_32 == 0;
    let places_and_counts = (start as u32..).zip(counts);
    places.extend(places_and_counts.filter(near).map(|(place, _)| place));
}
