//! What the search of one new reference through all past ads costs.

use super::counts::Counts;
use super::prices::Prices;
use super::{Architecture, Line};

/// How many times less time a search takes that judges only what filed features propose, as segments of 512 ads or
/// more have them: the least of three ratios (docs/performance.md, 2026-11-30). The time that was counted is that
/// of comparing every pair.
const FILED_TIMES: f64 = 11.0;

/// Ads of the segment whose search was counted: `tests/bench/lambda_figures.rs`'s 100, 1,000 and 500.
const COUNTED_ADS: f64 = 1_600.0;
/// Ads of a segment that compaction has filled: its 64 MiB hold so many.
const SEGMENT_ADS: f64 = 4_000.0;

/// The longest that a function may run, in seconds.
pub const RUN_S_MAX: f64 = 900.0;

/// What it costs with so many ads, and how many seconds it takes.
pub fn retro_match(
    ads: f64,
    architecture: Architecture,
    counts: &Counts,
    prices: &Prices,
) -> (Vec<Line>, f64) {
    let of = |name: &str| counts.of_search(name);
    let seconds = ads * of("busy_ms_per_ad") / 1e3 / FILED_TIMES;
    // Requests are those of a part of a search, which is a segment.
    let counted = ads / SEGMENT_ADS * COUNTED_ADS;
    let reads = counted * of("read_units_per_ad");
    let time = seconds * of("memory_mib") / 1_024.0 * prices.lambda_second(architecture) / 1e6;
    let lines = vec![
        Line {
            what: "DynamoDB: reads",
            dollars: reads / 1e6 * prices.per_million("dynamodb_read_unit"),
        },
        Line {
            what: "DynamoDB: writes",
            dollars: counted * of("write_units_per_ad") / 1e6
                * prices.per_million("dynamodb_write_unit"),
        },
        Line {
            what: "S3: reads",
            dollars: counted * of("s3_gets_per_ad") / 1e6 * prices.per_million("s3_get"),
        },
        Line {
            what: "Lambda",
            dollars: time,
        },
    ];
    (lines, seconds)
}
