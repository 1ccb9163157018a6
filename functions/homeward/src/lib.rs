//! The command line of Homeward, and the host of its programs on a laptop.
//!
//! One verb, one file, in [`commands`]. Data goes to stdout, talk to stderr, and an error ends in
//! what to do next.
#![forbid(unsafe_code)]

pub mod commands;

mod dice;

pub mod costs;
pub mod demo;
pub mod doctor;
pub mod explained;
pub mod folder;
pub mod laptop;
pub mod outcome;
pub mod picture_file;
pub mod recall;
pub mod side_by_side;
pub mod talk;
