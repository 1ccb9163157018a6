//! Where a deployment is, and what opens it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use console::outcome::{Failure, Result};
use records::Token;
use reqwest::Url;

/// Which deployment, and by whose token.
#[derive(Args, Clone, Debug)]
pub struct DeploymentArguments {
    /// Address of the deployment's API
    #[arg(long, value_name = "URL")]
    pub(crate) to: String,
    /// File that holds the token; without it HOMEWARD_TOKEN does
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

const TO_HINT: &str = "--to is the address of the API, e.g. https://homeward.example; \
                       plain http only for this machine";

/// The address as a base of paths, and a client for it: no redirects, no proxy for this machine.
///
/// # Errors
/// An address that is none, or over which a token would travel unprotected.
pub fn http_client(to: &str) -> Result<(Url, reqwest::Client)> {
    let api = Url::parse(&format!("{}/", to.trim_end_matches('/')))
        .map_err(|_| Failure::usage("--to is not a URL", TO_HINT))?;
    let host = api.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_loopback = host
        .parse::<std::net::IpAddr>()
        .is_ok_and(|ip| ip.is_loopback());
    let is_here = host == "localhost" || is_loopback;
    if api.scheme() != "https" && !(api.scheme() == "http" && is_here) {
        return Err(Failure::usage(
            "--to is not https: the token could be read on its way",
            TO_HINT,
        ));
    }
    let client = reqwest::Client::builder()
        .user_agent(concat!("homeward/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(Duration::from_secs(120));
    let client = if is_here { client.no_proxy() } else { client };
    let client = client.build();
    let client = client.map_err(|error| Failure::ours(error.without_url()))?;
    Ok((api, client))
}

/// The token of a file, or of the environment. It is never shown: not in an error either.
///
/// # Errors
/// There is none, or it is not one.
pub fn token(file: Option<&Path>) -> Result<Token> {
    let text = match file {
        Some(file) => std::fs::read_to_string(file)
            .map_err(|error| Failure::input(format_args!("the token file: {error}"), TOKEN_HINT))?,
        None => std::env::var("HOMEWARD_TOKEN")
            .map_err(|_| Failure::usage("there is no token", TOKEN_HINT))?,
    };
    Token::parse(text.trim()).map_err(|malformed| Failure::input(malformed, TOKEN_HINT))
}

const TOKEN_HINT: &str = "put the token into HOMEWARD_TOKEN, or into a file for --token-file";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_travels_by_https_or_within_this_machine() {
        for to in [
            "https://homeward.example",
            "http://127.0.0.1:8750",
            "http://[::1]:1/",
        ] {
            let (api, _) = http_client(to).expect(to);
            assert!(api.as_str().ends_with('/'), "{api}");
        }
        for to in [
            "http://homeward.example",
            "http://127.0.0.1.example",
            "ftp://localhost",
            "homeward",
        ] {
            assert!(http_client(to).is_err(), "{to}");
        }
    }
}
