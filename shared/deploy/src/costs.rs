//! What a deployment costs: list prices times requests that were counted.
//!
//! Both stand in dated files: `infra/prices.json`, and `infra/counts.json`, which
//! `tests/bench/lambda_figures` writes from real runs of the functions. Pure: numbers in, numbers
//! out. What people look at comes on top.

pub mod counts;
pub mod idle;
pub mod month;
pub mod prices;
pub mod search;

use counts::{CountedPart, Counts};
use prices::Prices;

/// How ads come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// One object an image.
    Single,
    /// Many images an object.
    Bundled,
    /// Hashes only, many an object.
    HashOnly,
}

impl Way {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::Single, Self::Bundled, Self::HashOnly];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Bundled => "bundled",
            Self::HashOnly => "hash only",
        }
    }

    /// What a million images are to cost less than, in dollars.
    pub fn aim(self) -> f64 {
        match self {
            Self::Single => 9.0,
            Self::Bundled => 2.5,
            Self::HashOnly => 0.7,
        }
    }
}

/// The processor of the functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// `arm64`.
    Arm64,
    /// `x86_64`.
    X86,
}

/// One line of a bill.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// For what.
    pub what: &'static str,
    /// How much.
    pub dollars: f64,
}

/// The sum of a bill.
pub fn sum(lines: &[Line]) -> f64 {
    lines.iter().map(|line| line.dollars).sum()
}

/// What an item that names a pack is read as, among others, in units of 4 KiB.
const PACK_ITEM_UNITS: f64 = 0.1;

/// With bucket keys S3 asks KMS up to 99 % less often. <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html>
const KMS_SHARE: f64 = 0.01;

/// What a million images cost, line by line, in a busy deployment, where batches are full.
pub fn per_million(
    way: Way,
    architecture: Architecture,
    counts: &Counts,
    prices: &Prices,
) -> Vec<Line> {
    let (uploads, objects) = (counts.uploads(way), counts.messages(way));
    // Compaction reads each pack once, and deletes the item that names it.
    let packs = counts.packs(way);
    // A message of S3, and its share in a batch: one receipt, one deletion.
    let messages = objects * (1.0 + 2.0 / counts.messages_per_batch());
    let runs = objects / counts.messages_per_batch() + 1.0 / counts.changes_per_batch();
    let (ingest, lookup) = (counts.part(way, "ingest"), counts.part(way, "lookup"));
    let (compaction_s, compaction_gb) = counts.compaction();
    let second = prices.lambda_second(architecture);
    let time = |part: &CountedPart| part.busy_s * part.memory_gb * second;
    let both = |of: fn(&CountedPart) -> f64| of(&ingest) + of(&lookup);
    let line = |what, dollars: f64| Line { what, dollars };
    vec![
        // Of the puts that were counted, those of parts are no packs.
        line("S3: the upload", objects * prices.per_million("s3_put")),
        line(
            "S3: reading it",
            ingest.s3_gets * prices.per_million("s3_get"),
        ),
        line(
            "S3: packs of features",
            (ingest.s3_puts - (objects - uploads)) * prices.per_million("s3_put")
                + (lookup.s3_gets + packs) * prices.per_million("s3_get"),
        ),
        line(
            "KMS",
            2.0 * objects * KMS_SHARE * prices.per_million("kms_request"),
        ),
        line("SQS", messages * prices.per_million("sqs_request")),
        line(
            "Lambda: starts",
            runs * prices.per_million("lambda_request"),
        ),
        line("Lambda: decoding, fingerprint", time(&ingest)),
        line("Lambda: search", time(&lookup)),
        line(
            "Lambda: from the tail into segments",
            compaction_s * compaction_gb * second,
        ),
        line(
            "DynamoDB: writes",
            both(|it| it.writes) * prices.per_million("dynamodb_write_unit"),
        ),
        line(
            "DynamoDB: reads",
            both(|it| it.reads) * prices.per_million("dynamodb_read_unit"),
        ),
        line(
            "DynamoDB: from the tail into segments",
            packs
                * (PACK_ITEM_UNITS * prices.per_million("dynamodb_read_unit")
                    + prices.per_million("dynamodb_write_unit")),
        ),
        line(
            "logs",
            both(|it| it.log_bytes) / 1e9 * prices.per_gb_of_log() * 1e6,
        ),
    ]
}

/// Days of a month.
const DAYS: f64 = 30.4;

/// What a month costs: what it costs idle, and the images.
pub fn per_month(images_per_day: f64, per_million: f64, idle: f64) -> f64 {
    idle + images_per_day * DAYS / 1e6 * per_million
}

