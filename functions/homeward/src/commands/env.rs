//! `homeward env`: where a laptop's system listens, and what opens it, for a shell.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use console::outcome::{ExitStatus, Failure, Result};
use console::terminal::print;
use laptop::credentials;

/// Print addresses, keys and tokens of 'homeward serve' as shell variables
///
/// Without --tenant it prints all that there is: S3, API, the administrator's key pair, which opens
/// both buckets, as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and UNIT_TOKEN, UPLOADER_TOKEN and
/// ADMIN_TOKEN. With --tenant it prints what that tenant may be given: a key pair that reaches its own
/// objects and nothing else.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The data folder of `homeward serve`
    #[arg(long, value_name = "DIR", default_value = "homeward-data")]
    data: PathBuf,
    /// Print this tenant's key pair, which is made if it has none; the system must be running
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// Revoke that key pair instead: it opens nothing any more
    #[arg(long, requires = "tenant")]
    revoke: bool,
    /// Print JSON instead of shell lines
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  eval \"$(homeward env --data homeward-data)\"
  homeward env --data homeward-data --json | jq -r .tokens.unit
  homeward env --data homeward-data --tenant uploader > for-the-uploader.sh
  homeward env --data homeward-data --tenant uploader --revoke";

/// Variables by what they are called in the credentials.
const ADDRESSES: &[(&str, &str)] = &[
    ("S3", "s3"),
    ("API", "api"),
    ("ADS_BUCKET", "ads_bucket"),
    ("REFERENCES_BUCKET", "references_bucket"),
    // The AWS command line and SDKs read these.
    ("AWS_ENDPOINT_URL_S3", "s3"),
    ("AWS_REGION", "region"),
    ("AWS_DEFAULT_REGION", "region"),
    ("AWS_ACCESS_KEY_ID", "access_key_id"),
    ("AWS_SECRET_ACCESS_KEY", "secret_access_key"),
];
const TOKENS: &[(&str, &str)] = &[
    ("UNIT_TOKEN", "unit"),
    ("UPLOADER_TOKEN", "uploader"),
    ("ADMIN_TOKEN", "admin"),
];

/// Prints them.
///
/// # Errors
/// A folder that was never started on, a tenant that there is none of, or a system that does not run.
pub fn run(arguments: &Arguments) -> Result {
    let kept = kept(&arguments.data)?;
    let Some(tenant) = &arguments.tenant else {
        return print_values(&kept, arguments.json);
    };
    let runtime = tokio::runtime::Runtime::new()?;
    if arguments.revoke {
        let ask = laptop::ask_for_revocation(&arguments.data, tenant);
        runtime.block_on(ask).map_err(not_running)?;
        print(format_args!(
            "the key pair of {tenant} opens nothing any more"
        ));
        return Ok(ExitStatus::Done);
    }
    let ask = laptop::ask_for_key_pair(&arguments.data, tenant);
    let pair = runtime.block_on(ask).map_err(not_running)?;
    let pair = pair.ok_or_else(|| {
        Failure::input(
            format_args!("there is no tenant {tenant}"),
            "make it by POST /v1/tenants",
        )
    })?;
    print_values(&held(&kept, tenant, &pair), arguments.json)
}

fn kept(data: &Path) -> Result<Value> {
    let kept = credentials::kept(data).map_err(|error| {
        Failure::input(
            format_args!("{error:#}"),
            "restore the file from a copy, or remove it: the next start of homeward serve draws others",
        )
    })?;
    kept.ok_or_else(|| {
        Failure::input(
            format_args!("{} holds no credentials", data.display()),
            "give --data the folder that homeward serve uses, and start that once",
        )
    })
}

fn not_running(error: anyhow::Error) -> Failure {
    Failure::input(
        format_args!("{error:#}"),
        "key pairs of tenants are asked of the running system: start homeward serve on this folder",
    )
}

/// What a tenant may be given of it all.
fn held(kept: &Value, tenant: &str, pair: &Value) -> Value {
    json!({
        "tenant": tenant,
        "s3": kept["s3"],
        "api": kept["api"],
        "ads_bucket": kept["ads_bucket"],
        "references_bucket": kept["references_bucket"],
        "region": kept["region"],
        "access_key_id": pair["access_key_id"],
        "secret_access_key": pair["secret_access_key"],
    })
}

fn print_values(values: &Value, as_json: bool) -> Result {
    let mut out = std::io::stdout().lock();
    if as_json {
        writeln!(out, "{values}")?;
    } else {
        write!(out, "{}", shell_lines(values))?;
    }
    Ok(ExitStatus::Done)
}

fn shell_lines(values: &Value) -> String {
    let addresses = ADDRESSES.iter().map(|(name, at)| (name, &values[*at]));
    let tokens = TOKENS
        .iter()
        .map(|(name, at)| (name, &values["tokens"][*at]));
    let mut lines = String::new();
    for (name, value) in addresses.chain(tokens) {
        if let Some(value) = value.as_str() {
            lines += &format!("export {name}={}\n", quoted(value));
        }
    }
    lines + "unset AWS_SESSION_TOKEN\n" // of another pair
}

/// As one word of a POSIX shell, whatever is in it.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_what_was_meant() {
        let values = json!({"s3": "http://127.0.0.1:1", "secret_access_key": "a'b $(c)\"",
            "tokens": {"unit": "hw_1"}});
        assert_eq!(
            shell_lines(&values),
            "export S3='http://127.0.0.1:1'\n\
             export AWS_ENDPOINT_URL_S3='http://127.0.0.1:1'\n\
             export AWS_SECRET_ACCESS_KEY='a'\\''b $(c)\"'\n\
             export UNIT_TOKEN='hw_1'\n\
             unset AWS_SESSION_TOKEN\n"
        );
    }
}
