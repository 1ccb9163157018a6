//! What a deployment costs in a month in which nothing happens.

use super::Line;
use super::prices::Prices;

/// Requests with which Lambda asks an empty queue: five pollers, each waiting 20 seconds.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html>
const QUEUE_REQUESTS: f64 = 2.0 * 5.0 * 3.0 * 60.0 * 24.0 * 30.4;

/// Runs of timers a day: one each minute, two every five, four each hour, one every six hours.
/// Tests hold this against the template.
pub const TIMER_RUNS_A_DAY: f64 = 1_440.0 + 2.0 * 288.0 + 4.0 * 24.0 + 4.0;
const TIMER_RUNS: f64 = TIMER_RUNS_A_DAY * 30.4;
/// Reads of a run: of the tenants, who are few. Every five minutes one run looks also at what
/// the references' log, of 16 partitions, has behind its snapshot, and at the record of that.
const TIMER_READS: f64 = TIMER_RUNS + 288.0 * 30.4 * 17.0;
/// What such a run takes, in gigabyte seconds: 20 ms with a quarter of a gigabyte.
const TIMER_GB_SECONDS: f64 = 0.005;
/// Bytes of log of such a run, the platform's three lines among them.
const TIMER_LOG_BYTES: f64 = 500.0;

/// Metrics that alarms look at: three queues in one alarm, and one each; `Small` keeps the first two.
/// Tests hold these against the template.
pub const ALARM_METRICS: f64 = 14.0;
/// See [`ALARM_METRICS`].
pub const ALARM_METRICS_SMALL: f64 = 4.0;

/// Line by line.
pub fn per_month(small: bool, dashboard: bool, prices: &Prices) -> Vec<Line> {
    let line = |what, dollars: f64| Line { what, dollars };
    let key = if small {
        0.0
    } else {
        prices.per_month("kms_key")
    };
    let metrics = if small {
        ALARM_METRICS_SMALL
    } else {
        ALARM_METRICS
    };
    let million = |count: f64, unit: &str| count / 1e6 * prices.per_million(unit);
    let timers = million(TIMER_RUNS, "lambda_request")
        + million(TIMER_RUNS * TIMER_GB_SECONDS, "lambda_gb_second_x86_64")
        + million(TIMER_READS, "dynamodb_read_unit")
        + TIMER_RUNS * TIMER_LOG_BYTES / 1e9 * prices.per_gb_of_log();
    let board = if dashboard {
        prices.per_month("dashboard")
    } else {
        0.0
    };
    vec![
        line("KMS key", key),
        line("alarms", metrics * prices.per_month("alarm_metric")),
        line(
            "SQS: asking empty queues",
            million(QUEUE_REQUESTS, "sqs_request"),
        ),
        line("timers", timers),
        line("dashboard", board),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::costs::sum;

    /// A cell of the table of infra/README.md, by its line's name; the first column is 1.
    fn documented(line: &str, column: usize) -> String {
        let readme = include_str!("../../../../infra/README.md");
        let start = format!("| {line} |");
        let row = readme.lines().find(|row| row.starts_with(&start)).unwrap();
        row.split('|').nth(column + 1).unwrap().trim().to_owned()
    }

    #[test]
    fn the_document_says_what_the_program_reckons() {
        for (small, column) in [(false, 1), (true, 2)] {
            let lines = per_month(small, false, &Prices::listed());
            for (line, name) in lines.iter().zip(["KMS key", "alarms", "SQS", "timers"]) {
                let reckoned = match line.dollars {
                    0.0 => "\u{2013}".to_owned(),
                    dollars => format!("{dollars:.2}"),
                };
                assert_eq!(documented(name, column), reckoned, "{name}");
            }
            let reckoned = format!("**{:.2}**", sum(&lines));
            assert_eq!(documented("**sum**", column), reckoned);
        }
    }
}
