use proptest::prelude::*;

use super::*;

/// All hashes in buckets of so many rows, their bands cut in one way; each owned by its place.
fn index_of(hashes: &[Hash256], bucket_rows_max: usize, cuts: &[Cut]) -> HashIndex {
    let mut index = HashIndex::new();
    (0..)
        .zip(hashes)
        .for_each(|(owner, hash)| index.buffer(hash, owner));
    index.flush(bucket_rows_max);
    let buckets = index.buckets.iter_mut();
    buckets.for_each(|bucket| bucket.fill_bands(cuts));
    index
}

fn flip(hash: &Hash256, bits: impl IntoIterator<Item = u32>) -> Hash256 {
    let mut flipped = *hash;
    for bit in bits {
        // As rows number bits: from the lowest of the first eight bytes on.
        let byte = bit / 64 * 8 + 7 - bit % 64 / 8;
        flipped.0[byte as usize] ^= 1 << (bit % 8);
    }
    flipped
}

fn arbitrary(seed: usize) -> Hash256 {
    let mut random = fastrand::Rng::with_seed(seed as u64);
    Hash256(std::array::from_fn(|_| random.u8(..)))
}

fn found(index: &HashIndex, query: &Hash256, max: u16) -> Vec<u32> {
    let mut owners = Vec::new();
    index.neighbours(query, max, &mut owners);
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

/// Changes that are hardest on these bands: in each one bit more than it tolerates, 32 in all.
fn hardest(cuts: &[Cut]) -> Vec<u32> {
    let mut first_bit = 0;
    let mut bits = Vec::new();
    for cut in cuts {
        bits.extend((0..=cut.tolerated).map(|i| first_bit + i * 7));
        first_bit += cut.bits;
    }
    bits
}

#[test]
fn the_hardest_changes_are_still_found_up_to_the_distance() {
    let base = arbitrary(1);
    for cuts in plan::all_cuts() {
        let bits = hardest(cuts);
        assert_eq!(bits.len(), 32);
        let without = |left_out: usize| {
            let others = bits.iter().enumerate().filter(move |(i, _)| *i != left_out);
            flip(&base, others.map(|(_, bit)| *bit))
        };
        let mut stored: Vec<_> = (0..=32).map(without).collect(); // the last leaves out none
        stored.extend((0..=32).map(without).map(|hash| hash.complement()));
        let index = index_of(&stored, 100, cuts);
        let expected = Vec::from_iter((0..32).chain(33..65));
        assert_eq!(found(&index, &base, 31), expected);
    }
}

#[test]
fn bands_appear_by_themselves_and_miss_nothing() {
    let hashes: Vec<_> = (0..BUFFERED_MIN + 100).map(arbitrary).collect();
    let mut index = HashIndex::new();
    (0..)
        .zip(&hashes)
        .for_each(|(owner, hash)| index.insert(hash, owner));
    assert_eq!(
        (index.len(), index.buffered_owners.len()),
        (hashes.len(), 100)
    );
    for owner in [0, BUFFERED_MIN - 1, BUFFERED_MIN, BUFFERED_MIN + 99] {
        let query = flip(&hashes[owner], (0..31).map(|bit| bit * 8));
        assert_eq!(found(&index, &query, 31), [owner as u32]);
    }
}

#[test]
fn hashes_added_together_are_found_like_those_added_one_by_one() {
    let hashes: Vec<_> = (0..2 * BUFFERED_MIN).map(arbitrary).collect();
    let mut index = HashIndex::new();
    index.extend(hashes.iter().copied().zip(0..));
    assert!(index.buffered_owners.is_empty() && !index.is_empty());
    for owner in [0, BUFFERED_MIN, 2 * BUFFERED_MIN - 1] {
        assert_eq!(
            found(&index, &hashes[owner].complement(), 0),
            [owner as u32]
        );
    }
}

#[test]
fn an_empty_index_finds_nothing() {
    let index = HashIndex::new();
    assert!(index.is_empty());
    assert!(found(&index, &arbitrary(1), 256).is_empty());
}

/// Hashes in a tight cloud around the base, so that distances crowd at the limit, or changed in the
/// way that is hardest on these bands.
fn hashes(base: Hash256, cuts: &'static [Cut]) -> impl Strategy<Value = Vec<Hash256>> {
    let clouds = prop::collection::vec(0u32..256, 0..40);
    let exact = (30usize..=32, 0u32..256).prop_map(|(count, shift)| {
        let hardest = hardest(cuts).into_iter().take(count);
        hardest.map(|bit| (bit + shift) % 256).collect()
    });
    let changed = prop_oneof![3 => clouds, 1 => exact];
    let hash = (changed, any::<bool>()).prop_map(move |(bits, negative)| {
        let hash = flip(&base, bits);
        if negative { hash.complement() } else { hash }
    });
    prop::collection::vec(hash, 0..80)
}

fn distance_bits_max() -> impl Strategy<Value = u16> {
    prop_oneof![3 => Just(31u16), 1 => Just(30), 1 => Just(0), 1 => Just(32), 2 => 0u16..=256]
}

fn narrow() -> &'static [Cut] {
    plan::all_cuts().last().expect("there are plans")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn buckets_of_narrow_bands_find_what_the_oracle_finds(
        (base, hashes) in any::<[u8; 32]>().prop_flat_map(|base| {
            (Just(Hash256(base)), hashes(Hash256(base), narrow()))
        }),
        bucket_rows_max in prop_oneof![Just(17usize), Just(100)],
        max in distance_bits_max(),
    ) {
        let index = index_of(&hashes, bucket_rows_max, narrow());
        prop_assert_eq!(found(&index, &base, max), oracle(&hashes, &base, max));
    }
}

proptest! {
    // Few: the wide bands have tables of tens of millions.
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn bands_of_every_plan_find_what_the_oracle_finds(
        (base, cuts, hashes) in (any::<[u8; 32]>(), 0usize..4).prop_flat_map(|(base, plan)| {
            let cuts = plan::all_cuts().nth(plan).expect("one of four");
            (Just(Hash256(base)), Just(cuts), hashes(Hash256(base), cuts))
        }),
        max in distance_bits_max(),
    ) {
        let index = index_of(&hashes, 100, cuts);
        prop_assert_eq!(found(&index, &base, max), oracle(&hashes, &base, max));
    }
}
