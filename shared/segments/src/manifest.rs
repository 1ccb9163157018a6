//! The manifest: which segments make up a set, and which did until lately.
//!
//! | bytes | what |
//! | --- | --- |
//! | 8, 2 | `HOMEWMAN`; format |
//! | 1, 1 | kind, `A` or `R`; zero |
//! | 8 | generation: one more with every swap |
//! | 8 x 16 | for references: the last number of each partition of the log that the segments hold |
//! | 4, 4, 4 | live segments; retired ones; packs of the tail whose items are in live ones |
//! | 96 each | a live segment: name, hash of its head, bytes, bytes of its index, items, views, format, its oldest day, four zeros |
//! | 40 each | a retired one: name, and from when on it may be deleted, ms since 1970 |
//! | 40 each | a pack: likewise, with all ones while the tail may still name it |
//! | 4 | Adler-32 of all that stands before |

use std::collections::BTreeSet;

use crate::head::Input;
use crate::{SegmentEntry, SegmentError, SegmentName, SetKind};

const MAGIC: &[u8; 8] = b"HOMEWMAN";
const FORMAT: u16 = 3;
/// Its entries tell no oldest day.
const FORMAT_WITHOUT_DAYS: u16 = 2;

/// Partitions of the references' log.
pub const LOG_PARTITIONS: usize = 16;

const HEAD_BYTES: usize = 8 + 2 + 2 + 8 + 8 * LOG_PARTITIONS + 12;
const RETIRED_BYTES: usize = 32 + 8;
const SUM_BYTES: usize = 4;

/// Stands for the time from when on a pack may be deleted while the tail may name it.
const NOT_DUE: u64 = u64::MAX;

/// A segment that is no part of the set any more, and that a reader may still hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retired {
    /// The segment.
    pub name: SegmentName,
    /// From when on it may be deleted, in ms since 1970.
    pub due_at_ms: u64,
}

/// A pack of the tail whose items a segment has taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Absorbed {
    /// The pack.
    pub name: SegmentName,
    /// From when on it may be deleted, in ms since 1970; none while the tail may still name it.
    pub due_at_ms: Option<u64>,
}

/// The list of a set's segments, as of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Of which set.
    pub kind: SetKind,
    /// Grows by one with every swap, so that no two manifests of a set are equal.
    pub generation: u64,
    /// For references: up to which numbers of the log the segments hold the set.
    pub position: [u64; LOG_PARTITIONS],
    /// The segments that make up the set.
    pub live: Vec<SegmentEntry>,
    /// Those that did until lately.
    pub retired: Vec<Retired>,
    /// Packs whose items are in live segments, until they are deleted.
    pub absorbed: Vec<Absorbed>,
}

/// A name, and whether it holds.
type Invariant = (&'static str, fn(&Manifest) -> bool);

/// What must hold of every manifest.
const INVARIANTS: [Invariant; 3] = [
    ("a segment is live once", |it| {
        are_unique(it.live.iter().map(|entry| &entry.name))
    }),
    ("no live segment is retired", |it| {
        let live: BTreeSet<_> = it.live.iter().map(|entry| &entry.name).collect();
        !it.retired
            .iter()
            .any(|retired| live.contains(&retired.name))
    }),
    ("a pack is absorbed once", |it| {
        are_unique(it.absorbed.iter().map(|pack| &pack.name))
    }),
];

fn are_unique<'a>(mut names: impl Iterator<Item = &'a SegmentName>) -> bool {
    let mut seen = BTreeSet::new();
    names.all(|name| seen.insert(name))
}

impl Manifest {
    /// The manifest of a set without segments.
    pub fn empty(kind: SetKind) -> Self {
        Self {
            kind,
            generation: 0,
            position: [0; LOG_PARTITIONS],
            live: Vec::new(),
            retired: Vec::new(),
            absorbed: Vec::new(),
        }
    }

    /// The number of items in all live segments.
    pub fn items(&self) -> u64 {
        self.live.iter().map(|entry| u64::from(entry.items)).sum()
    }

    /// What it says of a live segment.
    pub fn entry(&self, name: &SegmentName) -> Option<&SegmentEntry> {
        self.live.iter().find(|entry| entry.name == *name)
    }

    /// Whether it names a segment, live or retired.
    pub fn names(&self, name: &SegmentName) -> bool {
        self.entry(name).is_some() || self.retired.iter().any(|it| it.name == *name)
    }

    /// The packs that the tail may still name.
    pub fn uncleared(&self) -> Vec<SegmentName> {
        let uncleared = self.absorbed.iter().filter(|it| it.due_at_ms.is_none());
        uncleared.map(|it| it.name).collect()
    }

    /// The next manifest: without some live segments, which are retired until `due_at_ms`, and
    /// with others.
    #[must_use]
    pub fn next(
        &self,
        without: &BTreeSet<SegmentName>,
        due_at_ms: u64,
        with: Vec<SegmentEntry>,
    ) -> Self {
        let mut next = self.clone();
        next.generation += 1;
        next.live.retain(|entry| !without.contains(&entry.name));
        next.live.extend(with);
        let retire = |name: &SegmentName| Retired {
            name: *name,
            due_at_ms,
        };
        next.retired.extend(without.iter().map(retire));
        next
    }

