//! Names to addresses, with the addresses that are not permitted left out.
//!
//! This is the step between a name and its socket: what it hands on is connected to, and nothing
//! asks a name server a second time. A name that changes between two answers gains nothing.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::address::Networks;

/// The most addresses of one name that are tried.
const ADDRESSES_MAX: usize = 8;

/// The addresses of a name, once they are known.
pub type Found = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Asks a name server.
pub type ResolveName = Arc<dyn Fn(String) -> Found + Send + Sync>;

/// Asks the machine's own resolver.
pub fn system() -> ResolveName {
    Arc::new(|host| {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    })
}

/// A name has addresses, and none of them is permitted.
#[derive(Debug, thiserror::Error)]
#[error("no permitted address")]
pub struct NotPermitted;

/// A resolver that answers with permitted addresses only.
pub struct PermittedResolver {
    /// What is permitted.
    pub networks: Networks,
    /// Whether the messages travel without TLS.
    pub plain: bool,
    /// Who is asked.
    pub lookup: ResolveName,
}

impl Resolve for PermittedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let found = (self.lookup)(name.as_str().to_owned());
        let (networks, plain) = (self.networks.clone(), self.plain);
        Box::pin(async move {
            let mut addresses = found.await?;
            addresses.retain(|address| networks.permit(*address, plain));
            addresses.truncate(ADDRESSES_MAX);
            if addresses.is_empty() {
                return Err(NotPermitted.into());
            }
            // Port 0 stands for the port of the URL.
            let sockets = addresses
                .into_iter()
                .map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(sockets) as Addrs)
        })
    }
}
