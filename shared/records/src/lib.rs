//! Every shape that Homeward stores or sends, parsed once at the edge.
//!
//! The only crate that derives `serde`. Pure: no async, I/O, clock or logging. Types that hold a
//! hash, a key, a URL or a case number print as `[redacted]`.

pub mod fingerprint;
pub mod strict;
