//! Which names a port answers to.
//!
//! A page that the user has open may send requests here: by a name of its own that it points at this
//! machine (DNS rebinding), or across origins. Its browser says so in `Host` and `Origin`.

use std::net::SocketAddr;

use bytes::Bytes;
use http::uri::Authority;
use http::{HeaderMap, Request, Response, StatusCode, header};
use s3s::Body;
use tokio::net::TcpListener;

use super::Arriving;

/// The names by which every machine calls itself; browsers never ask a name server for them.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

/// Behind which a bucket's name may stand in front of one.
const BELOW_LOOPBACK: &str = ".localhost";

/// The host names of a port.
#[derive(Clone, Debug)]
pub struct AllowedHosts {
    port: u16,
    /// Names that were allowed, in lower case, with a port or for any.
    allowed: Vec<String>,
}

/// Why a request was refused by its host or origin.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Disallowed {
    /// Under a name that is not ours.
    Host,
    /// From a page that is not ours.
    Origin,
}

impl AllowedHosts {
    /// The loopback names with the port that is listened on.
    ///
    /// # Errors
    /// A listener that has no address.
    pub fn of(listener: &TcpListener) -> std::io::Result<Self> {
        Ok(Self::at(listener.local_addr()?))
    }

    fn at(address: SocketAddr) -> Self {
        Self {
            port: address.port(),
            allowed: Vec::new(),
        }
    }

    /// These names too: `name` for any port, or `name:port`.
    #[must_use]
    pub fn allow(mut self, names: &[String]) -> Self {
        let names = names.iter().map(|name| name.to_ascii_lowercase());
        self.allowed.extend(names);
        self
    }

    /// Loopback names are always this machine's, whatever the port: it is another where an SSH tunnel or a proxy
    /// on this machine stands before ours.
    fn is_ours(&self, authority: &str) -> bool {
        let authority = authority.to_ascii_lowercase();
        let Ok(parsed) = authority.parse::<Authority>() else {
            return false;
        };
        if authority.contains('@') {
            return false;
        }
        let host = parsed.host();
        let is_loopback = LOOPBACK.contains(&host) || host.ends_with(BELOW_LOOPBACK);
        let mut allowed = self.allowed.iter();
        is_loopback || allowed.any(|name| *name == host || *name == authority)
    }

    /// Whether a request came under an allowed name.
    pub(super) fn check(&self, request: &Request<Arriving>) -> Result<(), Disallowed> {
        self.check_head(request.uri().authority(), request.headers())
    }

    fn check_head(
        &self,
        authority: Option<&Authority>,
        headers: &HeaderMap,
    ) -> Result<(), Disallowed> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (host, no_other) = (hosts.next(), hosts.next().is_none());
        let host = host.and_then(|host| host.to_str().ok());
        let named = [authority.map(Authority::as_str), host];
        let ours = named.into_iter().flatten().all(|name| self.is_ours(name));
        if !(ours && no_other && host.is_some()) {
            return Err(Disallowed::Host);
        }
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let is_ours = |origin| self.is_our_page(origin, host.unwrap_or_default());
        match origins.all(|origin| origin.to_str().is_ok_and(is_ours)) {
            true => Ok(()),
            false => Err(Disallowed::Origin),
        }
    }

    /// A page that came from where this request goes, or from this very port under another of our names.
    fn is_our_page(&self, origin: &str, host: &str) -> bool {
        let authority = origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"));
        let has_port = |authority: &str| {
            let port = authority.rsplit_once(':').map(|(_, port)| port);
            port == Some(self.port.to_string().as_str())
        };
        authority.is_some_and(|authority| {
            let named = self.allowed.iter().any(|name| name == authority);
            named || authority == host || has_port(authority) && self.is_ours(authority)
        })
    }
}

impl Disallowed {
    /// One answer for all ports: it tells who configures something what to do, and a page nothing.
    pub(super) fn answer(&self) -> Response<Body> {
        let text = match self {
            Self::Host => {
                "this name is not served here; use 127.0.0.1 or localhost and the port \
                           that the ready line names, or allow the name with --allow-host\n"
            }
            Self::Origin => "requests of other sites' pages are not served here\n",
        };
        let mut response = Response::new(Body::from(Bytes::from_static(text.as_bytes())));
        *response.status_mut() = StatusCode::FORBIDDEN;
        let plain = http::HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, plain);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: &str, origin: Option<&str>, expected: Result<(), Disallowed>) {
        let hosts = AllowedHosts::at(([127, 0, 0, 1], 8750).into());
        let hosts = hosts.allow(&["house.example".to_owned(), "box:9000".to_owned()]);
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().expect("a header"));
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().expect("a header"));
        }
        assert_eq!(
            hosts.check_head(None, &headers),
            expected,
            "{host} {origin:?}"
        );
    }

    #[test]
    fn a_port_answers_to_loopback_names_and_to_those_that_were_allowed() {
        for host in [
            "127.0.0.1:8750",
            "127.0.0.1:9000", // through a tunnel
            "localhost:8750",
            "LOCALHOST",
            "[::1]:8750",
            "127.0.0.1",
        ] {
            check(host, None, Ok(()));
        }
        for host in [
            "ads.localhost:8750",
            "house.example",
            "house.example:81",
            "box:9000",
        ] {
            check(host, None, Ok(()));
        }
    }

    #[test]
    fn a_name_that_was_pointed_here_is_refused() {
        for host in ["x", "page.example:8750", "localhost.page.example:8750"] {
            check(host, None, Err(Disallowed::Host));
        }
        for host in [
            "box:9001",
            "127.0.0.2:8750",
            "localhost@page.example",
            "",
            "notlocalhost",
        ] {
            check(host, None, Err(Disallowed::Host));
        }
    }

    #[test]
    fn only_a_page_of_this_port_may_ask() {
        check("127.0.0.1:8750", Some("http://127.0.0.1:8750"), Ok(()));
        check("127.0.0.1:8750", Some("http://localhost:8750"), Ok(()));
        check("localhost:9000", Some("http://localhost:9000"), Ok(()));
        for origin in [
            "http://page.example",
            "null",
            "http://127.0.0.1:3000",
            "http://localhost",
        ] {
            check("127.0.0.1:8750", Some(origin), Err(Disallowed::Origin));
        }
    }

    #[test]
    fn a_request_without_a_name_or_with_two_is_refused() {
        let hosts = AllowedHosts::at(([127, 0, 0, 1], 8750).into());
        let mut headers = HeaderMap::new();
        assert_eq!(hosts.check_head(None, &headers), Err(Disallowed::Host));
        headers.append(header::HOST, "localhost".parse().expect("a header"));
        headers.append(header::HOST, "localhost".parse().expect("a header"));
        assert_eq!(hosts.check_head(None, &headers), Err(Disallowed::Host));
    }
}
