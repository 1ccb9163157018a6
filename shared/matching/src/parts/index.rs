//! Which few of many references an ad could show.
//!
//! Locality-sensitive hashing (Indyk and Motwani, 1998): features are filed under some of their
//! bits, several times over; a feature of the ad looks where its own bits point, and one bit
//! off. It then votes for the references that have the nearest feature, the less the more of
//! them there are: what many photos have says nothing.

use records::features::Descriptor;

use super::sides::{Ad, Reference};

/// Times that every feature is filed.
const TABLES: usize = 4;
/// Fewest and most bits that it is filed under: about one feature a place.
const KEY_BITS: std::ops::RangeInclusive<u32> = 10..=20;
/// Bits of a key that are also tried the other way.
const BITS_TRIED: u32 = 8;
/// Most references proposed for an ad.
const CANDIDATES_MAX: usize = 20;
/// Most bits in which a feature may differ to vote.
const DISTANCE_BITS_MAX: u32 = 56;
/// Features this much farther than the nearest one still count as equally near.
const TIE_BITS: u32 = 8;

/// The features of all references; `u32` names one.
pub(crate) struct Index {
    descriptors: Vec<Descriptor>,
    owners: Vec<u32>,
    key_bits: u32,
    tables: [Table; TABLES],
}

/// Features in chains, one a key.
#[derive(Default)]
struct Table {
    /// The last feature filed under a key, plus one; 0 if none.
    heads: Vec<u32>,
    /// The one filed before each feature, plus one; 0 if none.
    before: Vec<u32>,
}

impl Default for Index {
    fn default() -> Self {
        let key_bits = *KEY_BITS.start();
        Self {
            descriptors: Vec::new(),
            owners: Vec::new(),
            key_bits,
            tables: std::array::from_fn(|_| Table::new(key_bits)),
        }
    }
}

impl Index {
    /// Files a reference's features. It cannot be taken out again: build anew for that, and
    /// disregard `owner` until then.
    pub fn insert(&mut self, owner: u32, reference: &Reference) {
        for spot in &reference.spots {
            self.descriptors.push(spot.descriptor);
            self.owners.push(owner);
            self.file(self.descriptors.len() - 1);
        }
        let wanted = self.descriptors.len().max(1).ilog2();
        if wanted > self.key_bits && self.key_bits < *KEY_BITS.end() {
            self.refile(wanted.min(*KEY_BITS.end()));
        }
    }

    fn file(&mut self, at: usize) {
        let id = u32::try_from(at + 1).expect("fewer than 2^32 features fit in memory");
        for (t, table) in self.tables.iter_mut().enumerate() {
            let head = &mut table.heads[key(&self.descriptors[at], t, self.key_bits)];
            table.before.push(std::mem::replace(head, id));
        }
    }

    /// Files everything under longer keys.
    fn refile(&mut self, key_bits: u32) {
        self.key_bits = key_bits;
        self.tables = std::array::from_fn(|_| Table::new(key_bits));
        (0..self.descriptors.len()).for_each(|at| self.file(at));
    }

    /// The references that the ad could show, likeliest first, at most 20.
    pub fn candidates(&self, ad: &Ad) -> Vec<u32> {
        let own = ad.spots.iter().map(|spot| &spot.descriptor);
        let mut votes: Vec<(u32, f32)> = Vec::new();
        let mut near = Vec::new();
        for sought in own.chain(&ad.mirrored) {
            near.clear();
            self.near(sought, &mut near);
            vote(&mut near, &mut votes);
        }
        votes.sort_by_key(|(owner, _)| *owner);
        let mut sums: Vec<(u32, f32)> = Vec::new();
        for (owner, weight) in votes {
            match sums.last_mut() {
                Some((last, sum)) if *last == owner => *sum += weight,
                _ => sums.push((owner, weight)),
            }
        }
        sums.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        sums.truncate(CANDIDATES_MAX);
        sums.into_iter().map(|(owner, _)| owner).collect()
    }

    /// The features filed where this one would be, or one bit off, with their distance.
    fn near(&self, sought: &Descriptor, near: &mut Vec<(u32, u32)>) {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("popcnt") {
            // SAFETY: the processor has the instruction.
            return unsafe { self.near_popcnt(sought, near) };
        }
        self.near_plain(sought, near);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "popcnt")]
    fn near_popcnt(&self, sought: &Descriptor, near: &mut Vec<(u32, u32)>) {
        self.near_plain(sought, near);
    }

    #[inline(always)]
    fn near_plain(&self, sought: &Descriptor, near: &mut Vec<(u32, u32)>) {
        for (t, table) in self.tables.iter().enumerate() {
            let key = key(sought, t, self.key_bits);
            for off in 0..=BITS_TRIED {
                // the key itself, then some of its bits turned
                let key = if off == 0 { key } else { key ^ 1 << (off - 1) };
                let mut id = table.heads[key];
                while let Some(at) = (id as usize).checked_sub(1) {
                    let distance = sought.distance_bits(&self.descriptors[at]);
                    if distance <= DISTANCE_BITS_MAX {
                        near.push((distance, self.owners[at]));
                    }
                    id = table.before[at];
                }
            }
        }
    }
}

impl Table {
    fn new(key_bits: u32) -> Self {
        Self {
            heads: vec![0; 1 << key_bits],
            before: Vec::new(),
        }
    }
}

/// The nearest references get a vote each, the nearer the larger, shared by how many they are.
fn vote(near: &mut Vec<(u32, u32)>, votes: &mut Vec<(u32, f32)>) {
    near.sort_unstable();
    let Some(&(nearest, _)) = near.first() else {
        return;
    };
    near.retain(|(distance, _)| *distance <= nearest + TIE_BITS);
    near.sort_by_key(|(distance, owner)| (*owner, *distance));
    near.dedup_by_key(|(_, owner)| *owner);
    let share = 1.0 / (near.len() * near.len()) as f32;
    for (distance, owner) in near {
        let nearness = (DISTANCE_BITS_MAX + TIE_BITS - *distance) as f32;
        votes.push((*owner, nearness * nearness * share));
    }
}

/// The key of a descriptor in a table.
fn key(descriptor: &Descriptor, table: usize, bits: u32) -> usize {
    let bits = KEYS[table].iter().take(bits as usize);
    bits.fold(0, |key, &at| {
        let at = usize::from(at);
        key << 1 | (descriptor.0[at / 64] >> (at % 64) & 1) as usize
    })
}

/// The bits of each table's keys: those that are set about as often as not and tell the least of
/// each other, chosen greedily on 270,000 features. A feature shares its key with 15 to 20 of
/// those; with bits chosen blindly it was 400 to 1,800.
const KEYS: [[u8; 20]; TABLES] = [
    [
        158, 36, 63, 1, 59, 8, 135, 58, 85, 84, 96, 190, 150, 179, 134, 60, 168, 178, 191, 21,
    ],
    [
        36, 61, 164, 137, 104, 124, 59, 151, 157, 58, 20, 169, 183, 4, 118, 135, 85, 60, 180, 62,
    ],
    [
        164, 165, 159, 9, 125, 181, 5, 37, 84, 68, 58, 182, 156, 150, 119, 59, 134, 69, 179, 136,
    ],
    [
        68, 18, 0, 129, 26, 121, 81, 69, 31, 80, 178, 151, 33, 9, 58, 62, 63, 59, 61, 190,
    ],
];
