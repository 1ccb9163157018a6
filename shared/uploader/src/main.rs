//! `homeward-upload`: the uploader's part of `homeward` as a program of its own.

use std::process::ExitCode;

use clap::Parser;

/// The command line.
#[derive(Parser)]
#[command(name = "homeward-upload", version, max_term_width = 100)]
struct Upload {
    #[command(flatten)]
    arguments: uploader::Arguments,
}

fn main() -> ExitCode {
    photo::sandbox::init();
    let upload = Upload::parse();
    // A panic is our fault; the default hook has already said where.
    console::outcome::exit_code(std::panic::catch_unwind(|| {
        uploader::run(&upload.arguments)
    }))
}
