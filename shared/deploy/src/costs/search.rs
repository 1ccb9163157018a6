//! What the search of one new reference through all past ads costs.

use super::counts::Counts;
use super::prices::Prices;
use super::{Architecture, Line};

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
    let seconds = ads * of("busy_ms_per_ad") / 1e3;
    let reads = ads * of("read_units_per_ad");
    let time = seconds * of("memory_mib") / 1_024.0 * prices.lambda_second(architecture) / 1e6;
    let lines = vec![
        Line {
            what: "DynamoDB: reads",
            dollars: reads / 1e6 * prices.per_million("dynamodb_read_unit"),
        },
        Line {
            what: "DynamoDB: writes",
            dollars: ads * of("write_units_per_ad") / 1e6
                * prices.per_million("dynamodb_write_unit"),
        },
        Line {
            what: "S3: reads",
            dollars: ads * of("s3_gets_per_ad") / 1e6 * prices.per_million("s3_get"),
        },
        Line {
            what: "Lambda",
            dollars: time,
        },
    ];
    (lines, seconds)
}
