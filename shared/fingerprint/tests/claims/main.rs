//! What fingerprints must be, claim by claim: the peer's hashes, the committed ones, and the framings.

mod conformance;
mod drawn;
mod features;
mod framings;
mod golden;
mod pages;
