//! What became of a batch, as CloudWatch reads it out of a log line: how many were done and how many
//! come again. Two numbers and the function's name, and nothing about anybody.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

/// Whether a deployment wants them: each metric costs 30 cents a month.
const WANTED: &str = "HOMEWARD_METRICS";

/// Says it, if it is wanted.
pub(crate) fn batch(done: usize, failed: usize) {
    if std::env::var(WANTED).is_ok_and(|wanted| wanted == "true") {
        let function = std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default();
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let line = line(&function, now.unwrap_or_default().as_millis(), done, failed);
        let _closed = writeln!(std::io::stderr().lock(), "{line}"); // as for any other log line
    }
}

fn line(function: &str, now_ms: u128, done: usize, failed: usize) -> String {
    let metric = |name| json!({"Name": name, "Unit": "Count"});
    let metrics = json!({
        "Namespace": "Homeward",
        "Dimensions": [["Function"]],
        "Metrics": [metric("Done"), metric("Failed")],
    });
    let now_ms = u64::try_from(now_ms).unwrap_or(u64::MAX);
    let about = json!({"Timestamp": now_ms, "CloudWatchMetrics": [metrics]});
    json!({"_aws": about, "Function": function, "Done": done, "Failed": failed}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_what_the_format_asks_for_and_nothing_else() {
        let line: serde_json::Value =
            serde_json::from_str(&line("homeward-dev-ingest", 1_767_225_600_000, 9, 1))
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
