//! The manifest: which segments make up a set, and which did until lately.
//!
//! | bytes | what |
//! | --- | --- |
//! | 8, 2 | `HOMEWMAN`; format |
//! | 1, 1 | kind, `A` or `R`; zero |
//! | 8 | generation: one more with every swap |
//! | 8 x 16 | for references: the last number of each partition of the log that the segments hold |
//! | 4, 4 | live segments; retired ones |
//! | 96 each | a live segment: name, hash of its head, bytes, bytes of its front, items, views, format, 1 if the tail may hold its items still, four zeros |
//! | 40 each | a retired one: name, and from when on it may be deleted, ms since 1970 |
//! | 4 | Adler-32 of all that stands before |

use std::collections::BTreeSet;

use crate::head::Input;
use crate::{Entry, Fault, Kind, SegmentName};

const MAGIC: &[u8; 8] = b"HOMEWMAN";
const FORMAT: u16 = 1;

/// Partitions of the references' log.
pub const LOG_PARTITIONS: usize = 16;

const HEAD_BYTES: usize = 8 + 2 + 2 + 8 + 8 * LOG_PARTITIONS + 8;
const ENTRY_BYTES: usize = 32 + 32 + 8 + 8 + 4 + 4 + 2 + 2 + 4;
const RETIRED_BYTES: usize = 32 + 8;
const SUM_BYTES: usize = 4;

/// A segment that is no part of the set any more, and that a reader may still hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retired {
    /// The segment.
    pub name: SegmentName,
    /// From when on it may be deleted, in ms since 1970.
    pub due_at_ms: u64,
}

/// The list of a set's segments, as of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Of which set.
    pub kind: Kind,
    /// Grows by one with every swap, so that no two manifests of a set are equal.
    pub generation: u64,
    /// For references: up to which numbers of the log the segments hold the set.
    pub position: [u64; LOG_PARTITIONS],
    /// The segments that make up the set.
    pub live: Vec<Entry>,
    /// Those that did until lately.
    pub retired: Vec<Retired>,
}

impl Manifest {
    /// The manifest of a set without segments.
    pub fn empty(kind: Kind) -> Self {
        Self {
            kind,
            generation: 0,
            position: [0; LOG_PARTITIONS],
            live: Vec::new(),
            retired: Vec::new(),
        }
    }

    /// The number of items in all live segments.
    pub fn items(&self) -> u64 {
        self.live.iter().map(|entry| u64::from(entry.items)).sum()
    }

    /// What it says of a live segment.
    pub fn entry(&self, name: &SegmentName) -> Option<&Entry> {
        self.live.iter().find(|entry| entry.name == *name)
    }

    /// Whether it names a segment, live or retired.
    pub fn names(&self, name: &SegmentName) -> bool {
        self.entry(name).is_some() || self.retired.iter().any(|it| it.name == *name)
    }

    /// The next manifest: without some live segments, which are retired until `due_at_ms`, and
    /// with others.
    #[must_use]
    pub fn next(&self, without: &BTreeSet<SegmentName>, due_at_ms: u64, with: Vec<Entry>) -> Self {
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

    /// The manifest as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let count = |count: usize| u32::try_from(count).expect("as many as memory holds");
        let mut out = Vec::with_capacity(HEAD_BYTES + self.live.len() * ENTRY_BYTES);
        out.extend(MAGIC);
        out.extend(FORMAT.to_le_bytes());
        out.extend([self.kind.tag(), 0]);
        out.extend(self.generation.to_le_bytes());
        out.extend(self.position.iter().flat_map(|seq| seq.to_le_bytes()));
        out.extend(count(self.live.len()).to_le_bytes());
        out.extend(count(self.retired.len()).to_le_bytes());
        self.live
            .iter()
            .for_each(|entry| put_entry(&mut out, entry));
        for retired in &self.retired {
            out.extend(retired.name.0);
            out.extend(retired.due_at_ms.to_le_bytes());
        }
        out.extend(simd_adler32::adler32(&out.as_slice()).to_le_bytes());
        out
    }

    /// The manifest of a set from what [`Manifest::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`Fault`], by what the caller does next.
    pub fn from_bytes(kind: Kind, bytes: &[u8]) -> Result<Self, Fault> {
        let mut input = Input(bytes);
        input.known(MAGIC, FORMAT)?;
        let [tag, zero] = input.array()?;
        let generation = input.u64()?;
        let mut position = [0; LOG_PARTITIONS];
        for seq in &mut position {
            *seq = input.u64()?;
        }
        let (live, retired) = (input.u32()? as u64, input.u32()? as u64);
        let expected =
            live * ENTRY_BYTES as u64 + retired * RETIRED_BYTES as u64 + SUM_BYTES as u64;
        match (input.0.len() as u64).cmp(&expected) {
            std::cmp::Ordering::Less => return Err(Fault::Truncated),
            std::cmp::Ordering::Equal => {}
            std::cmp::Ordering::Greater => return Err(Fault::Corrupt),
        }
        let (told, sum) = bytes.split_at(bytes.len() - SUM_BYTES);
        let found = Kind::of_tag(tag)?;
        if sum != simd_adler32::adler32(&told).to_le_bytes() || zero != 0 {
            return Err(Fault::Corrupt);
        }
        if found != kind {
            return Err(Fault::Another);
        }
        let live = (0..live)
            .map(|_| entry(&mut input))
            .collect::<Result<_, Fault>>()?;
        let retired = (0..retired)
            .map(|_| retired_one(&mut input))
            .collect::<Result<_, Fault>>()?;
        Ok(Self {
            kind,
            generation,
            position,
            live,
            retired,
        })
    }
}

fn put_entry(out: &mut Vec<u8>, entry: &Entry) {
    out.extend(entry.name.0);
    out.extend(entry.head_sha256);
    out.extend(entry.bytes.to_le_bytes());
    out.extend(entry.front_bytes.to_le_bytes());
    out.extend(entry.items.to_le_bytes());
    out.extend(entry.views.to_le_bytes());
    out.extend(entry.format.to_le_bytes());
    out.extend(u16::from(entry.tail_holds_it).to_le_bytes());
    out.extend([0; 4]);
}

fn entry(input: &mut Input<'_>) -> Result<Entry, Fault> {
    let entry = Entry {
        name: SegmentName(input.array()?),
        head_sha256: input.array()?,
        bytes: input.u64()?,
        front_bytes: input.u64()?,
        items: input.u32()?,
        views: input.u32()?,
        format: input.u16()?,
        tail_holds_it: match input.u16()? {
            0 => false,
            1 => true,
            _ => return Err(Fault::Corrupt),
        },
    };
    let is_sound = input.array()? == [0; 4]
        && entry.front_bytes <= entry.bytes
        && entry.bytes <= crate::SEGMENT_BYTES_MAX;
    is_sound.then_some(entry).ok_or(Fault::Corrupt)
}

fn retired_one(input: &mut Input<'_>) -> Result<Retired, Fault> {
    Ok(Retired {
        name: SegmentName(input.array()?),
        due_at_ms: input.u64()?,
    })
}
