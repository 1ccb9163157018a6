//! Where a program's log goes, and what may stand in it at all.
#![allow(clippy::disallowed_methods, reason = "a setting says what is logged")]

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt, Targets, filter_fn};
use tracing_subscriber::layer::{Filter, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// Our own crates: they log ids, counts, sizes, durations and reason codes only, at every level.
const OURS: [&str; 17] = [
    "alert",
    "batches",
    "bundles",
    "embedded",
    "enroll",
    "evidence",
    "fingerprint",
    "homeward",
    "ingest",
    "intake",
    "lookup",
    "matching",
    "photo",
    "review",
    "segments",
    "store",
    "upkeep",
];

/// Its spans carry the id of the call that a line is of.
const RUNTIME: &str = "lambda_runtime";

/// These print keys, forms and whole requests even with their errors.
const SILENT: [&str; 2] = ["dynoxide", "s3s"];

/// Sends logs to stderr as JSON lines, at `RUST_LOG` or `info`, as far as [`allowed`].
pub fn log_to_stderr() {
    let lines = fmt::layer().json().with_writer(std::io::stderr);
    tracing_subscriber::registry()
        .with(lines.with_filter(allowed("info")))
        .init();
}

/// What `RUST_LOG` asks for, or `usual` if it asks for nothing, and nothing of what others' crates log
/// below a warning, whatever it asks for: that is requests, with the keys, hashes, secrets and
/// addresses in them. Levels and levels of crates can be asked for; by spans and their fields it would
/// take an engine of regular expressions.
pub fn allowed<S>(usual: &str) -> impl Filter<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let asked = std::env::var("RUST_LOG").ok();
    let asked = asked.and_then(|asked| asked.parse::<Targets>().ok());
    let asked = asked.or_else(|| usual.parse().ok()).unwrap_or_default();
    asked.and(filter_fn(may_be_logged))
}

fn may_be_logged(line: &Metadata<'_>) -> bool {
    let whose = line.target().split("::").next().unwrap_or_default();
    let level = *line.level();
    match whose {
        whose if OURS.contains(&whose) => true,
        whose if SILENT.contains(&whose) => false,
        RUNTIME => level <= Level::INFO,
        _ => level <= Level::WARN,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("no panic").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn only_our_own_lines_are_logged_at_trace() {
        let lines = Lines::default();
        let writer = lines.clone();
        let layer = fmt::layer().with_writer(move || writer.clone());
        let asked = "trace,aws_smithy_runtime=trace,hyper_util::client=trace";
        let asked: Targets = asked.parse().expect("directives");
        let filter = asked.and(filter_fn(may_be_logged));
        let subscriber = tracing_subscriber::registry().with(layer.with_filter(filter));
        tracing::subscriber::with_default(subscriber, || {
            tracing::trace!(target: "store::leads", "ours");
            tracing::trace!(target: "aws_smithy_runtime::client", "secret");
            tracing::debug!(target: "hyper_util::client::legacy", "secret");
            tracing::debug!(target: "reqwest::connect", "secret");
            tracing::debug!(target: "rustls::client", "secret");
            tracing::trace!(target: "aws_sdk_dynamodb::operation", "secret");
            tracing::debug!(target: "lambda_runtime::api", "secret");
            tracing::error!(target: "s3s::ops", "secret");
            tracing::error!(target: "dynoxide", "secret");
            tracing::trace!(target: "storefront", "secret");
            tracing::info!(target: "lambda_runtime::layers", "the call");
            tracing::warn!(target: "aws_config", "no region");
        });
        let bytes = lines.0.lock().expect("no panic").clone();
        let text = String::from_utf8(bytes).expect("UTF-8");
        assert!(!text.contains("secret"), "{text}");
        for expected in ["ours", "the call", "no region"] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
    }
}
