//! One band of all rows: its value leads to the rows that have it, or its complement.
//!
//! Neighbours of a hash's complement are sought as well. A value and its complement share a place,
//! so that one look finds the rows of both; places are half as many as values.

use super::plan::Cut;
use super::rows::HashRow;
use super::starts::{START_MAX, Span, Starts};

/// Rows that a band can number in three bytes, and tell the starts of.
pub(super) const ROWS_MAX: usize = START_MAX;

/// For each value of a band, which rows have it or its complement.
pub(super) struct Band {
    first_bit: u32,
    cut: Cut,
    /// What a value is changed by: nothing, and each change that is tolerated.
    changes: Vec<u32>,
    starts: Starts,
    /// Row numbers, sorted by the place of the row's value; lowest byte first.
    rows: Vec<[u8; 3]>,
}

impl Band {
    /// Counts the rows of each place, then lays them side by side.
    pub(super) fn of(rows: &[HashRow], first_bit: u32, cut: Cut) -> Self {
        let place = |row: &HashRow| place(row.bits(first_bit, cut.bits), cut) as usize;
        let mut counts = vec![0u32; 1 << (cut.bits - 1)];
        rows.iter().for_each(|row| counts[place(row)] += 1);
        let starts = Starts::of(&counts);
        let mut next = counts;
        let mut rows_before = 0;
        for rows in &mut next {
            rows_before += std::mem::replace(rows, rows_before);
        }
        let mut sorted = vec![[0; 3]; rows.len()];
        for (number, row) in (0u32..).zip(rows) {
            let next = &mut next[place(row)];
            let [lowest, middle, highest, _] = number.to_le_bytes();
            sorted[*next as usize] = [lowest, middle, highest];
            *next += 1;
        }
        Self {
            first_bit,
            cut,
            changes: changes(cut),
            starts,
            rows: sorted,
        }
    }

    /// Adds to `scratch` the numbers of the rows whose band differs from the query's, or its
    /// complement, in no more bits than are tolerated.
    ///
    /// First all entries are read, then all spans made, then all numbers read: so the processor has
    /// many reads from memory under way at once, instead of one that waits for the other.
    pub(super) fn propose(&self, query: &HashRow, scratch: &mut Scratch) {
        let own = query.bits(self.first_bit, self.cut.bits);
        let places = self
            .changes
            .iter()
            .map(|change| place(own ^ change, self.cut));
        scratch.entries.clear();
        scratch
            .entries
            .extend(places.clone().map(|place| self.starts.entry(place)));
        scratch.spans.clear();
        let entries = places.zip(&scratch.entries);
        scratch
            .spans
            .extend(entries.map(|(place, entry)| self.starts.span(place, *entry)));
        for span in &scratch.spans {
            let start = span.start as usize;
            let rows = &self.rows[start..start + span.len as usize];
            scratch
                .numbers
                .extend(rows.iter().map(|[lowest, middle, highest]| {
                    u32::from_le_bytes([*lowest, *middle, *highest, 0])
                }));
        }
    }
}

/// What a search finds on its way.
#[derive(Default)]
pub(super) struct Scratch {
    entries: Vec<u64>,
    spans: Vec<Span>,
    /// Numbers of rows that may be near; some more than once.
    pub(super) numbers: Vec<u32>,
}

/// The place that a value of a band shares with its complement: the lesser of the two.
#[inline(always)]
fn place(value: u32, cut: Cut) -> u32 {
    let highest = value >> (cut.bits - 1);
    value ^ (highest.wrapping_neg() & ((1 << cut.bits) - 1))
}

/// All values of a band with no more bits set than are tolerated.
fn changes(cut: Cut) -> Vec<u32> {
    let mut changes = vec![0];
    for bit in 0..cut.bits {
        changes.push(1 << bit);
        let others = if cut.tolerated > 1 { 0..bit } else { 0..0 };
        changes.extend(others.map(|other| 1 << bit | 1 << other));
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::super::plan;
    use super::*;

    #[test]
    fn a_value_shares_its_place_with_its_complement_alone() {
        let cut = Cut {
            bits: 9,
            tolerated: 1,
        };
        let mut values_of_place = [0; 256];
        for value in 0..512 {
            assert_eq!(place(value, cut), place(value ^ 0x1ff, cut));
            values_of_place[place(value, cut) as usize] += 1;
        }
        assert_eq!(values_of_place, [2; 256]);
    }

    #[test]
    fn all_tolerated_changes_are_made_and_each_once() {
        for cut in plan::all_cuts().flatten() {
            let mut made = changes(*cut);
            made.sort_unstable();
            let tolerated = |change: &u32| change.count_ones() <= cut.tolerated;
            let expected: Vec<u32> = (0..1 << cut.bits).filter(tolerated).collect();
            assert_eq!(made, expected, "{cut:?}");
        }
    }
}
