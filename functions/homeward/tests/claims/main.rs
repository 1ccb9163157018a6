//! The command line and the deployment, claim by claim, by the built program.

mod command_line;
mod deployment;
mod doctor;
mod generated_client;
mod serving;
