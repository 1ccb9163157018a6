//! The log of the system on a laptop: short lines on stderr.

use std::io::IsTerminal;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// Warnings and worse, or what `RUST_LOG` asks for, as far as [`batches::allowed`].
pub fn log_to_stderr() {
    let lines = fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // Set already in a test that starts several systems: then that one serves.
    let _already_set = tracing_subscriber::registry()
        .with(lines.with_filter(batches::allowed("warn")))
        .try_init();
}
