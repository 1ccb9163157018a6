//! The month of an agency: what comes, what is kept, who is sought.

use super::counts::Counts;
use super::prices::Prices;
use super::search::retro_match;
use super::{Architecture, DAYS, Line, Way, per_million, sum};

/// What an agency does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Ads a day.
    pub images_per_day: f64,
    /// How they come.
    pub way: Way,
    /// Whether they come evenly over the day; if not, in floods that fill every batch.
    pub is_even: bool,
    /// Bytes of a photo.
    pub photo_bytes: f64,
    /// References that are searched for.
    pub references: f64,
    /// References that are submitted in a day.
    pub new_references_per_day: f64,
    /// Days for which ads are kept.
    pub kept_days: f64,
    /// Seconds for which an ad waits for others to share its batch.
    pub window_s: f64,
}

/// Milliseconds in which an ad is looked up among so many references, on one core: that at 10^4 stands in
/// docs/performance.md, the others were measured once, in November 2026, by a program that is not in this repository.
const LOOKUP_MS: [(f64, f64); 4] = [(10.0, 8.0), (1e3, 19.3), (1e4, 28.4), (1e5, 45.0)];

/// Reads with which `lookup` brings its references up to date at each run: the log's partitions, and the record of
/// the snapshot.
const READS_OF_A_RUN: f64 = 17.0;

/// Days for which S3 keeps what was removed, and packs and segments that were replaced.
const REMOVED_KEPT_DAYS: f64 = 30.0;
const SEGMENTS_KEPT_DAYS: f64 = 35.0;
/// Times that an ad's features are written within that: as a pack, and about twice into segments.
const SEGMENT_COPIES: f64 = 3.0;

/// Objects larger than this lie in a cheaper class from this day on: the template's rule `large-objects-cool-down`.
const COLD_FROM_BYTES: f64 = 1_000_000.0;
const COLD_AFTER_DAYS: f64 = 30.0;

/// Bytes of photos in one part of a bundle.
const PART_BYTES: f64 = 7.0 * 1_048_576.0;
/// Pictures in one, at most.
const PART_IMAGES: f64 = 64.0;

/// Objects of one answer of a listing, and the time that each takes to be looked at, in gigabyte seconds.
const LISTED: f64 = 1_000.0;
const GB_S_PER_OBJECT: f64 = 8e-6;

/// Reads and deletions by which an ad ends, each.
const END_REQUESTS: f64 = 2.0;

/// The bill of a month that begins after so many days, by line. What people look at, references' own storage and
/// transfer are left out: cents.
pub fn per_month(
    load: &Load,
    after_days: f64,
    architecture: Architecture,
    counts: &Counts,
    prices: &Prices,
) -> Vec<Line> {
    let month = load.images_per_day * DAYS;
    let kept_days = load.kept_days.min(after_days);
    let kept = load.images_per_day * kept_days;
    let has_ends = after_days >= load.kept_days;
    let million = |count: f64, unit: &str| count / 1e6 * prices.per_million(unit);
    let gb = |bytes: f64, service: &str| bytes / 1e9 * prices.per_gb_month(service);
    let second = prices.lambda_second(architecture);
    let tables = prices.per_gb_month("dynamodb") + prices.per_gb_month("dynamodb_recovery");
    let has_photo = load.way != Way::HashOnly;
    let lookup = counts.part(load.way, "lookup");
    let more_s = (lookup_ms(load.references) - LOOKUP_MS[0].1) / 1e3;
    let (search, _) = retro_match(kept, architecture, counts, prices);
    let lines = per_million(load.way, architecture, counts, prices);
    let line = |what, dollars: f64| Line { what, dollars };
    vec![
        line(
            "requests and functions, full batches",
            month / 1e6 * sum(&lines),
        ),
        line(
            "batches that are not full",
            month / 1e6 * of_small_batches(load, counts, prices),
        ),
        line(
            "lookup among that many references",
            month / 1e6 * more_s * lookup.memory_gb * second,
        ),
        line(
            "photos in S3",
            if has_photo {
                photos(load, kept_days, has_ends, prices)
            } else {
                0.0
            },
        ),
        line("segments", gb(kept * counts.segment_bytes(load.way), "s3")),
        line(
            "versions of segments",
            gb(
                load.images_per_day
                    * SEGMENTS_KEPT_DAYS.min(after_days)
                    * SEGMENT_COPIES
                    * counts.segment_bytes(load.way),
                "s3",
            ),
        ),
        line(
            "tables and their recovery",
            if has_photo {
                kept * counts.table_bytes() / 1e9 * tables
            } else {
                0.0
            },
        ),
        line("rounds over what is kept", {
            let objects = kept * objects_per_image(load) * DAYS;
            million(objects / LISTED, "s3_put") + objects / 1e6 * GB_S_PER_OBJECT * second
        }),
        line(
            "ends of ads",
            match has_ends && has_photo {
                true => {
                    million(month * END_REQUESTS, "dynamodb_read_unit")
                        + million(month * END_REQUESTS, "dynamodb_write_unit")
                }
                false => 0.0,
            },
        ),
        line(
            "searches of the past",
            load.new_references_per_day * DAYS * sum(&search),
        ),
    ]
}

/// Objects in the bucket for each image.
fn objects_per_image(load: &Load) -> f64 {
    match load.way {
        Way::Single => 1.0,
        Way::Bundled => (load.photo_bytes / PART_BYTES).max(1.0 / PART_IMAGES),
        Way::HashOnly => 0.001,
    }
}

