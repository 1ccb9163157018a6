//! What one image makes the functions do, as counted in real runs.

use serde_json::Value;

use super::Way;

const FILE: &str = include_str!("../../../../infra/counts.json");

/// An item of the searchable set that holds a hash and its keys.
const HASH_BYTES: f64 = 250.0;
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
    /// Bytes of log.
    pub log_bytes: f64,
}

/// Units of DynamoDB.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TailItem {
    /// Read units.
    pub reads: f64,
    /// Write units.
    pub writes: f64,
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
    pub fn table_bytes(&self, way: Way) -> f64 {
        let all = self.number("/table_bytes");
        match way {
            Way::HashOnly => all - self.number("/tail/bytes") + HASH_BYTES,
            _ => all,
        }
    }

    /// What one function does for one hash. Reckoned, and not counted: all but what a picture takes,
    /// and a fingerprint that fits one write unit.
    pub fn part_of_hash(&self, name: &str) -> Part {
        let part = self.part(name);
        let less = match name {
            "ingest" => self.number("/tail/write_units") - 1.0,
            _ => 0.0,
        };
        Part {
            busy_s: HASH_BUSY_S,
            writes: part.writes - less,
            ..part
        }
    }

    /// What it takes to move one item out of the ads' tail: a strong read of its bytes among others,
    /// a unit for each 4 KiB, and a deletion, which costs what writing it did.
    pub fn tail(&self, way: Way) -> TailItem {
        let (bytes, writes) = match way {
            Way::HashOnly => (HASH_BYTES, 1.0),
            _ => (self.number("/tail/bytes"), self.number("/tail/write_units")),
        };
        let reads = bytes / 4_096.0;
        TailItem { reads, writes }
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