/// What the images that a month brings cost in each month that they are kept.
pub fn storage_per_month(images_per_day: f64, way: Way, counts: &Counts, prices: &Prices) -> f64 {
    let images = images_per_day * DAYS;
    // Of hashes there is no photo, and no item of a table.
    let (in_s3, in_tables) = match way {
        Way::HashOnly => (0.0, 0.0),
        Way::Single | Way::Bundled => (counts.photo_bytes(), counts.table_bytes()),
    };
    let in_segments = counts.segment_bytes(way);
    let tables = prices.per_gb_month("dynamodb") + prices.per_gb_month("dynamodb_recovery");
    images / 1e9 * ((in_s3 + in_segments) * prices.per_gb_month("s3") + in_tables * tables)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bill(way: Way) -> f64 {
        let (counts, prices) = (Counts::counted(), Prices::listed());
        sum(&per_million(way, Architecture::Arm64, &counts, &prices))
    }

    #[test]
    fn a_bundle_is_cheaper_than_its_pictures_and_hashes_are_cheaper_still() {
        let [single, bundled, hashes] = Way::ALL.map(bill);
        assert!(bundled < single / 2.0, "{bundled}");
        assert!(hashes < bundled && hashes > 0.0, "{hashes}");
    }

    #[test]
    fn every_way_costs_less_than_it_is_to() {
        for way in Way::ALL {
            assert!(bill(way) < way.aim(), "{}: {}", way.as_str(), bill(way));
        }
    }

    #[test]
    fn features_are_paid_by_the_pack() {
        let (counts, prices) = (Counts::counted(), Prices::listed());
        let cost = |way, what: &str| {
            let lines = per_million(way, Architecture::Arm64, &counts, &prices);
            let found = lines.iter().filter(|it| it.what.starts_with(what));
            found.map(|it| it.dollars).sum::<f64>()
        };
        let packs = counts.packs(Way::Single);
        assert!(
            (cost(Way::Single, "DynamoDB: from the tail") - packs * (0.625 + 0.1 * 0.125)).abs()
                < 1e-9
        );
        let expected = counts.part(Way::Single, "ingest").s3_puts * 5.0
            + (counts.part(Way::Single, "lookup").s3_gets + packs) * 0.4;
        assert!((cost(Way::Single, "S3: packs") - expected).abs() < 1e-9);
        assert!(expected < 1.0, "{expected}");
        for what in ["DynamoDB: from the tail", "S3: packs"] {
            assert!(cost(Way::HashOnly, what) < cost(Way::Single, what) / 5.0);
            assert!(cost(Way::Bundled, what) < cost(Way::Single, what) / 5.0);
        }
    }

    #[test]
    fn every_line_of_a_bill_is_a_price_times_a_count() {
        let (counts, prices) = (Counts::counted(), Prices::listed());
        let lines = per_million(Way::Single, Architecture::Arm64, &counts, &prices);
        let line = |what: &str| lines.iter().find(|it| it.what == what).unwrap().dollars;
        let (ingest, lookup) = (
            counts.part(Way::Single, "ingest"),
            counts.part(Way::Single, "lookup"),
        );
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} and {b}");
        close(line("S3: the upload"), 5.0);
        close(
            line("DynamoDB: writes"),
            (ingest.writes + lookup.writes) * 0.625,
        );
        close(
            line("DynamoDB: reads"),
            (ingest.reads + lookup.reads) * 0.125,
        );
        let gb_seconds = ingest.busy_s * ingest.memory_gb;
        close(line("Lambda: decoding, fingerprint"), gb_seconds * 13.3334);
        // One message, and a fifth of a request to receive and delete it.
        close(line("SQS"), (1.0 + 2.0 / counts.messages_per_batch()) * 0.4);
    }

    #[test]
    fn idle_costs_at_most_three_dollars_and_small_at_most_one() {
        let prices = Prices::listed();
        let idle = |small| sum(&idle::per_month(small, false, &prices));
        assert!(idle(false) <= 3.0, "{}", idle(false));
        assert!(idle(true) <= 1.0, "{}", idle(true));
        assert!((sum(&idle::per_month(true, true, &prices)) - idle(true) - 3.0).abs() < 1e-9);
    }

    #[test]
    fn a_search_through_more_ads_costs_in_proportion() {
        let (counts, prices) = (Counts::counted(), Prices::listed());
        let cost = |ads| {
            let (lines, seconds) = search::retro_match(ads, Architecture::Arm64, &counts, &prices);
            (sum(&lines), seconds)
        };
        let ((few, few_s), (many, many_s)) = (cost(1e6), cost(1e8));
        assert!((many / few - 100.0).abs() < 1e-6 && (many_s / few_s - 100.0).abs() < 1e-6);
    }
}
