//! Which few of many past ads could show a reference: the other direction of [`Index`](super::Index), over
//! features that a segment of ads has [filed](features::filed).
//!
//! Every feature of the reference, as is and mirrored, looks under its own word and those up to two bits
//! off, and meets the features there whose signature is near. Each is a vote for its ad. The votes of a
//! true copy agree in by how much it is turned and scaled (weak geometric consistency: Jégou, Douze and
//! Schmid, 2008), so that only votes which agree are counted together. What an ad gets depends on no other
//! ad: it is proposed or not, whatever segment it lies in.

use features::filed::{Filed, Section, WORD_BITS};
use features::{REFERENCE_FEATURES_MAX, ReferenceFeatures};

/// Most bits of word and signature in which a feature may differ to vote, of 58. Farther ones are as many in any
/// ad: features of photos are far from evenly spread.
const DISTANCE_BITS_MAX: u32 = 4;
/// What a vote says by its distance, in tenths of a natural logarithm: how many times as many such votes a true
/// copy has as any other ad, counted on 839 edited copies of photos and 52,080 other ads.
const WEIGHTS: [u16; DISTANCE_BITS_MAX as usize + 1] = [62, 37, 22, 14, 10];
/// What the votes of an ad that agree must say together for it to be proposed.
const PROPOSED_MIN: u16 = 120;
/// Steps by which votes that agree may differ: in 16ths of a turn, and in half octaves.
const TURN_STEPS_MAX: u8 = 1;
const SIZE_STEPS_MAX: u8 = 1;

/// A reference as a query of filed features.
pub struct PastQuery {
    /// Each feature of the reference by its number, as is and mirrored.
    features: Vec<(u8, Hand, Filed)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hand {
    AsIs,
    Mirrored,
}

/// A feature of an ad that looks like one of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Vote {
    ad: u16,
    hand: Hand,
    /// Which feature of the reference.
    number: u8,
    /// How much further it is turned, in 16ths.
    turn: u8,
    /// How much larger it is, in half octaves, from 16 on.
    size: u8,
    weight: u16,
}

impl std::fmt::Debug for PastQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PastQuery([redacted])")
    }
}

impl PastQuery {
    /// A reference by its features; `None` if it has none or they are of another format.
    pub fn of(features: &[u8]) -> Option<Self> {
        const { assert!(REFERENCE_FEATURES_MAX <= u8::MAX as usize) };
        let read = ReferenceFeatures::from_bytes(features).ok()?;
        let both = (0..).zip(&read.features).flat_map(|(number, feature)| {
            [
                (number, Hand::AsIs, Filed::of(feature)),
                (number, Hand::Mirrored, Filed::of_mirrored(feature)),
            ]
        });
        Some(Self {
            features: both.collect(),
        })
    }

    /// The ads of a section that could show the reference, by their number in it, in order: those with
    /// enough votes, and those whose features could not be read.
    pub fn among(&self, section: &Section<'_>) -> Vec<u16> {
        let mut votes = self.votes(section);
        votes.sort_unstable();
        let mut proposed: Vec<u16> = votes
            .chunk_by(|a, b| a.ad == b.ad)
            .filter(|votes| agreeing(votes) >= PROPOSED_MIN)
            .map(|votes| votes[0].ad)
            .chain(section.unread().iter().copied())
            .collect();
        proposed.sort_unstable();
        proposed.dedup();
        proposed
    }

    #[allow(
        unsafe_code,
        reason = "calls code for instructions that the processor was asked for"
    )]
    fn votes(&self, section: &Section<'_>) -> Vec<Vote> {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::is_x86_feature_detected as has;
            if has!("avx512f") && has!("avx512bw") && has!("avx512vpopcntdq") && has!("popcnt") {
                // SAFETY: the processor has the instructions.
                return unsafe { self.votes_avx512(section) };
            }
            if has!("popcnt") {
                // SAFETY: the processor has the instruction.
                return unsafe { self.votes_popcnt(section) };
            }
        }
        self.votes_plain(section)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512vpopcntdq,popcnt")]
    fn votes_avx512(&self, section: &Section<'_>) -> Vec<Vote> {
        self.votes_plain(section)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "popcnt")]
    fn votes_popcnt(&self, section: &Section<'_>) -> Vec<Vote> {
        self.votes_plain(section)
    }

    #[inline(always)]
    fn votes_plain(&self, section: &Section<'_>) -> Vec<Vote> {
        let mut votes = Vec::new();
        for (number, hand, own) in &self.features {
            for (bits_off, differing) in OFF {
                let places = section.places(own.word ^ differing);
                for (place, signature) in places.clone().zip(section.signatures(places)) {
                    let distance = bits_off + (signature ^ own.signature).count_ones();
                    if distance <= DISTANCE_BITS_MAX {
                        let weight = WEIGHTS[distance as usize];
                        votes.push(vote((*number, *hand, own), section.filed(place), weight));
                    }
                }
            }
        }
        votes
    }
}

fn vote(
    (number, hand, own): (u8, Hand, &Filed),
    (ad, turn, size): (u16, u8, u8),
    weight: u16,
) -> Vote {
    Vote {
        ad,
        hand,
        number,
        turn: turn.wrapping_sub(own.turn) & 15,
        size: 16 + size - own.size,
        weight,
    }
}

/// What those of an ad's votes say together that agree best; of one feature's the one that says most.
fn agreeing(votes: &[Vote]) -> u16 {
    let with = |one: &Vote| {
        let (mut sum, mut last) = (0u16, None);
        for vote in votes.iter().filter(|vote| agree(one, vote)) {
            let before = match last {
                Some((number, weight)) if number == vote.number => weight,
                _ => 0,
            };
            let weight = vote.weight.max(before);
            sum = sum.saturating_add(weight - before);
            last = Some((vote.number, weight));
        }
        sum
    };
    // One that agrees with many is found early, and more would say no more.
    let mut best = 0;
    for one in votes {
        best = best.max(with(one));
        if best >= PROPOSED_MIN {
            break;
        }
    }
    best
}

fn agree(a: &Vote, b: &Vote) -> bool {
    let turn = a.turn.wrapping_sub(b.turn) & 15;
    a.hand == b.hand
        && turn.min(16 - turn) <= TURN_STEPS_MAX
        && a.size.abs_diff(b.size) <= SIZE_STEPS_MAX
}

/// Words as near as one looks: how many bits differ, and which.
const OFF: [(u32, u32); OFF_COUNT] = off();
const OFF_COUNT: usize = (1 + WORD_BITS + WORD_BITS * (WORD_BITS - 1) / 2) as usize;

const fn off() -> [(u32, u32); OFF_COUNT] {
    let mut off = [(0, 0); OFF_COUNT];
    let (mut at, mut a) = (1, 0);
    while a < WORD_BITS {
        off[at] = (1, 1 << a);
        at += 1;
        let mut b = 0;
        while b < a {
            off[at] = (2, 1 << a | 1 << b);
            at += 1;
            b += 1;
        }
        a += 1;
    }
    off
}
