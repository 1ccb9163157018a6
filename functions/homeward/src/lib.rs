//! The command line of Homeward.
//!
//! One verb, one file, in [`commands`]. Data goes to stdout, talk to stderr, and an error ends in
//! what to do next.
#![forbid(unsafe_code)]

pub mod commands;
pub mod demo;
