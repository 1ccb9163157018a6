//! Proofs with real sockets: what leaves, where it may go, and what every kind of receiver does
//! to it.
#![allow(missing_docs)]
#![allow(
    clippy::disallowed_methods,
    reason = "tests of real servers meet the real clock"
)]

mod addresses;
mod delivering;
mod isolation;
mod receiver;
mod sending;
mod verifiers;
mod world;
