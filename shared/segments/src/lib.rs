//! The immutable parts of the two searchable sets, as bytes: segments and their manifest.
//!
//! A [segment](build) holds the items of a set in columns, so that a search reads the hashes of
//! all items in one straight line and nothing else. A [`Manifest`] lists the segments that make up
//! a set, and is the only thing that ever changes. What is read is checked against what the manifest
//! says and against its checksums before it is used: a segment that was cut off, changed,
//! mixed up or written by a newer build is a [`SegmentError`] and never an answer.
//!
//! Pure: bytes in, bytes out; no async, I/O, clock or logging. Lengths and counts are checked against
//! limits and against the bytes that are there before anything is allocated by them.
//!
//! | bytes of a segment | what |
//! | --- | --- |
//! | 8 | `HOMEWSEG` |
//! | 2 | format, [`FORMAT`] or [`FORMAT_UNFILED`]; all numbers are little endian |
//! | 1, 1 | kind, `A` or `R`; number of columns |
//! | 4 | bytes of the head: all that stands before the first column |
//! | 4, 4 | items; views (rows of hashes: an item's first view stands in the item's own row, its others behind all items) |
//! | 8, 8 | when it was made, ms since 1970; the generation of the manifest that it was made for |
//! | 20 each | the columns in their order: number and three zeros, where it begins, its length (8 each) |
//! | 4 each | Adler-32 of every block of [`BLOCK_BYTES`] of every column |
//! | 4 | Adler-32 of the head before it |
//! | | the columns, back to back, in the order of the table below |
//!
//! | column | bytes | what |
//! | --- | --- | --- |
//! | 1 | 768 for 64 views | PDQ, bytes 0 to 11: of 64 views the first byte, then the second, and so on; filled up with zeros |
//! | 2 | 256 for 64 views | PDQ, bytes 12 to 15, likewise |
//! | 3 | 16 a view | PDQ, bytes 16 to 31 |
//! | 4 | 1 a view | quality, 0 to 100 |
//! | 5 | 32 a view | the second family's hash |
//! | 6 | 1 a view | how it was framed |
//! | 7 | 4 a view beyond the first | whose view |
//! | 8 | 4 an item | its source: a number into column 9 |
//! | 9 | | sources: length and name of the tenant, version of the algorithms |
//! | 10 | 32 or 16 an item | identity: an image's SHA-256, or a reference's id |
//! | 11 | 8 an item | stamp: when an ad came into the tail; a reference's number in its log |
//! | 12 | 4 an item | length of its features |
//! | 13 | 4 an item | length of its postings |
//! | 14 | | postings: stamp (8), length (4) and bytes of each |
//! | 16 | 4 a section of column 17 | length of it |
//! | 15 | | features |
//! | 17 | | the features of ads once more, filed by what they look like: see [`features::filed`] |
//!
//! Columns 1 to 3 are what `matching::scan` reads in place; 1 to 8 are what stage 1 needs: 70 bytes an
//! ad, 70 more for one that has a border.
#![forbid(unsafe_code)]

mod build;
mod error;
mod head;
mod item;
mod manifest;
mod merge;
mod read;

pub use build::{Built, build, day_of};
pub use error::SegmentError;
pub use head::{SegmentEntry, SegmentName};
pub use item::{Id, Item, Posting, SetKind};
pub use manifest::{Absorbed, LOG_PARTITIONS, Manifest, Retired};
pub use merge::{MergeRule, to_merge};
pub use read::{SegmentIndex, entry_of, whole};

/// The format of the segments that this build writes where features are filed, the newest that it reads.
pub const FORMAT: u16 = 3;

/// The format of segments whose features are not filed, without columns 16 and 17: packs, references, few
/// ads, and what a build before this one wrote.
pub const FORMAT_UNFILED: u16 = 2;

/// Fewest ads of a segment that are filed: to look at each of fewer takes a fifth of a second.
pub const FILED_ADS_MIN: usize = 512;

/// Bytes under one checksum: small next to any range that is read, large next to its four bytes.
pub const BLOCK_BYTES: usize = 64 * 1024;

/// Most bytes of postings of one item: a few hundred. An ad that was posted more often becomes several
/// items, so that no uploader makes one that fits nowhere.
pub const POSTINGS_BYTES_MAX: usize = 64 * 1024;

/// Most items of one segment: beyond the million ads that the design asks for.
pub const ITEMS_MAX: usize = 1 << 21;

/// Most bytes of one segment: what one program can hold in memory next to another like it.
pub const SEGMENT_BYTES_MAX: u64 = 1 << 30;
