//! What one image makes the functions do, as counted in real runs.

use serde_json::Value;

use super::Way;

const FILE: &str = include_str!("../../../../infra/counts.json");

/// What a hash without features takes in a segment.
const HASH_BYTES: f64 = 130.0;
/// Hashes of one list: what an uploader's program collects in some minutes.
const IMAGES_PER_LIST: f64 = 100.0;
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

    /// What one function does for one image that comes in this way.
    pub fn part(&self, way: Way, name: &str) -> Part {
        match way {
            Way::Single => self.counted_part("single", name),
            Way::Bundled => self.counted_part("bundled", name),
            Way::HashOnly => self.part_of_hash(name),
        }
    }

    fn counted_part(&self, way: &str, name: &str) -> Part {
        let of = |field: &str| self.number(&format!("/{way}/{name}/{field}"));
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

    /// Objects that an uploader puts for one image.
    pub fn uploads(&self, way: Way) -> f64 {
        match way {
            Way::Single => 1.0,
            Way::Bundled => 1.0 / self.images_of_bundle(),
            Way::HashOnly => 1.0 / IMAGES_PER_LIST,
        }
    }

    /// Objects of which S3 tells for one image: uploads, and the parts that bundles are cut into.
    pub fn messages(&self, way: Way) -> f64 {
        match way {
            Way::Single | Way::HashOnly => self.uploads(way),
            Way::Bundled => self.number("/bundled/messages_per_image"),
        }
    }

    /// Images of the bundle that was counted with.
    pub fn images_of_bundle(&self) -> f64 {
        self.number("/bundle_images")
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
            _ => self.number("/single/pack_bytes_per_ad"),
        }
    }

    /// What one function does for one hash. Reckoned, and not counted: all but what a picture takes,
    /// in packs that hold a whole list; `ingest` logs once a list.
    fn part_of_hash(&self, name: &str) -> Part {
        let packs = self.packs(Way::HashOnly);
        let part = Part {
            busy_s: HASH_BUSY_S,
            ..self.counted_part("single", name)
        };
        match name {
            "ingest" => Part {
                writes: part.writes - self.packs(Way::Single) + packs,
                reads: part.reads - 1.0, // nothing asks whether a hash is known
                s3_puts: packs,
                s3_gets: self.uploads(Way::HashOnly),
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
            Way::Single => 1.0 / self.number("/single/ads_per_pack"),
            Way::Bundled => 1.0 / self.number("/bundled/ads_per_pack"),
            Way::HashOnly => 1.0 / IMAGES_PER_LIST,
        }
    }

    /// What moving one ad into segments takes: seconds, and the memory of who does it in GB.
    pub fn compaction(&self) -> (f64, f64) {
        let of = |name: &str| self.number(&format!("/compaction/{name}"));
        (of("busy_ms_per_ad") / 1e3, of("memory_mib") / 1_024.0)
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
