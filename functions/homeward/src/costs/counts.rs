//! What one image makes the functions do, as counted in real runs.

use serde_json::Value;

use super::Way;

const FILE: &str = include_str!("../../../../infra/counts.json");

/// What a hash without features takes in a segment.
const HASH_BYTES: f64 = 130.0;
/// Reading a line and comparing one hash with all references: assumed, not measured.
const HASH_BUSY_S: f64 = 0.000_1;

/// What was counted.
pub struct Counts(Value);

/// What one function does for one image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// Seconds of work.
    pub busy_s: f64,
    /// The function's memory.
    pub memory_gb: f64,
    /// DynamoDB's write units.
    pub writes: f64,
    /// DynamoDB's read units.
    pub reads: f64,
    /// Objects written.
    pub s3_puts: f64,
    /// Objects read.
    pub s3_gets: f64,
    /// Bytes of log.
    pub log_bytes: f64,
}

impl Counts {
    /// Those of `infra/counts.json`.
    ///
    /// # Panics
    /// If the file is not JSON: a test holds it.
    pub fn counted() -> Self {
        Self(serde_json::from_str(FILE).expect("infra/counts.json is JSON"))
    }

    /// When.
    pub fn measured(&self) -> &str {
        self.0["measured"].as_str().unwrap_or_default()
    }

    /// What one function does for one image.
    pub fn part(&self, name: &str) -> Part {
        let of = |field: &str| self.number(&format!("/per_image/{name}/{field}"));
        Part {
            busy_s: of("busy_ms") / 1e3,
            memory_gb: of("memory_mib") / 1_024.0,
            writes: of("write_units"),
            reads: of("read_units"),
            s3_puts: of("s3_puts"),
            s3_gets: of("s3_gets"),
            log_bytes: of("log_bytes"),
        }
    }

    /// Messages of a full batch.
    pub fn messages_per_batch(&self) -> f64 {
        self.number("/batch/messages")
    }

    /// Changes of a full batch.
    pub fn changes_per_batch(&self) -> f64 {
        self.number("/batch/changes")
    }

    /// Bytes of the photos that were counted with.
    pub fn photo_bytes(&self) -> f64 {
        self.number("/photo_bytes")
    }

    /// Bytes that an image takes in the tables.
    pub fn table_bytes(&self) -> f64 {
        self.number("/table_bytes")
    }

    /// Bytes that an image takes in the segments.
    pub fn segment_bytes(&self, way: Way) -> f64 {
        match way {
            Way::HashOnly => HASH_BYTES,
            _ => self.number("/pack/bytes_per_ad"),
        }
    }

    /// What one function does for one hash. Reckoned, and not counted: all but what a picture takes,
    /// in packs that hold a whole list; `ingest` logs once a list.
    pub fn part_of_hash(&self, name: &str) -> Part {
        let packs = self.packs(Way::HashOnly);
        let part = Part {
            busy_s: HASH_BUSY_S,
            ..self.part(name)
        };
        match name {
            "ingest" => Part {
                writes: part.writes - self.packs(Way::Single) + packs,
                reads: part.reads - 1.0, // nothing asks whether a hash is known
                s3_puts: packs,
                s3_gets: 0.0,
                log_bytes: part.log_bytes * packs,
                ..part
            },
            _ => Part {
                s3_gets: packs,
                ..part
            },
        }
    }

    /// An image's share in the pack that holds it until its ads are in a segment.
    pub fn packs(&self, way: Way) -> f64 {
        match way {
            Way::HashOnly => 1.0 / super::IMAGES_PER_BUNDLE,
            _ => 1.0 / self.number("/pack/ads"),
        }
    }

    /// A number of the search of past ads.
    pub fn of_search(&self, name: &str) -> f64 {
        self.number(&format!("/search/{name}"))
    }

    fn number(&self, pointer: &str) -> f64 {
        let found = self.0.pointer(pointer).and_then(Value::as_f64);
        found.unwrap_or_else(|| panic!("infra/counts.json has no {pointer}"))
    }
}
