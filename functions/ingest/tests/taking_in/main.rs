//! Bundles and lists of hashes, on the embedded servers: every member ends as an upload of its own.
#![allow(clippy::unwrap_used, missing_docs)]

mod bundles;
mod hashes;
mod pictures;
mod quotas;
mod world;
