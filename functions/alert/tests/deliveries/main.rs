//! Proofs with real sockets: what leaves, where it may go, and what every kind of receiver does
//! to it.
#![allow(missing_docs)]

mod addresses;
mod delivering;
mod isolation;
mod receiver;
mod sending;
mod verifiers;
mod world;
