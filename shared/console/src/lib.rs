//! What every command of ours shares: how it ends, what it says at the terminal, and how it reads files and
//! folders of this machine. Links no server and no AWS SDK.
#![forbid(unsafe_code)]

pub mod folder;
pub mod image_file;
pub mod outcome;
pub mod parallel;
pub mod terminal;
