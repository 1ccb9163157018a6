//! Alerts leave the house here.
pub mod address;
pub mod resolver;
pub mod schedule;
pub mod send;
pub mod signature;
pub mod target;
