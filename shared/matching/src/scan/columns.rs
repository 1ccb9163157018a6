//! Hashes laid out for a straight scan.

use std::ops::Range;

use features::fingerprint::Hash256;

/// Hashes in a tile. 64 fill a vector of any processor.
pub const TILE_ITEMS: usize = 64;

/// A column for each of some bytes of 64 hashes.
pub(super) type Tile<const BYTES: usize> = [[u8; TILE_ITEMS]; BYTES];

/// Many hashes, borrowed and cheap to copy, in the layout that a scan reads fastest. First come the
/// tiles: bytes 0 to 11 of all hashes, then the smaller tiles of their bytes 12 to 15, then bytes
/// 16 to 31 of each hash.
///
/// A tile holds some bytes of 64 hashes: its first byte of all 64, then its second byte of all 64,
/// and so on. The last one is filled up with zeros.
#[derive(Clone, Copy)]
pub struct Columns<'a> {
    prefixes: Prefixes<'a>,
    rests: &'a [[u8; 16]],
}

/// The tiles of both steps of the prefilter, equally many.
#[derive(Clone, Copy)]
pub(super) struct Prefixes<'a> {
    pub(super) first: &'a [Tile<12>],
    pub(super) second: &'a [Tile<4>],
}

/// The bytes that [`Columns::read`] reads: 32 for each hash, and at most 1,008 to fill up.
pub fn to_columns(hashes: &[Hash256]) -> Vec<u8> {
    let mut growing = GrowingColumns::default();
    hashes.iter().for_each(|hash| growing.push(hash));
    let Columns { prefixes, rests } = growing.columns();
    let first = prefixes.first.as_flattened().as_flattened();
    let second = prefixes.second.as_flattened().as_flattened();
    [first, second, rests.as_flattened()].concat()
}

impl<'a> Columns<'a> {
    /// Columns as [`to_columns`] wrote them, in place; `None` if their length is none that it
    /// gives. The bytes are not checked otherwise: any are hashes.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let full_tiles = bytes.len() / (32 * TILE_ITEMS);
        let tiles = bytes.len().div_ceil(32 * TILE_ITEMS);
        let (first, rests) = bytes.split_at_checked(12 * TILE_ITEMS * tiles)?;
        let (second, rests) = rests.split_at_checked(4 * TILE_ITEMS * tiles)?;
        let (rests, []) = rests.as_chunks() else {
            return None;
        };
        (tiles == full_tiles || rests.len() > full_tiles * TILE_ITEMS).then_some(Self {
            prefixes: Prefixes {
                first: first.as_chunks().0.as_chunks().0,
                second: second.as_chunks().0.as_chunks().0,
            },
            rests,
        })
    }

    /// Number of hashes.
    pub fn len(&self) -> usize {
        self.rests.len()
    }

    /// Whether there is no hash.
    pub fn is_empty(&self) -> bool {
        self.rests.is_empty()
    }

    /// Some of the hashes, as columns of their own.
    ///
    /// # Panics
    /// If the range does not start at a multiple of [`TILE_ITEMS`], or ends beyond
    /// [`len`](Self::len).
    pub fn slice(&self, items: Range<usize>) -> Self {
        let starts_a_tile = items.start.is_multiple_of(TILE_ITEMS);
        assert!(starts_a_tile, "a slice starts with a tile");
        let tiles = items.start / TILE_ITEMS..items.end.div_ceil(TILE_ITEMS);
        Self {
            prefixes: Prefixes {
                first: &self.prefixes.first[tiles.clone()],
                second: &self.prefixes.second[tiles],
            },
            rests: &self.rests[items],
        }
    }

    /// One hash.
    ///
    /// # Panics
    /// If `item` is not below [`len`](Self::len).
    pub fn hash(&self, item: usize) -> Hash256 {
        let (tile, place) = (item / TILE_ITEMS, item % TILE_ITEMS);
        let first = self.prefixes.first[tile].iter();
        let tiled = first.chain(&self.prefixes.second[tile]);
        let bytes = tiled.map(|column| &column[place]).chain(&self.rests[item]);
        let mut hash = Hash256([0; 32]);
        hash.0
            .iter_mut()
            .zip(bytes)
            .for_each(|(to, from)| *to = *from);
        hash
    }

    pub(super) fn prefixes(&self) -> Prefixes<'a> {
        self.prefixes
    }
}

/// Columns that more hashes can be added to.
#[derive(Default)]
pub(crate) struct GrowingColumns {
    first: Vec<Tile<12>>,
    second: Vec<Tile<4>>,
    rests: Vec<[u8; 16]>,
}

impl GrowingColumns {
    pub(crate) fn push(&mut self, hash: &Hash256) {
        let (tile, place) = (self.rests.len() / TILE_ITEMS, self.rests.len() % TILE_ITEMS);
        if place == 0 {
            self.first.push([[0; TILE_ITEMS]; 12]);
            self.second.push([[0; TILE_ITEMS]; 4]);
        }
        let (prefix, rest) = hash.0.split_at(16);
        let columns = self.first[tile].iter_mut().chain(&mut self.second[tile]);
        columns
            .zip(prefix)
            .for_each(|(column, byte)| column[place] = *byte);
        self.rests.push(std::array::from_fn(|byte| rest[byte]));
    }

    pub(crate) fn columns(&self) -> Columns<'_> {
        Columns {
            prefixes: Prefixes {
                first: &self.first,
                second: &self.second,
            },
            rests: &self.rests,
        }
    }
}
