//! What must hold before and after a deployment, and what one costs.
#![forbid(unsafe_code)]

pub mod costs;
pub mod doctor;
