//! The log of the system on a laptop: short lines on stderr.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Warnings and worse, or what `RUST_LOG` asks for; what logs whole requests stays quiet.
pub fn log_to_stderr() {
    let asked = std::env::var("RUST_LOG").unwrap_or_else(|_| "warn".to_owned());
    let filter = EnvFilter::new(format!("{asked},{}", embedded::QUIET));
    // Set already in a test that starts several systems: then that one serves.
    let _already_set = tracing_subscriber::fmt()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .with_env_filter(filter)
        .try_init();
}
