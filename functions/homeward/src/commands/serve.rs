//! `homeward serve`: the whole system on one machine.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use store::CompactionRule;
use tokio::signal::unix::{SignalKind, signal};

use console::outcome::{ExitStatus, Failure, Result};
use console::terminal::print;
use embedded::TlsFiles;
use laptop::{Laptop, LogFormat, Public, Settings};

/// Run the whole system on this machine: S3, DynamoDB, the HTTP API, and every program behind them
///
/// Data lives in one folder and survives a crash. Once the system accepts work, one line of JSON
/// on stdout says where it listens; the first one of a folder also shows its keys and tokens, which
/// 'homeward env' prints afterwards. It recognises the same photo again, never
/// a face. SIGTERM or Ctrl-C finishes what is in flight.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Folder that keeps all data; made if it is not there
    #[arg(long, value_name = "DIR", default_value = "homeward-data")]
    data: PathBuf,
    /// First of three loopback ports (API, S3, DynamoDB); 0 takes any that are free
    /// [default: 8750, or any if that is taken]
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// Remove ads this many days after their upload; without it they are kept
    #[arg(long, value_name = "DAYS")]
    keep_ads: Option<u32>,
    /// Answer requests under this name too, not only 127.0.0.1 and localhost (for a reverse proxy or
    /// a tunnel that has one); `name`, or `name:port`; may be repeated
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,
    /// Serve other machines too, by TLS: API and pages on this address and port, S3 on the next port. DynamoDB,
    /// and what only the administrator of this machine does, stay on loopback
    #[arg(long, value_name = "ADDRESS:PORT", requires_all = ["tls_certificate", "tls_key", "name"])]
    listen: Option<SocketAddr>,
    /// The name of this machine in its certificate, by which others reach it
    #[arg(long, value_name = "NAME", requires = "listen")]
    name: Option<String>,
    /// Its certificate with the chain, PEM; read again when it was renewed
    #[arg(long, value_name = "FILE", requires = "listen")]
    tls_certificate: Option<PathBuf>,
    /// The certificate's private key, PEM
    #[arg(long, value_name = "FILE", requires = "listen")]
    tls_key: Option<PathBuf>,
    /// Move ads, and changes of references, from the database into segments once so many lie there;
    /// fewer take less memory while it is done
    #[arg(long, value_name = "N", default_value_t = CompactionRule::default().tail_ads_min)]
    compact_at: usize,
    /// What the log on stderr looks like: counts for a person every few seconds, or a JSON line an event.
    /// RUST_LOG asks for other events
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    log_format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

const EXAMPLES: &str = "Examples:
  homeward serve --data homeward-data
  homeward serve --data homeward-data --port 9000 --keep-ads 30
  homeward serve --data homeward-data --listen 0.0.0.0:443 --name photos.police.example \\
      --tls-certificate fullchain.pem --tls-key privkey.pem

In another shell, its addresses, keys and tokens:
  eval \"$(homeward env --data homeward-data)\"
Upload with any S3 client:
  aws --endpoint-url $S3 s3 cp photo.jpg s3://homeward-references/references/unit/case-1/photo.jpg
  aws --endpoint-url $S3 s3 cp ad.jpg s3://homeward-ads/ads/uploader/ad.jpg
See leads:
  curl -H \"Authorization: Bearer $UNIT_TOKEN\" $API/v1/leads";

/// Runs until it is told to stop.
///
/// # Errors
/// A folder or ports that are taken, or a part that failed.
pub fn run(arguments: &Arguments) -> Result {
    laptop::log_system(match arguments.log_format {
        Format::Text => LogFormat::Text,
        Format::Json => LogFormat::Json,
    });
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(serve(arguments))
}

async fn serve(arguments: &Arguments) -> Result {
    let days = |days: u32| Duration::from_secs(u64::from(days) * 86_400);
    let usual = CompactionRule::default();
    let settings = Settings {
        port: arguments.port,
        allowed_hosts: arguments.allow_host.clone(),
        public: public(arguments)?,
        ads_kept: arguments.keep_ads.map(days),
        compaction: CompactionRule {
            tail_ads_min: arguments.compact_at.max(1),
            log_entries_min: usual.log_entries_min.min(arguments.compact_at.max(1)),
            ..usual
        },
        ..Settings::default()
    };
    let (mut interrupted, mut terminated) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    let mut laptop = Laptop::start(&arguments.data, settings)
        .await
        .map_err(failure)?;
    writeln!(std::io::stdout().lock(), "{}", laptop.ready())?;
    print(format_args!(
        "Homeward is ready: {} (Ctrl-C stops it)",
        laptop.ports.api
    ));
    if let Some(public) = &laptop.ports.public {
        print(format_args!("Other machines reach it at {}", public.api));
    }
    print(format_args!(
        "To see leads and decide, open this link (once, within ten minutes): {}",
        laptop.open
    ));
    let failed = tokio::select! {
        _ = interrupted.recv() => None,
        _ = terminated.recv() => None,
        error = laptop.failure() => Some(error),
    };
    print("finishing what is in flight ...");
    let stopped = laptop.stop().await;
    match failed {
        Some(error) => Err(Failure::ours(error)),
        None => Ok(stopped.map(|()| ExitStatus::Done)?),
    }
}

/// Where other machines come in, if they may.
fn public(arguments: &Arguments) -> Result<Option<Public>> {
    let files = (&arguments.tls_certificate, &arguments.tls_key);
    let (Some(listen), Some(name)) = (arguments.listen, &arguments.name) else {
        return Ok(None);
    };
    let (Some(certificate), Some(key)) = files else {
        return Ok(None);
    };
    let tls = TlsFiles::read(certificate, key).map_err(|fault| {
        Failure::input(
            fault,
            "give --tls-certificate and --tls-key a pair of PEM files that this user may read",
        )
    })?;
    Ok(Some(Public {
        listen,
        name: name.to_ascii_lowercase(),
        tls,
    }))
}

/// Whose fault it is that the system does not start.
fn failure(error: anyhow::Error) -> Failure {
    match error.downcast_ref::<embedded::Error>() {
        Some(embedded::Error::FolderTaken(_)) => Failure::input(
            error,
            "another homeward runs on this folder; stop it, or give --data another folder",
        ),
        Some(embedded::Error::NoDataFolder(_)) => Failure::usage(
            error,
            "give --data an empty folder, or one that does not exist yet",
        ),
        Some(embedded::Error::FolderNewer { .. }) => Failure::input(
            error,
            "use the newer version of homeward that wrote this folder",
        ),
        _ if error.downcast_ref::<std::io::Error>().is_some_and(is_taken) => Failure::usage(
            format_args!("{error:#}"),
            "give --port (or --listen) another number, or 0 for any free ports",
        ),
        _ => Failure::ours(error),
    }
}

fn is_taken(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::AddrInUse | std::io::ErrorKind::PermissionDenied
    )
}
