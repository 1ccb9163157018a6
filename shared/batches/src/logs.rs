//! Where a program's log goes: JSON lines on stderr, at the level that `RUST_LOG` says.

use tracing_subscriber::EnvFilter;

/// Sends logs to stderr as JSON lines, at `RUST_LOG` or `info`. Our own crates log ids, counts,
/// sizes, durations and reason codes only; the SDK's are kept at `warn`, since below that they
/// print requests.
pub fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,aws_config=warn,aws_smithy_runtime=warn"));
    tracing_subscriber::fmt()
        .json()
        .with_writer(std::io::stderr)
        .with_env_filter(filter)
        .init();
}
