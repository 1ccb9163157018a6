//! `homeward completions`: what a shell needs to complete our commands.

use std::io::Write;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::commands::Homeward;
use console::outcome::{ExitStatus, Result};

/// Print the completion script for a shell
#[derive(Args)]
#[command(after_help = "Examples:
  homeward completions bash > ~/.local/share/bash-completion/completions/homeward
  homeward completions zsh > ~/.zfunc/_homeward
  homeward completions fish > ~/.config/fish/completions/homeward.fish")]
pub struct Arguments {
    /// The shell
    shell: Shell,
}

/// Prints the script.
///
/// # Errors
/// When stdout cannot be written.
pub fn run(arguments: &Arguments) -> Result {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Homeward::command(),
        "homeward",
        &mut script,
    );
    std::io::stdout().lock().write_all(&script)?;
    Ok(ExitStatus::Done)
}
