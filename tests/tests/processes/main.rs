//! What is proved of the real programs as processes: `homeward serve`, and the functions under a Runtime
//! API, with peers that we did not write.
#![allow(
    clippy::disallowed_methods,
    reason = "tests of real servers meet the real clock"
)]

mod commands;
mod crash;
mod deployed;
mod disasters;
mod erasure;
mod hostile;
mod lambda;
mod laptop;
mod oracle;
mod packages;
mod pages;
mod pipeline;
mod renewal;
mod rights;
mod segments;
mod storm;
mod timing;
mod truth;
mod upload;
mod verify;
