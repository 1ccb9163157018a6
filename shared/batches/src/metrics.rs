//! What became of a batch, as CloudWatch reads it out of a log line: how many were done and how many
//! come again. Two numbers and the function's name, and nothing about a person.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>
#![allow(
    clippy::disallowed_methods,
    reason = "a metric names its function and its time"
)]

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

/// Whether a deployment wants them: each metric costs 30 cents a month.
const WANTED: &str = "HOMEWARD_METRICS";

/// Says it, if it is wanted.
pub(crate) fn batch(done: usize, failed: usize) {
    say(&[("Done", done), ("Failed", failed)]);
}

/// Counts objects that lie where no program looks, if that is wanted.
pub fn orphans(count: usize) {
    say(&[("Strays", count)]);
}

/// Counts a stored thing that was found damaged or lost, if that is wanted.
pub fn damage() {
    say(&[("Damages", 1)]);
}

fn say(counts: &[(&str, usize)]) {
    if std::env::var(WANTED).is_ok_and(|wanted| wanted == "true") {
        let function = std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default();
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let line = line(&function, now.unwrap_or_default().as_millis(), counts);
        let _closed = writeln!(std::io::stderr().lock(), "{line}"); // as for any other log line
    }
}

fn line(function: &str, now_ms: u128, counts: &[(&str, usize)]) -> String {
    let metric = |(name, _): &(&str, usize)| json!({"Name": name, "Unit": "Count"});
    let metrics = json!({
        "Namespace": "Homeward",
        "Dimensions": [["Function"]],
        "Metrics": counts.iter().map(metric).collect::<Vec<_>>(),
    });
    let now_ms = u64::try_from(now_ms).unwrap_or(u64::MAX);
    let about = json!({"Timestamp": now_ms, "CloudWatchMetrics": [metrics]});
    let mut line = json!({"_aws": about, "Function": function});
    for (name, count) in counts {
        line[*name] = json!(count);
    }
    line.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTS: [(&str, usize); 2] = [("Done", 9), ("Failed", 1)];

    #[test]
    fn a_line_has_what_the_format_asks_for_and_nothing_else() {
        let line: serde_json::Value =
            serde_json::from_str(&line("homeward-dev-ingest", 1_767_225_600_000, &COUNTS))
                .expect("JSON");
        let about = &line["_aws"]["CloudWatchMetrics"][0];
        for metric in about["Metrics"].as_array().expect("metrics") {
            let name = metric["Name"].as_str().expect("a name");
            assert!(line[name].is_u64(), "{name} has a value at the root");
        }
        for dimension in about["Dimensions"][0].as_array().expect("dimensions") {
            let name = dimension.as_str().expect("a name");
            assert!(line[name].is_string(), "{name} has a value at the root");
        }
        assert_eq!(line["_aws"]["Timestamp"], 1_767_225_600_000_u64);
        assert_eq!(line.as_object().expect("an object").len(), 4);
    }
}
