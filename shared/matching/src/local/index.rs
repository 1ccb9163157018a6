//! Which few of many references an ad could show.
//!
//! Locality-sensitive hashing (Indyk and Motwani, 1998): features are filed under some of their
//! bits, several times over; a feature of the ad looks where its own bits point, and one bit
//! off. It then votes for the references that have the nearest feature, the less the more of
//! them there are: what many photos have says nothing.

use std::ops::{Range, RangeInclusive};

use features::Descriptor;

use super::image_pair::{LocalAd, LocalReference};

/// Times that every feature is filed.
const TABLES: usize = 4;
/// Fewest and most bits that it is filed under: about one feature a place.
const KEY_BITS: RangeInclusive<u32> = 10..=20;
/// Bits of a key that are also tried the other way.
const BITS_TRIED: u32 = 8;
/// Most references proposed for an ad. Among 8,789 references, of 4,460 copies 20 found 4,402,
/// 40 found 4,409, 80 found one more.
const CANDIDATES_MAX: usize = 40;
/// Most bits in which a feature may differ to vote.
const DISTANCE_BITS_MAX: u32 = 56;
/// Features this much farther than the nearest one still count as equally near.
const TIE_BITS: u32 = 8;

/// Features that are searched one by one before they are sorted.
const UNSORTED_MAX: usize = 1_024;
/// A segment swallows those before it that are not this many times as large.
const RUN_RATIO: usize = 8;
/// Most bits of a mark in which a feature may differ to be looked at: true ones do in 10 of 64,
/// others in 32 with a spread of 4.
const MARK_BITS_MAX: u32 = 20;

/// Features of a key beyond which all of them are skipped, as a multiple of what a key has on
/// average, and at least. What so many photos have says nothing, and looking at each is most of
/// the work.
const COMMON_RATIO: usize = 16;
const COMMON_MIN: usize = 64;

/// The features of all references; `u32` names one.
#[derive(Default)]
pub(crate) struct Index {
    /// Whether features of a key that has very many are looked at too.
    is_thorough: bool,
    descriptors: Vec<Descriptor>,
    owners: Vec<u32>,
    /// One more than the greatest owner.
    owners_end: usize,
    /// Features sorted so far: segments of them, larger ones first, so that a feature is sorted
    /// again only now and then.
    segments: Vec<Run>,
}

/// A run of features, sorted.
struct Run {
    features: Range<usize>,
    key_bits: u32,
    /// A key with more features than this tells nothing.
    common: usize,
    tables: [Table; TABLES],
}

/// Features sorted by key, so that those of a key lie side by side in memory.
struct Table {
    /// Where the features of each key start, and in the end where the last ones end.
    starts: Vec<u32>,
    features: Vec<u32>,
    /// A third of the descriptor, which saves a look at most of the features: each would be a
    /// miss of every cache.
    marks: Vec<u64>,
}

impl Index {
    /// Files a reference's features. It cannot be taken out again: build again for that, and
    /// disregard `owner` until then.
    pub fn insert(&mut self, owner: u32, reference: &LocalReference) {
        self.push(owner, reference);
        if self.descriptors.len() - self.sorted() > UNSORTED_MAX {
            self.sort();
        }
    }

    /// Files many references and sorts once, which takes a small part of the time.
    pub fn extend(&mut self, references: impl IntoIterator<Item = (u32, LocalReference)>) {
        for (owner, reference) in references {
            self.push(owner, &reference);
        }
        if self.descriptors.len() > self.sorted() {
            self.sort();
        }
    }

    /// An index that passes over none, of features by their owners.
    pub fn of_many<D>(owned: impl IntoIterator<Item = (u32, D)>) -> Self
    where
        D: IntoIterator<Item = Descriptor>,
    {
        let mut index = Self {
            is_thorough: true,
            ..Self::default()
        };
        for (owner, descriptors) in owned {
            index.push_all(owner, descriptors);
        }
        index.sort();
        index
    }

