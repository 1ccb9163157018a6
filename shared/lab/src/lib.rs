//! Edited copies of photos, what of them is found, and pictures that show why: for benchmarks and the
//! demonstration, which is why nothing here runs in the cloud.
#![forbid(unsafe_code)]

pub mod drawing;
pub mod edited_ads;
pub mod match_picture;
pub mod recall;

mod rng;
