//! What one image makes the functions do, as counted in real runs.

use serde_json::Value;

use super::Way;

const FILE: &str = include_str!("../../../../infra/counts.json");

/// What was counted.
pub struct Counts(Value);

/// What one function does for one image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CountedPart {
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
    pub fn part(&self, way: Way, name: &str) -> CountedPart {
        let of = |field: &str| self.of_way(way, &format!("{name}/{field}"));
        CountedPart {
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
            Way::HashOnly => 1.0 / self.number("/list_images"),
        }
    }

    /// Objects of which S3 tells for one image: uploads, and the parts that bundles are cut into.
    pub fn messages(&self, way: Way) -> f64 {
        self.of_way(way, "messages_per_image")
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
        self.of_way(way, "pack_bytes_per_ad")
    }

    /// An image's share in the pack that holds it until its ads are in a segment.
    pub fn packs(&self, way: Way) -> f64 {
        1.0 / self.of_way(way, "ads_per_pack")
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

    fn of_way(&self, way: Way, name: &str) -> f64 {
        let way = match way {
            Way::Single => "single",
            Way::Bundled => "bundled",
            Way::HashOnly => "hashes",
        };
        self.number(&format!("/{way}/{name}"))
    }

    fn number(&self, pointer: &str) -> f64 {
        let found = self.0.pointer(pointer).and_then(Value::as_f64);
        found.unwrap_or_else(|| panic!("infra/counts.json has no {pointer}"))
    }
}
