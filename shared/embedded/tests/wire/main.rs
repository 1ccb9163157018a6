//! The services over their wire protocols, by clients that we did not write: the AWS SDK for Rust,
//! in process and over ports, and boto3. One binary, because each links the SDK again.

#![allow(clippy::unwrap_used, missing_docs)]
#![allow(
    clippy::disallowed_methods,
    reason = "tests of real servers meet the real clock"
)]

mod boto3;
mod conditions;
mod dynamodb;
mod events;
mod kill;
mod listings;
mod multipart;
mod objects;
mod pairs;
mod ports;
mod queues;
mod services;
mod streams;
