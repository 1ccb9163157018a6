//! The command line of Homeward, and the host of its programs on a laptop.
//!
//! One verb, one file, in [`commands`]. Data goes to stdout, talk to stderr, and an error ends in
//! what to do next.
#![forbid(unsafe_code)]

pub mod commands;

mod rng;

pub mod costs;
pub mod demo;
pub mod doctor;
pub mod folder;
pub mod image_file;
pub mod laptop;
pub mod match_picture;
pub mod outcome;
pub mod parallel;
pub mod recall;
pub mod terminal;
