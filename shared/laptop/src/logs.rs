//! The log of the system on a laptop: on stderr, for a person or for a program.

mod summary;

use std::io::IsTerminal;

use tracing::Subscriber;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// What the log of a system looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for a person: every few seconds what happened, counted; warnings as they come.
    #[default]
    Text,
    /// A JSON line for each event.
    Json,
}

/// Warnings and worse, or what `RUST_LOG` asks for, as far as [`batches::allowed`].
pub fn log_to_stderr() {
    // Set already in a test that starts several systems: then that one serves.
    let _already_set = tracing_subscriber::registry().with(warnings()).try_init();
}

/// The log of a system that runs: [`log_to_stderr`] with what happens in between, as the format says.
pub fn log_system(format: LogFormat) {
    if format == LogFormat::Json {
        return batches::log_to_stderr();
    }
    let lines = tracing_subscriber::registry().with(warnings());
    let _already_set = lines.with(summary::layer()).try_init();
}

fn warnings<S>() -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let lines = fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    lines.with_filter(batches::allowed("warn"))
}