    /// The same of features each of which is its own owner, named by its place.
    pub fn of_each(descriptors: impl IntoIterator<Item = Descriptor>) -> Self {
        let named = (0..).zip(descriptors);
        Self::of_many(named.map(|(name, descriptor)| (name, [descriptor])))
    }

    fn push(&mut self, owner: u32, reference: &LocalReference) {
        self.push_all(
            owner,
            reference.key_points.iter().map(|point| point.descriptor),
        );
    }

    fn push_all(&mut self, owner: u32, descriptors: impl IntoIterator<Item = Descriptor>) {
        for descriptor in descriptors {
            self.descriptors.push(descriptor);
            self.owners.push(owner);
        }
        self.owners_end = self.owners_end.max(owner as usize + 1);
    }

    /// Features that the segments hold; the others are searched one by one.
    fn sorted(&self) -> usize {
        self.segments.last().map_or(0, |last| last.features.end)
    }

    /// Sorts the features that are not yet, together with small segments before them.
    fn sort(&mut self) {
        let mut features = self.sorted()..self.descriptors.len();
        while let Some(last) = self.segments.last()
            && last.features.len() < RUN_RATIO * features.len()
        {
            features.start = last.features.start;
            self.segments.pop();
        }
        self.segments.push(Run::of(&self.descriptors, features));
    }

    /// The references that the ad could show, likeliest first, at most 40.
    pub fn candidates(&self, ad: &LocalAd) -> Vec<u32> {
        let own = ad.key_points.iter().map(|point| &point.descriptor);
        let mut votes = Votes::among(self.owners_end);
        let mut near = Vec::new();
        for (at, sought) in own.chain(&ad.mirrored).enumerate() {
            near.clear();
            self.neighbours(sought, &mut near);
            votes.cast(&mut near, ad.weight(at % ad.key_points.len()));
        }
        votes.first(CANDIDATES_MAX)
    }

    /// The owner of the nearest feature within a distance, in bits, 56 at most.
    pub fn nearest_within(&self, sought: &Descriptor, bits_max: u32) -> Option<u32> {
        let mut near = Vec::new();
        self.neighbours(sought, &mut near);
        near.retain(|(distance, _)| *distance <= bits_max);
        near.into_iter().min().map(|(_, owner)| owner)
    }

    /// How many owners have a feature within a distance, in bits, 56 at most.
    pub fn owners_within(&self, sought: &Descriptor, bits_max: u32) -> usize {
        let mut near = Vec::new();
        self.neighbours(sought, &mut near);
        near.retain(|(distance, _)| *distance <= bits_max);
        near.sort_unstable_by_key(|(_, owner)| *owner);
        near.dedup_by_key(|(_, owner)| *owner);
        near.len()
    }

    /// The features filed where this one would be, or one bit off, with their distance.
    #[allow(
        unsafe_code,
        reason = "calls code for instructions that the processor was asked for"
    )]
    fn neighbours(&self, sought: &Descriptor, near: &mut Vec<(u32, u32)>) {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("popcnt") {
            // SAFETY: the processor has the instruction.
            return unsafe { self.neighbours_popcnt(sought, near) };
        }
        self.neighbours_plain(sought, near);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "popcnt")]
    fn neighbours_popcnt(&self, sought: &Descriptor, near: &mut Vec<(u32, u32)>) {
        self.neighbours_plain(sought, near);
    }

    #[inline(always)]
    fn neighbours_plain(&self, sought: &Descriptor, near: &mut Vec<(u32, u32)>) {
        let mut look = |at: usize| {
            let distance = sought.distance_bits(&self.descriptors[at]);
            if distance <= DISTANCE_BITS_MAX {
                near.push((distance, self.owners[at]));
            }
        };
        for at in self.sorted()..self.descriptors.len() {
            look(at);
        }
        let own = mark(sought);
        for segment in &self.segments {
            for (t, table) in segment.tables.iter().enumerate() {
                let key = key(sought, t, segment.key_bits);
                for off in 0..=BITS_TRIED {
                    // the key itself, then some of its bits turned
                    let key = if off == 0 { key } else { key ^ 1 << (off - 1) };
                    let filed = table.starts[key] as usize..table.starts[key + 1] as usize;
                    if filed.len() > segment.common && !self.is_thorough {
                        continue;
                    }
                    for at in filed {
                        if (own ^ table.marks[at]).count_ones() <= MARK_BITS_MAX {
                            look(table.features[at] as usize);
                        }
                    }
                }
            }
        }
    }
}

