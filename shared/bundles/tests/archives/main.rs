//! Archives as they come and as an enemy makes them: every member ends as its bytes or as a reason,
//! nothing panics, and nothing costs more than the limits say.

#![allow(clippy::unwrap_used, missing_docs)]

mod hostile;
mod made;
mod ordinary;
mod packed;
