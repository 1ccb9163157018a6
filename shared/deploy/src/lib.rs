//! What must hold before and after a deployment, what one costs, and what is done to one that runs.
#![forbid(unsafe_code)]

pub mod costs;
pub mod doctor;
pub mod signed;
pub mod stage;
