//! What the proofs share: the checkout, the peers' Python, the real programs as processes that
//! never outlive their test, a Lambda Runtime API, and a case system that receives alerts.
#![allow(clippy::unwrap_used)] // a proof that cannot be set up is a failed proof

pub mod api;
pub mod backend;
pub mod browser;
pub mod checkout;
pub mod cloud;
pub mod deployment;
pub mod events;
pub mod follower;
pub mod invocations;
pub mod leads;
pub mod odds;
pub mod process;
pub mod receiver;
pub mod runtime_api;
pub mod sim;
pub mod sources;
pub mod uploader;
pub mod wire;
pub mod world;
