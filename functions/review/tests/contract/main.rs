//! The HTTP contract, held on the whole router with the store on the embedded servers.

#![cfg_attr(test, allow(clippy::unwrap_used, missing_docs))]
#![allow(
    clippy::disallowed_methods,
    reason = "tests of real servers meet the real clock"
)]

mod world;

mod alerts;
mod audit;
mod erasures;
mod lanes;
mod leads;
mod logs;
mod openapi;
mod pages;
mod people;
mod problems;
mod references;
mod roles;
mod tenants;
mod uploads;
mod webhooks;
