//! `homeward`: the command line. Parses, runs one command, and turns its end into an exit code.

use std::process::ExitCode;

use clap::Parser;
use console::outcome;
use homeward::commands::Homeward;

fn main() -> ExitCode {
    photo::sandbox::init();
    let arguments = Homeward::parse();
    // A panic is our fault; the default hook has already said where.
    let end = std::panic::catch_unwind(|| arguments.run());
    outcome::exit_code(end)
}