    /// The first of what must hold of every manifest and does not of this one. Checked before one is
    /// written and after one is read.
    pub fn broken_invariant(&self) -> Option<&'static str> {
        let broken = INVARIANTS.iter().find(|(_, holds)| !holds(self));
        broken.map(|(name, _)| *name)
    }

    /// Whether it may take the place of another one: of the same set, and the next generation.
    pub fn succeeds(&self, before: &Self) -> bool {
        self.kind == before.kind && before.generation.checked_add(1) == Some(self.generation)
    }

    /// The manifest as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let count = |count: usize| u32::try_from(count).expect("as many as memory holds");
        let mut out = Vec::with_capacity(HEAD_BYTES + self.live.len() * SegmentEntry::BYTES);
        out.extend(MAGIC);
        out.extend(FORMAT.to_le_bytes());
        out.extend([self.kind.tag(), 0]);
        out.extend(self.generation.to_le_bytes());
        out.extend(self.position.iter().flat_map(|seq| seq.to_le_bytes()));
        out.extend(count(self.live.len()).to_le_bytes());
        out.extend(count(self.retired.len()).to_le_bytes());
        out.extend(count(self.absorbed.len()).to_le_bytes());
        self.live
            .iter()
            .for_each(|entry| out.extend(entry.to_bytes()));
        for retired in &self.retired {
            out.extend(retired.name.0);
            out.extend(retired.due_at_ms.to_le_bytes());
        }
        for pack in &self.absorbed {
            out.extend(pack.name.0);
            out.extend(pack.due_at_ms.unwrap_or(NOT_DUE).to_le_bytes());
        }
        out.extend(simd_adler32::adler32(&out.as_slice()).to_le_bytes());
        out
    }

    /// The manifest of a set from what [`Manifest::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`SegmentError`], by what the caller does next.
    pub fn from_bytes(kind: SetKind, bytes: &[u8]) -> Result<Self, SegmentError> {
        let mut input = Input(bytes);
        input.known(MAGIC, FORMAT_WITHOUT_DAYS..=FORMAT)?;
        let [tag, zero] = input.array()?;
        let generation = input.u64()?;
        let mut position = [0; LOG_PARTITIONS];
        for seq in &mut position {
            *seq = input.u64()?;
        }
        let mut count = || input.u32().map(u64::from);
        let (live, retired, absorbed) = (count()?, count()?, count()?);
        let expected = live * SegmentEntry::BYTES as u64
            + (retired + absorbed) * RETIRED_BYTES as u64
            + SUM_BYTES as u64;
        match (input.0.len() as u64).cmp(&expected) {
            std::cmp::Ordering::Less => return Err(SegmentError::Truncated),
            std::cmp::Ordering::Equal => {}
            std::cmp::Ordering::Greater => return Err(SegmentError::Corrupt),
        }
        let (told, sum) = bytes.split_at(bytes.len() - SUM_BYTES);
        let found = SetKind::of_tag(tag)?;
        if sum != simd_adler32::adler32(&told).to_le_bytes() || zero != 0 {
            return Err(SegmentError::Corrupt);
        }
        if found != kind {
            return Err(SegmentError::Another);
        }
        let live = (0..live)
            .map(|_| SegmentEntry::read(&mut input))
            .collect::<Result<_, SegmentError>>()?;
        let retired = (0..retired)
            .map(|_| retired_one(&mut input))
            .collect::<Result<_, SegmentError>>()?;
        let absorbed = (0..absorbed)
            .map(|_| absorbed_one(&mut input))
            .collect::<Result<_, SegmentError>>()?;
        let manifest = Self {
            kind,
            generation,
            position,
            live,
            retired,
            absorbed,
        };
        match manifest.broken_invariant() {
            None => Ok(manifest),
            Some(_) => Err(SegmentError::Corrupt),
        }
    }
}

impl SegmentEntry {
    /// Bytes of an entry.
    pub const BYTES: usize = 32 + 32 + 8 + 8 + 4 + 4 + 2 + 6;

    /// An entry as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(Self::BYTES);
        out.extend(self.name.0);
        out.extend(self.head_sha256);
        out.extend(self.bytes.to_le_bytes());
        out.extend(self.index_bytes.to_le_bytes());
        out.extend(self.items.to_le_bytes());
        out.extend(self.views.to_le_bytes());
        out.extend(self.format.to_le_bytes());
        out.extend(self.oldest_day.to_le_bytes());
        out.extend([0; 4]);
        out
    }

    /// An entry from what [`SegmentEntry::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`SegmentError`], by what the caller does next.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SegmentError> {
        let mut input = Input(bytes);
        let entry = Self::read(&mut input)?;
        input
            .0
            .is_empty()
            .then_some(entry)
            .ok_or(SegmentError::Corrupt)
    }

    fn read(input: &mut Input<'_>) -> Result<Self, SegmentError> {
        let entry = Self {
            name: SegmentName(input.array()?),
            head_sha256: input.array()?,
            bytes: input.u64()?,
            index_bytes: input.u64()?,
            items: input.u32()?,
            views: input.u32()?,
            format: input.u16()?,
            oldest_day: input.u16()?,
        };
        let is_sound = input.array()? == [0; 4]
            && entry.index_bytes <= entry.bytes
            && entry.bytes <= crate::SEGMENT_BYTES_MAX;
        is_sound.then_some(entry).ok_or(SegmentError::Corrupt)
    }
}

fn retired_one(input: &mut Input<'_>) -> Result<Retired, SegmentError> {
    Ok(Retired {
        name: SegmentName(input.array()?),
        due_at_ms: input.u64()?,
    })
}

fn absorbed_one(input: &mut Input<'_>) -> Result<Absorbed, SegmentError> {
    let Retired { name, due_at_ms } = retired_one(input)?;
    let due_at_ms = (due_at_ms != NOT_DUE).then_some(due_at_ms);
    Ok(Absorbed { name, due_at_ms })
}
