//! A real `homeward serve` for tests of what speaks to one.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// A running `homeward serve`, which ends with its test.
pub struct Serve(Child);

impl Drop for Serve {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Starts it on any free ports; what it says when it is ready.
pub fn serve(data: &Path) -> (Serve, Value) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_homeward"))
        .args(["serve", "--port", "0", "--data"])
        .arg(data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    (Serve(child), serde_json::from_str(&line).unwrap())
}
