//! Where the rows of each value start, in a quarter of the space of a plain table and with one read
//! from memory.
//!
//! Rows are sorted by value. A plain table of where each value's rows start would take 4 bytes a
//! value, and wide bands have more values than there are rows. Here eight values share 8 bytes: 24
//! bits for where the rows of the first start, then a 1 that ends each value, after a 0 for each of
//! its rows. Eight values with so many rows that this is too short lead to a plain table.

/// Values that share an entry.
const GROUP_VALUES: usize = 8;
/// Bits of an entry for values and rows; those above them tell where the rows start.
const ENDS_BITS: u32 = 40;
/// Greatest number that an entry can start with.
pub(super) const START_MAX: usize = (1 << (u64::BITS - ENDS_BITS)) - 1;

/// For each value, its rows.
pub(super) struct Starts {
    /// An entry for each group of values. Without any end of a value, its number is that of its
    /// group in `long`.
    groups: Vec<u64>,
    /// Where each value's rows start, and where the last one's end.
    long: Vec<[u32; GROUP_VALUES + 1]>,
}

/// Some rows side by side: where they start, and how many they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) len: u32,
}

impl Starts {
    /// From the number of rows of each value. There must be whole groups of values, and at most
    /// [`START_MAX`] rows.
    pub(super) fn of(rows_of_value: &[u32]) -> Self {
        let (groups, _) = rows_of_value.as_chunks::<GROUP_VALUES>();
        let mut starts = Self {
            groups: Vec::with_capacity(groups.len()),
            long: Vec::new(),
        };
        let mut start = 0;
        for group in groups {
            starts.push(start, group);
            start += group.iter().sum::<u32>();
        }
        starts.long.shrink_to_fit();
        starts
    }

    fn push(&mut self, start: u32, rows_of_value: &[u32; GROUP_VALUES]) {
        let rows: u32 = rows_of_value.iter().sum();
        let (number, ends) = if rows + GROUP_VALUES as u32 <= ENDS_BITS {
            (start, ends(rows_of_value))
        } else {
            let mut starts = [start; GROUP_VALUES + 1];
            for (value, rows) in rows_of_value.iter().enumerate() {
                starts[value + 1] = starts[value] + rows;
            }
            self.long.push(starts);
            (self.long.len() as u32 - 1, 0)
        };
        self.groups.push(u64::from(number) << ENDS_BITS | ends);
    }

    /// What [`span`](Self::span) must know of a value from memory.
    #[inline(always)]
    pub(super) fn entry(&self, value: u32) -> u64 {
        self.groups[value as usize / GROUP_VALUES]
    }

    /// The rows of a value, of which this is the entry.
    #[inline(always)]
    pub(super) fn span(&self, value: u32, entry: u64) -> Span {
        let skipped = value % GROUP_VALUES as u32;
        let number = (entry >> ENDS_BITS) as u32;
        let ends = entry & ((1 << ENDS_BITS) - 1);
        if ends == 0 {
            return self.long_span(number, skipped);
        }
        let mut ends = ends << 1 | 1; // what precedes the first value ends, too
        for i in 0..GROUP_VALUES as u32 - 1 {
            // Without a branch, which the processor would guess wrong every other time.
            let fewer = ends & ends.wrapping_sub(1);
            ends = if i < skipped { fewer } else { ends };
        }
        let own = ends & ends.wrapping_sub(1);
        Span {
            start: number + ends.trailing_zeros() - skipped,
            len: own.trailing_zeros() - ends.trailing_zeros() - 1,
        }
    }

    #[cold]
    fn long_span(&self, group: u32, value: u32) -> Span {
        let starts = &self.long[group as usize];
        let (start, end) = (starts[value as usize], starts[value as usize + 1]);
        Span {
            start,
            len: end - start,
        }
    }
}

/// A 0 for each row and a 1 for each value's end, from the lowest bit on.
fn ends(rows_of_value: &[u32; GROUP_VALUES]) -> u64 {
    let mut ends = 0;
    let mut place = 0;
    for rows in rows_of_value {
        place += rows;
        ends |= 1 << place;
        place += 1;
    }
    ends
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_value_gets_its_rows(
            rows_of_value in prop::collection::vec(
                prop::array::uniform8(prop_oneof![12 => 0u32..6, 1 => 4u32..80, 1 => 0u32..1_000]), 1..30),
        ) {
            let rows_of_value = rows_of_value.as_flattened();
            let starts = Starts::of(rows_of_value);
            let mut start = 0;
            for (value, len) in (0..).zip(rows_of_value) {
                prop_assert_eq!(starts.span(value, starts.entry(value)), Span { start, len: *len });
                start += len;
            }
        }
    }

    #[test]
    fn a_group_is_long_from_33_rows_on() {
        let check = |rows: u32, long: usize| {
            let starts = Starts::of(&[0, 0, 0, rows, 0, 0, 0, 0]);
            assert_eq!(starts.long.len(), long, "{rows} rows");
            let span = |value| starts.span(value, starts.entry(value));
            assert_eq!(
                span(3),
                Span {
                    start: 0,
                    len: rows
                }
            );
            assert_eq!(
                span(7),
                Span {
                    start: rows,
                    len: 0
                }
            );
        };
        check(32, 0);
        check(33, 1);
    }
}
