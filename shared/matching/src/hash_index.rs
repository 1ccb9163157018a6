//! Exact neighbour search among 256-bit hashes.
//!
//! Few hashes are scanned. Many are found by multi-index hashing: a hash is cut into 16 bands of
//! 16 bits, and each band's value leads to the rows that have it. Two hashes that differ in at
//! most 31 bits cannot differ in two or more bits in each of 16 bands, as that takes 32. So in
//! some band they differ in one bit or none, and looking up each band's own value and its 16
//! one-bit variations proposes every neighbour. Beyond 31 bits that proof ends and all rows are
//! scanned instead: slower, and still exact.

use records::fingerprint::Hash256;

/// Bands of a hash; with [`BAND_BITS`] they cover it.
const BANDS: usize = 16;
/// Bits in a band.
const BAND_BITS: usize = 16;
/// Values a band can take.
const BAND_VALUES: usize = 1 << BAND_BITS;
/// Greatest distance for which a band with at most one changed bit is certain.
const BANDED_DISTANCE_BITS_MAX: u16 = 2 * BANDS as u16 - 1;
/// Rows that may wait outside the bands: fewer are scanned as fast (`cargo bench -p matching`).
const WAITING_ROWS_MIN: usize = 4_096;
/// The share of the banded rows that may wait as well, so that filling the bands again and again
/// costs a constant per row.
const WAITING_SHARE: usize = 8;

/// A hash as words, for counting bits.
type Words = [u64; 4];

/// Hashes and their owners. An owner may have many hashes.
#[derive(Default)]
pub(crate) struct HashIndex {
    rows: Vec<Words>,
    owners: Vec<u32>,
    /// Covers the first rows; the rest waits and is scanned.
    bands: Bands,
}

/// For each band and value, which rows have it.
#[derive(Default)]
struct Bands {
    /// Number of rows covered.
    len: usize,
    /// Where each value's rows start in `rows`, by band and value; one more ends the last.
    starts: Vec<u32>,
    /// Row numbers, grouped by band and value.
    rows: Vec<u32>,
}

impl HashIndex {
    /// Adds one hash of `owner`.
    pub(crate) fn insert(&mut self, hash: &Hash256, owner: u32) {
        self.rows.push(words(hash));
        self.owners.push(owner);
        let waiting = self.rows.len() - self.bands.len;
        if waiting >= WAITING_ROWS_MIN + self.bands.len / WAITING_SHARE {
            self.bands = Bands::of(&self.rows);
        }
    }

    /// Adds to `owners` each owner of a hash within `distance_bits_max` of `hash` or of its
    /// complement; some may be added more than once.
    pub(crate) fn near(&self, hash: &Hash256, distance_bits_max: u16, owners: &mut Vec<u32>) {
        let banded = distance_bits_max <= BANDED_DISTANCE_BITS_MAX;
        let scanned_from = if banded { self.bands.len } else { 0 };
        if scanned_from > 0 {
            for query in [words(hash), words(&hash.complement())] {
                self.near_by_bands(&query, distance_bits_max, owners);
            }
        }
        self.near_by_scan(scanned_from, &words(hash), distance_bits_max, owners);
    }

    fn near_by_scan(&self, from: usize, query: &Words, max: u16, owners: &mut Vec<u32>) {
        let far_bits_min = crate::whole::HASH_BITS.saturating_sub(max);
        for (row, owner) in self.rows[from..].iter().zip(&self.owners[from..]) {
            let distance_bits = distance_bits(row, query);
            if distance_bits <= max || distance_bits >= far_bits_min {
                owners.push(*owner);
            }
        }
    }

    fn near_by_bands(&self, query: &Words, max: u16, owners: &mut Vec<u32>) {
        for (band, value) in band_values(query).into_iter().enumerate() {
            let variations = (0..BAND_BITS).map(|bit| value ^ (1 << bit));
            for value in std::iter::once(value).chain(variations) {
                for row in self.bands.with(band, value).iter().map(|row| *row as usize) {
                    if distance_bits(&self.rows[row], query) <= max {
                        owners.push(self.owners[row]);
                    }
                }
            }
        }
    }
}

impl Bands {
    /// Counts each value's rows, then lays them side by side (a counting sort for each band).
    fn of(rows: &[Words]) -> Self {
        let mut starts = vec![0u32; BANDS * BAND_VALUES + 1];
        let mut grouped = vec![0u32; rows.len() * BANDS];
        for place in rows.iter().flat_map(places) {
            starts[place + 1] += 1;
        }
        for place in 0..BANDS * BAND_VALUES {
            starts[place + 1] += starts[place];
        }
        let mut next = starts.clone();
        for (number, row) in (0u32..).zip(rows) {
            for place in places(row) {
                grouped[next[place] as usize] = number;
                next[place] += 1;
            }
        }
        Self {
            len: rows.len(),
            starts,
            rows: grouped,
        }
    }

    fn with(&self, band: usize, value: u16) -> &[u32] {
        let place = band * BAND_VALUES + usize::from(value);
        &self.rows[self.starts[place] as usize..self.starts[place + 1] as usize]
    }
}

