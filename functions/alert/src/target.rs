//! The address that a unit gave for its messages, checked as far as a text can be checked.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

/// The longest URL taken, in bytes; the length that servers commonly accept in a request line.
const URL_BYTES_MAX: usize = 2_048;

/// Ports from which on no well-known service listens (RFC 6335, user ports).
const USER_PORT_MIN: u16 = 1_024;

/// A URL that a message may be posted to, if the address behind it is permitted as well.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    url: Url,
    plain: bool,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Target([redacted])")
    }
}

/// Why a URL is no target; the unit has to give another one.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum UrlRefused {
    /// Not a URL with a host, or a longer one than is taken.
    #[error("not a url")]
    NotAUrl,
    /// Neither `https` nor `http`.
    #[error("the scheme is not https")]
    Scheme,
    /// A user name or a password would be stored and sent in clear.
    #[error("the url holds credentials")]
    Credentials,
    /// A port of some other well-known service.
    #[error("the port is neither 443, 80 nor above 1023")]
    Port,
}

impl Target {
    /// Reads a URL by the rules of browsers, so that every spelling of a host (`2130706433`,
    /// `0x7f.1`, full-width digits, a trailing dot) becomes the one address it stands for.
    ///
    /// # Errors
    /// Says what about the URL is not accepted; the URL itself is not repeated.
    pub fn parse(text: &str) -> Result<Self, UrlRefused> {
        if text.len() > URL_BYTES_MAX {
            return Err(UrlRefused::NotAUrl);
        }
        let mut url = Url::parse(text).map_err(|_| UrlRefused::NotAUrl)?;
        let plain = match url.scheme() {
            "https" => false,
            "http" => true,
            _ => return Err(UrlRefused::Scheme),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlRefused::Credentials);
        }
        let port = url.port_or_known_default().ok_or(UrlRefused::NotAUrl)?;
        if !matches!(port, 80 | 443) && port < USER_PORT_MIN {
            return Err(UrlRefused::Port);
        }
        url.set_fragment(None);
        Ok(Self { url, plain })
    }

    /// The URL to post to, without its fragment.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// True for `http`: a message would travel readable.
    pub fn is_plain(&self) -> bool {
        self.plain
    }

    /// The address itself where the host is one and no name server will be asked.
    pub fn literal(&self) -> Option<IpAddr> {
        match self.url.host()? {
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
            Host::Domain(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(url: &str) -> Option<IpAddr> {
        Target::parse(url).expect("a target").literal()
    }

    #[test]
    fn every_spelling_of_an_address_is_that_address() {
        let rows = [
            "http://127.0.0.1/",
            "http://127.0.0.1./",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0x7F.1/",
            "http://017700000001/",
            "http://0177.0.0.1/",
            "http://127.1/",
            "http://127.0.1/",
            "http://127%2e0.0.1/",
            "http://%31%32%37.0.0.1/",
            "http://１２７.０.０.１/",
            "http://127。0。0。1/",
            "http:127.0.0.1/",
            "http:\\\\127.0.0.1\\",
            "  http://127.0.0.1/\t",
            "http://127.0.0.1:80/",
        ];
        for row in rows {
            assert_eq!(literal(row), Some([127, 0, 0, 1].into()), "{row}");
        }
        for row in [
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]:8080/hook",
        ] {
            let address = "::ffff:127.0.0.1".parse().expect("an address");
            assert_eq!(literal(row), Some(address), "{row}");
        }
    }

    #[test]
    fn a_name_is_left_to_the_resolver() {
        for row in [
            "https://localhost/",
            "https://LOCALHOST./",
            "https://127.0.0.1.example/",
        ] {
            assert_eq!(literal(row), None, "{row}");
        }
    }

    #[test]
    fn what_is_no_target_is_refused_with_its_reason() {
        let long = format!("https://case.example/{}", "a".repeat(URL_BYTES_MAX));
        let rows = [
            ("", UrlRefused::NotAUrl),
            ("case.example/hook", UrlRefused::NotAUrl),
            ("https://", UrlRefused::NotAUrl),
            ("https://[::1", UrlRefused::NotAUrl),
            ("https://1.2.3.4.5.256/", UrlRefused::NotAUrl),
            ("https://[fe80::1%25eth0]/", UrlRefused::NotAUrl),
            (long.as_str(), UrlRefused::NotAUrl),
            ("ftp://case.example/", UrlRefused::Scheme),
            ("file:///etc/passwd", UrlRefused::Scheme),
            ("gopher://case.example/", UrlRefused::Scheme),
            ("javascript:alert(1)", UrlRefused::Scheme),
            ("https://user@case.example/", UrlRefused::Credentials),
            ("https://user:secret@case.example/", UrlRefused::Credentials),
            ("https://:secret@case.example/", UrlRefused::Credentials),
            ("https://case.example:0/", UrlRefused::Port),
            ("https://case.example:22/", UrlRefused::Port),
            ("http://case.example:25/", UrlRefused::Port),
            ("https://case.example:65536/", UrlRefused::NotAUrl),
        ];
        for (row, reason) in rows {
            assert_eq!(Target::parse(row), Err(reason), "{row}");
        }
    }

    #[test]
    fn ordinary_targets_are_taken() {
        for row in [
            "https://case.example/hook?unit=7",
            "https://case.example:8443/",
        ] {
            assert!(
                Target::parse(row).is_ok_and(|target| !target.is_plain()),
                "{row}"
            );
        }
        assert!(Target::parse("http://127.0.0.1:40000/").is_ok_and(|target| target.is_plain()));
    }

    #[test]
    fn a_target_prints_as_redacted() {
        let target = Target::parse("https://case.example/secret-path").expect("a target");
        assert_eq!(format!("{target:?}"), "Target([redacted])");
    }
}
