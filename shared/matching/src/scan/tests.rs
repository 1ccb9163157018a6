use proptest::prelude::*;

use super::*;

fn flip(hash: &Hash256, bits: impl IntoIterator<Item = usize>) -> Hash256 {
    let mut flipped = *hash;
    for bit in bits {
        flipped.0[bit / 8] ^= 1 << (bit % 8);
    }
    flipped
}

/// Hashes like any other, always the same.
fn arbitrary(seed: u64) -> Hash256 {
    let mut random = fastrand::Rng::with_seed(seed);
    Hash256(std::array::from_fn(|_| random.u8(..)))
}

fn found(kernel: Kernel, stored: &[Hash256], queries: &[Hash256], max: u16) -> Vec<Neighbour> {
    let bytes = to_columns(stored);
    let columns = Columns::read(&bytes).expect("columns");
    let mut found = Vec::new();
    neighbours_with(kernel, columns, queries, max, |near| found.push(near));
    found.sort();
    found
}

fn oracle(stored: &[Hash256], queries: &[Hash256], max: u16) -> Vec<Neighbour> {
    let pairs = (0..stored.len()).flat_map(|item| (0..queries.len()).map(move |q| (item, q)));
    let neighbours = pairs.map(|(item, query)| Neighbour {
        item,
        query,
        distance_bits: stored[item].distance_bits(&queries[query]),
    });
    neighbours
        .filter(|near| near.distance_bits <= max || 256 - near.distance_bits <= max)
        .collect()
}

/// All kernels against the oracle.
fn check(stored: &[Hash256], queries: &[Hash256], max: u16) {
    let expected = oracle(stored, queries, max);
    for kernel in Kernel::available() {
        let found = found(kernel, stored, queries, max);
        assert_eq!(found, expected, "{} at {max} bits", kernel.name());
    }
}

#[test]
fn nothing_is_near_where_nothing_is() {
    check(&[], &[], 31);
    check(&[], &[arbitrary(1)], 31);
    check(&[arbitrary(1)], &[], 31);
    check(&[], &[arbitrary(1)], 256);
}

#[test]
fn a_single_hash_is_found_up_to_its_distance_and_its_complement_too() {
    let base = arbitrary(1);
    let check_one = |changed: usize, max: u16, expected: bool| {
        for first in [0, 95, 96, 128, 224] {
            let stored = flip(&base, (0..changed).map(|bit| (bit + first) % 256));
            for stored in [stored, stored.complement()] {
                check(&[stored], &[base], max);
                let is_found = !found(Kernel::best(), &[stored], &[base], max).is_empty();
                assert_eq!(is_found, expected, "{changed} bits from {first}, at {max}");
            }
        }
    };
    check_one(0, 0, true);
    check_one(1, 0, false);
    check_one(31, 31, true);
    check_one(32, 31, false);
    check_one(32, 32, true);
    check_one(128, 127, false);
    check_one(128, 128, true);
    check_one(128, 255, true);
    check_one(128, 256, true);
}

#[test]
fn every_length_around_a_vector_and_a_block_is_searched_to_its_end() {
    let all: Vec<_> = (0..BLOCK_ITEMS_ALONE as u64 + 70).map(arbitrary).collect();
    let lengths = [
        1,
        15,
        16,
        17,
        63,
        64,
        65,
        2_047,
        2_048,
        2_049,
        65_536,
        all.len(),
    ];
    for len in lengths {
        let stored = &all[..len];
        let queries = [stored[0], stored[len / 2], flip(&stored[len - 1], 0..31)];
        let expected = oracle(stored, &queries, 31);
        assert!(expected.iter().any(|near| near.item == len - 1));
        for kernel in Kernel::available() {
            let found = found(kernel, stored, &queries, 31);
            assert_eq!(found, expected, "{len}, {}", kernel.name());
        }
    }
}

#[test]
fn equal_hashes_are_all_found_by_all_equal_queries() {
    let stored = vec![arbitrary(7); BLOCK_ITEMS + 3];
    let queries = [arbitrary(7), arbitrary(7), arbitrary(7).complement()];
    let found = found(Kernel::best(), &stored, &queries, 0);
    assert_eq!(found.len(), 3 * stored.len());
    check(&stored, &queries, 0);
}