/// Where a row's 16 values stand among all bands' values.
fn places(row: &Words) -> [usize; BANDS] {
    let values = band_values(row);
    std::array::from_fn(|band| band * BAND_VALUES + usize::from(values[band]))
}

fn words(hash: &Hash256) -> Words {
    let (words, _) = hash.0.as_chunks::<8>();
    std::array::from_fn(|i| u64::from_be_bytes(words[i]))
}

fn band_values(words: &Words) -> [u16; BANDS] {
    std::array::from_fn(|band| (words[band / 4] >> (BAND_BITS * (band % 4))) as u16)
}

fn distance_bits(a: &Words, b: &Words) -> u16 {
    (0..4).map(|i| (a[i] ^ b[i]).count_ones() as u16).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn index_of(hashes: &[Hash256], banded: bool) -> HashIndex {
        let mut index = HashIndex::default();
        (0..)
            .zip(hashes)
            .for_each(|(owner, hash)| index.insert(hash, owner));
        index.bands = if banded {
            Bands::of(&index.rows)
        } else {
            Bands::default()
        };
        index
    }

    fn flip(hash: &Hash256, bits: impl IntoIterator<Item = usize>) -> Hash256 {
        let mut flipped = *hash;
        bits.into_iter()
            .for_each(|bit| flipped.0[bit / 8] ^= 1 << (bit % 8));
        flipped
    }

    fn found(index: &HashIndex, query: &Hash256, max: u16) -> Vec<u32> {
        let mut owners = Vec::new();
        index.near(query, max, &mut owners);
        owners.sort_unstable();
        owners.dedup();
        owners
    }

    fn oracle(hashes: &[Hash256], query: &Hash256, max: u16) -> Vec<u32> {
        let near = |hash: &Hash256| {
            hash.distance_bits(query) <= max || hash.complement().distance_bits(query) <= max
        };
        (0..)
            .zip(hashes)
            .filter(|(_, hash)| near(hash))
            .map(|(owner, _)| owner)
            .collect()
    }

    /// Each band takes as equal a share of the changed bits as can be: the worst case of the proof.
    fn spread(bits: usize) -> impl Iterator<Item = usize> {
        (0..bits).map(|i| (i % BANDS) * BAND_BITS + i / BANDS)
    }

    #[test]
    fn the_worst_spread_of_changed_bits_is_still_found_up_to_the_distance() {
        let base = Hash256(std::array::from_fn(|i| (i * 37) as u8));
        for (changed, expected) in [(0, true), (16, true), (30, true), (31, true), (32, false)] {
            for stored in [
                flip(&base, spread(changed)),
                flip(&base, spread(changed)).complement(),
            ] {
                for banded in [false, true] {
                    let index = index_of(&[stored], banded);
                    let is_found = found(&index, &base, 31) == [0];
                    assert_eq!(is_found, expected, "{changed} bits, banded: {banded}");
                }
            }
        }
    }

    #[test]
    fn bands_appear_by_themselves_and_agree_with_the_scan() {
        let hash = |i: usize| {
            let mut state = i as u64;
            Hash256(std::array::from_fn(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_041);
                (state >> 33) as u8
            }))
        };
        let hashes: Vec<_> = (0..WAITING_ROWS_MIN + 100).map(hash).collect();
        let mut index = HashIndex::default();
        (0..)
            .zip(&hashes)
            .for_each(|(owner, hash)| index.insert(hash, owner));
        assert!(index.bands.len > 0 && index.bands.len < index.rows.len());
        for owner in [
            0,
            WAITING_ROWS_MIN - 1,
            WAITING_ROWS_MIN,
            WAITING_ROWS_MIN + 99,
        ] {
            let query = flip(&hashes[owner], spread(31));
            assert_eq!(found(&index, &query, 31), oracle(&hashes, &query, 31));
            assert!(found(&index, &query, 31).contains(&(owner as u32)));
        }
    }

    proptest! {
        /// Hashes lie in a tight cloud around the query, so that distances crowd at the limit.
        #[test]
        fn bands_and_scan_find_what_the_oracle_finds(
            base in any::<[u8; 32]>(),
            clouds in prop::collection::vec(
                (prop::collection::vec(0usize..256, 0..40), any::<bool>()), 0..60),
            exact in prop::collection::vec((30usize..=32, 0usize..256, any::<bool>()), 0..20),
            max in prop_oneof![Just(31u16), Just(30), Just(15), Just(0), Just(32), Just(60), Just(128), 0u16..=256],
        ) {
            let base = Hash256(base);
            let turned = |hash: Hash256, negative| if negative { hash.complement() } else { hash };
            let clouds = clouds.into_iter().map(|(bits, negative)| turned(flip(&base, bits), negative));
            let exact = exact.into_iter().map(|(count, start, negative)| {
                turned(flip(&base, spread(count).map(|bit| (bit + start) % 256)), negative)
            });
            let hashes: Vec<_> = clouds.chain(exact).collect();
            let expected = oracle(&hashes, &base, max);
            prop_assert_eq!(&found(&index_of(&hashes, false), &base, max), &expected);
            prop_assert_eq!(&found(&index_of(&hashes, true), &base, max), &expected);
        }
    }
}