impl Run {
    /// The features of a range, sorted.
    fn of(descriptors: &[Descriptor], features: Range<usize>) -> Self {
        let bits = features.len().max(1).ilog2();
        let key_bits = bits.clamp(*KEY_BITS.start(), *KEY_BITS.end());
        let table = |t| Table::of(descriptors, features.clone(), t, key_bits);
        Self {
            tables: std::array::from_fn(table),
            common: COMMON_MIN + COMMON_RATIO * (features.len() >> key_bits),
            features,
            key_bits,
        }
    }
}

impl Table {
    /// The features of a range, sorted by their key by counting.
    fn of(descriptors: &[Descriptor], range: Range<usize>, table: usize, key_bits: u32) -> Self {
        let key = |at: usize| key(&descriptors[at], table, key_bits);
        let mut starts = vec![0u32; (1 << key_bits) + 1];
        range.clone().for_each(|at| starts[key(at)] += 1);
        let mut sum = 0;
        for end in &mut starts {
            sum += *end;
            *end = sum;
        }
        let (mut features, mut marks) = (vec![0; range.len()], vec![0; range.len()]);
        for at in range.rev() {
            let start = &mut starts[key(at)];
            *start -= 1;
            let id = u32::try_from(at).expect("fewer than 2^32 features fit in memory");
            features[*start as usize] = id;
            marks[*start as usize] = mark(&descriptors[at]);
        }
        Self {
            starts,
            features,
            marks,
        }
    }
}

/// A third of a descriptor, of whose bits few are in a key.
fn mark(descriptor: &Descriptor) -> u64 {
    descriptor.0[1]
}

/// What the features of an ad say for each reference.
struct Votes {
    sums: Vec<f32>,
    voted: Vec<u32>,
}

impl Votes {
    fn among(owners: usize) -> Self {
        Self {
            sums: vec![0.0; owners],
            voted: Vec::new(),
        }
    }

    /// The nearest references get a vote each, the nearer the larger, shared by how many they are.
    fn cast(&mut self, near: &mut Vec<(u32, u32)>, weight: f32) {
        let Some(nearest) = near.iter().map(|(distance, _)| *distance).min() else {
            return;
        };
        near.retain(|(distance, _)| *distance <= nearest + TIE_BITS);
        near.sort_unstable_by_key(|(distance, owner)| (*owner, *distance));
        near.dedup_by_key(|(_, owner)| *owner);
        let share = weight / (near.len() * near.len()) as f32;
        for (distance, owner) in near {
            let nearness = (DISTANCE_BITS_MAX + TIE_BITS - *distance) as f32;
            let sum = &mut self.sums[*owner as usize];
            if *sum == 0.0 {
                self.voted.push(*owner);
            }
            *sum += nearness * nearness * share;
        }
    }

    /// Those with the most votes, first the one with the most.
    fn first(mut self, most: usize) -> Vec<u32> {
        let sums = &self.sums;
        let order = |a: &u32, b: &u32| {
            let sum = |owner: &u32| sums[*owner as usize];
            sum(b).total_cmp(&sum(a)).then(a.cmp(b))
        };
        if self.voted.len() > most {
            self.voted.select_nth_unstable_by(most, order);
            self.voted.truncate(most);
        }
        self.voted.sort_unstable_by(order);
        self.voted
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
