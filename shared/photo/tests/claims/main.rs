//! What `photo` promises, claim by claim.
#![allow(missing_docs)]

mod drawn;
mod formats;
mod hostile;
mod jpegs;
mod orientation;
mod photos;
mod reasons;
mod thin;
