//! Bundles and lists of hashes, on the embedded servers: every member ends as an upload of its own.
#![allow(clippy::unwrap_used, missing_docs)]
#![allow(
    clippy::disallowed_methods,
    reason = "tests of real servers meet the real clock"
)]

mod bundles;
mod hashes;
mod pictures;
mod quotas;
mod rebuild;
mod world;