#[test]
fn more_queries_than_items_are_each_answered() {
    let stored: Vec<_> = (0..5).map(arbitrary).collect();
    let queries: Vec<_> = (0..3_000).map(|i| arbitrary(i % 10)).collect();
    check(&stored, &queries, 31);
}

#[test]
fn columns_give_back_the_hashes_and_their_slices() {
    let hashes: Vec<_> = (0..150).map(arbitrary).collect();
    let mut growing = GrowingColumns::default();
    hashes.iter().for_each(|hash| growing.push(hash));
    let bytes = to_columns(&hashes);
    for columns in [growing.columns(), Columns::read(&bytes).expect("columns")] {
        assert_eq!((columns.len(), columns.is_empty()), (150, false));
        assert!((0..150).all(|item| columns.hash(item) == hashes[item]));
        let slice = columns.slice(64..149);
        assert!((0..85).all(|item| slice.hash(item) == hashes[64 + item]));
        assert!(columns.slice(128..128).is_empty());
    }
}

#[test]
fn bytes_of_any_other_length_are_no_columns() {
    let lengths: Vec<_> = (0..200)
        .map(|len| to_columns(&vec![arbitrary(1); len]).len())
        .collect();
    for bytes in 0..lengths[199] {
        let columns = Columns::read(&vec![0; bytes]).map(|columns| columns.len());
        assert_eq!(
            columns,
            lengths.iter().position(|len| *len == bytes),
            "{bytes} bytes"
        );
    }
}

/// Bits that two hashes differ in: all in a row, so that they fill some columns, or spread.
fn changes() -> impl Strategy<Value = Vec<usize>> {
    let count = prop_oneof![Just(0usize), 28usize..=34, 0usize..=256];
    (count, 0usize..256, any::<bool>()).prop_map(|(count, first, in_a_row)| {
        let step = if in_a_row { 1 } else { 37 };
        (0..count).map(|i| (first + i * step) % 256).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn all_kernels_find_what_the_oracle_finds(
        base in any::<[u8; 32]>(),
        stored in prop::collection::vec((changes(), any::<bool>()), 0..150),
        queries in prop::collection::vec(changes(), 0..6),
        max in prop_oneof![4 => Just(31u16), 1 => Just(32u16), 1 => 0u16..=31, 1 => 0u16..=256],
    ) {
        let base = Hash256(base);
        let turned = |hash: Hash256, negative| if negative { hash.complement() } else { hash };
        let stored: Vec<_> = stored
            .into_iter()
            .map(|(bits, negative)| turned(flip(&base, bits), negative))
            .collect();
        let queries: Vec<_> = queries.into_iter().map(|bits| flip(&base, bits)).collect();
        check(&stored, &queries, max);
    }

    /// The prefilter's own contract, which `neighbours` makes stricter later.
    #[test]
    fn all_kernels_prefilter_alike(
        base in any::<[u8; 32]>(),
        stored in prop::collection::vec((changes(), any::<bool>(), any::<bool>()), 0..200),
    ) {
        let base = Hash256(base);
        let mut columns = GrowingColumns::default();
        let mut expected = Vec::new();
        for (place, (bits, negative, first)) in (0u32..).zip(&stored) {
            let bits = bits.iter().map(|bit| if *first { bit % 96 } else { *bit });
            let hash = flip(&base, bits);
            let hash = if *negative { hash.complement() } else { hash };
            columns.push(&hash);
            let differs = |bit: &usize| (hash.0[bit / 8] ^ base.0[bit / 8]) << (bit % 8) & 0x80 != 0;
            let of_95 = (0..95).filter(differs).count();
            let of_127 = of_95 + (96..128).filter(differs).count();
            if !(32..64).contains(&of_95) && !(32..96).contains(&of_127) {
                expected.push(place);
            }
        }
        let prefix = base.0.first_chunk().expect("a hash is longer");
        for kernel in Kernel::available() {
            let mut places = Vec::new();
            kernel.prefilter(columns.columns().prefixes(), prefix, &mut Survivors::default(), &mut places);
            places.retain(|place| (*place as usize) < stored.len());
            prop_assert_eq!(&places, &expected, "{}", kernel.name());
        }
    }
}
