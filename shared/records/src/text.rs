//! Text from outside, checked once.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A value from outside that breaks its type's rule. Says which rule, never the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed {what}: {rule}")]
pub struct Malformed {
    /// What was being read, e.g. `case id`.
    pub what: &'static str,
    /// The rule that the value breaks.
    pub rule: &'static str,
}

/// The text form that every checked value shares: `FromStr`, `Display`, and `serde` as a string.
/// The type brings `parse` and `as_str`; whether `Debug` shows the value is the caller's word.
macro_rules! text_form {
    ($type:ident, redacted) => {
        $crate::text::text_form!($type);
        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("[redacted]")
            }
        }
    };
    ($type:ident, shown) => {
        $crate::text::text_form!($type);
        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str().as_ref())
            }
        }
    };
    ($type:ident) => {
        impl std::str::FromStr for $type {
            type Err = $crate::text::Malformed;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }
        impl TryFrom<String> for $type {
            type Error = $crate::text::Malformed;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text)
            }
        }
        impl From<$type> for String {
            fn from(value: $type) -> String {
                value.as_str().to_string()
            }
        }
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str().as_ref())
            }
        }
    };
}
pub(crate) use text_form;

/// One line of free text: an ad's id, a place, a legal basis. 1 to 256 characters, none of them
/// control characters, no white space at either end.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Label(String);

impl Label {
    /// The longest label, in characters. Ids of the large ad libraries have under 40; places and
    /// legal bases are a line that a person reads.
    pub const CHARS_MAX: usize = 256;

    /// Reads a label; white space around it is dropped.
    ///
    /// # Errors
    /// [`Malformed`] if nothing is left, it is too long, or it holds a control character.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let malformed = |rule| Malformed { what: "text", rule };
        let text = text.trim();
        if text.is_empty() {
            return Err(malformed("it is empty"));
        }
        if text.chars().nth(Self::CHARS_MAX).is_some() {
            return Err(malformed("it has more than 256 characters"));
        }
        if text.chars().any(char::is_control) {
            return Err(malformed("it holds a control character"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_form!(Label, redacted);

/// The address of a page where an ad was seen: `http` or `https`, at most 2,048 bytes. It is shown
/// as a link to people, so no other scheme is let in.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SourceUrl(String);

impl SourceUrl {
    /// The longest address, in bytes: what browsers and proxies carry without cutting, and what
    /// S3's 2 KB of user metadata can hold at most.
    pub const BYTES_MAX: usize = 2048;

    /// Reads an address and keeps it as it was written.
    ///
    /// # Errors
    /// [`Malformed`] if it is too long, no URL, or of another scheme than `http` and `https`.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let text = text.trim();
        checked_url(text, "source url")?;
        Ok(Self(text.to_owned()))
    }

    /// The address as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_form!(SourceUrl, redacted);

/// Parses an `http` or `https` address of at most [`SourceUrl::BYTES_MAX`] bytes.
pub(crate) fn checked_url(text: &str, what: &'static str) -> Result<url::Url, Malformed> {
    let malformed = |rule| Malformed { what, rule };
    if text.len() > SourceUrl::BYTES_MAX {
        return Err(malformed("it has more than 2048 bytes"));
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(malformed("it holds white space or a control character"));
    }
    let url = url::Url::parse(text).map_err(|_| malformed("it is not a url"))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        _ => Err(malformed("its scheme is neither http nor https")),
    }
}

/// Writes `[redacted]`, for types with no text form.
pub(crate) fn redacted(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("[redacted]")
}
