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
/// What such a run takes, in gigabyte seconds: 20 ms with a quarter of a gigabyte.
const TIMER_GB_SECONDS: f64 = 0.005;
/// Bytes of log of such a run, the platform's three lines among them.
const TIMER_LOG_BYTES: f64 = 500.0;

/// Metrics that alarms look at: three queues in one alarm, and one each; `Small` keeps the first two.
/// Tests hold these against the template.
pub const ALARM_METRICS: f64 = 11.0;
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
        + million(TIMER_RUNS, "dynamodb_read_unit")
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