/// What a million images cost more where few stand in a batch: a pack, its item, its starts and requests, and the reads
/// of a lookup are shared by few.
fn of_small_batches(load: &Load, counts: &Counts, prices: &Prices) -> f64 {
    if !load.is_even || load.way != Way::Single {
        return 0.0; // a bundle is a batch of its own
    }
    let in_full = counts.messages_per_batch();
    let in_window = load.images_per_day / 86_400.0 * load.window_s;
    let share = 1.0 / in_window.clamp(1.0, in_full) - 1.0 / in_full;
    let price = |unit: &str| prices.per_million(unit);
    let of_a_batch = 2.0 * price("sqs_request")
        + 2.0 * price("lambda_request")
        + price("s3_put")
        + 2.0 * price("s3_get")
        + 2.0 * price("dynamodb_write_unit")
        + READS_OF_A_RUN * price("dynamodb_read_unit");
    share * of_a_batch
}

/// Photos that are kept, and for a month those that were removed.
fn photos(load: &Load, kept_days: f64, has_ends: bool, prices: &Prices) -> f64 {
    let object_bytes = load.photo_bytes / objects_per_image(load);
    let cools = object_bytes > COLD_FROM_BYTES;
    let warm_days = if cools {
        kept_days.min(COLD_AFTER_DAYS)
    } else {
        kept_days
    };
    let removed_days = if has_ends { REMOVED_KEPT_DAYS } else { 0.0 };
    let a_day_gb = load.images_per_day * load.photo_bytes / 1e9;
    let cold_days = kept_days - warm_days + if cools { removed_days } else { 0.0 };
    let warm_days = warm_days + if cools { 0.0 } else { removed_days };
    let moved = if cools {
        load.images_per_day * objects_per_image(load) * DAYS
    } else {
        0.0
    };
    a_day_gb * (warm_days * prices.per_gb_month("s3") + cold_days * prices.per_gb_month("s3_cold"))
        + moved / 1e6 * prices.per_million("s3_to_cold")
}

/// Between what was measured, in proportion to the logarithm; before and behind as the nearest.
fn lookup_ms(references: f64) -> f64 {
    let at = references.max(1.0).log10();
    let pairs = LOOKUP_MS.iter().zip(LOOKUP_MS.iter().skip(1));
    let mut of_pairs = pairs.filter_map(|((few, few_ms), (many, many_ms))| {
        let (from, to) = (few.log10(), many.log10());
        (from..=to)
            .contains(&at)
            .then(|| few_ms + (at - from) / (to - from) * (many_ms - few_ms))
    });
    let outside = if references < LOOKUP_MS[0].0 {
        LOOKUP_MS[0].1
    } else {
        LOOKUP_MS[3].1
    };
    of_pairs.next().unwrap_or(outside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::costs::idle;

    /// An agency with a thousand references, as `infra/README.md` has it.
    fn agency(images_per_day: f64, way: Way) -> Load {
        Load {
            images_per_day,
            way,
            is_even: true,
            photo_bytes: 150e3,
            references: 1e3,
            new_references_per_day: 10.0,
            kept_days: 365.0,
            window_s: 5.0,
        }
    }

    fn bill(load: &Load, after_days: f64) -> Vec<Line> {
        let (counts, prices) = (Counts::counted(), Prices::listed());
        per_month(load, after_days, Architecture::Arm64, &counts, &prices)
    }

    #[test]
    fn the_document_says_what_the_program_reckons() {
        let readme = include_str!("../../../../infra/README.md");
        let idle = sum(&idle::per_month(false, false, &Prices::listed()));
        for (way, name) in [(Way::Single, "single"), (Way::Bundled, "bundled")] {
            for images_per_day in [5e3, 1e5] {
                let load = agency(images_per_day, way);
                let month = |after_days| format!("{:.0}", idle + sum(&bill(&load, after_days)));
                let row = format!(
                    "| {images_per_day:.0} a day, {name} | {} | {} | {} |",
                    month(0.0),
                    month(365.0),
                    month(3.0 * 365.0)
                );
                assert!(readme.lines().any(|line| line == row), "no such row: {row}");
            }
        }
    }

    #[test]
    fn what_is_kept_costs_more_and_more_until_it_ends() {
        let load = agency(1e5, Way::Single);
        let sums = [0.0, 180.0, 365.0, 730.0].map(|days| sum(&bill(&load, days)));
        assert!(sums[0] < sums[1] && sums[1] < sums[2], "{sums:?}");
        assert_eq!(sums[2], sums[3], "by then as many end as come");
    }

    #[test]
    fn floods_bundles_hashes_and_fewer_references_cost_less() {
        let single = agency(1e5, Way::Single);
        let of = |load: Load| sum(&bill(&load, 365.0));
        let cheaper = [
            Load {
                is_even: false,
                ..single
            },
            Load {
                way: Way::Bundled,
                ..single
            },
            Load {
                way: Way::HashOnly,
                ..single
            },
            Load {
                references: 10.0,
                ..single
            },
            Load {
                new_references_per_day: 0.0,
                ..single
            },
            Load {
                kept_days: 90.0,
                ..single
            },
        ];
        for load in cheaper {
            assert!(of(load) < of(single), "{load:?}");
        }
        let none = Load {
            images_per_day: 0.0,
            new_references_per_day: 0.0,
            ..single
        };
        assert_eq!(of(none), 0.0);
    }

    #[test]
    fn a_lookup_takes_what_was_measured_and_between_that_what_lies_between() {
        for (references, ms) in LOOKUP_MS {
            assert!((lookup_ms(references) - ms).abs() < 1e-9);
        }
        assert_eq!((lookup_ms(0.0), lookup_ms(1e7)), (8.0, 45.0));
        let between = lookup_ms(100.0);
        assert!((between - 13.65).abs() < 1e-9, "{between}");
    }
}
