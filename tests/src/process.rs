//! Real programs as child processes that never outlive their test.
#![allow(
    clippy::disallowed_methods,
    reason = "real processes meet the real clock"
)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A child process, killed when dropped.
pub struct Process(Child);

impl Process {
    /// Starts the command.
    pub fn start(command: &mut Command) -> Self {
        Self(
            command
                .spawn()
                .unwrap_or_else(|e| panic!("{command:?}: {e}")),
        )
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(&mut self) {
        let _gone_already = self.0.kill();
        self.0.wait().unwrap();
    }

    /// SIGTERM, and the exit code within `patience`.
    pub fn terminate(&mut self, patience: Duration) -> Option<i32> {
        Command::new("kill")
            .arg(self.0.id().to_string())
            .status()
            .unwrap();
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the process ignored SIGTERM for {patience:?}");
    }

    /// Whether it still runs.
    pub fn alive(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    /// Its standard output, once; the command must have piped it.
    pub fn stdout(&mut self) -> ChildStdout {
        self.0.stdout.take().unwrap()
    }

    /// Its standard input, once; the command must have piped it.
    pub fn stdin(&mut self) -> ChildStdin {
        self.0.stdin.take().unwrap()
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A running `homeward serve` and what its ready line says.
pub struct Serve {
    /// The process.
    pub process: Process,
    /// The ready line, with the secrets that only the first one of a folder shows: `s3`, `dynamodb`,
    /// `api`, buckets, credentials, tokens.
    pub ready: Value,
    /// The ready line as it was printed.
    pub line: Value,
}

impl Serve {
    /// Starts `homeward serve` on a data folder and waits until it accepts work.
    pub fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    /// The same with further arguments; stderr is appended to `serve.log` next to the folder.
    pub fn start_with(data: &Path, arguments: &[&str]) -> Self {
        Self::start_as(data, arguments, &[])
    }

    /// The same with environment variables.
    pub fn start_as(data: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(data.with_extension("log"))
            .unwrap();
        let mut command = Command::new(crate::checkout::program("homeward"));
        command.arg("serve").arg("--data").arg(data).args(arguments);
        command
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(log)
            .stdin(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let process = Process(child);
        let line: Value = serde_json::from_str(&line).unwrap_or_else(|_| {
            let log = std::fs::read_to_string(data.with_extension("log")).unwrap_or_default();
            panic!("serve printed {line:?} instead of its ready line; its log: {log}")
        });
        assert_eq!(line["event"], "ready");
        let credentials = std::fs::read_to_string(line["credentials"].as_str().unwrap()).unwrap();
        Self {
            process,
            ready: serde_json::from_str(&credentials).unwrap(),
            line,
        }
    }

    /// A text of the ready line.
    pub fn text(&self, name: &str) -> &str {
        self.ready[name]
            .as_str()
            .unwrap_or_else(|| panic!("the ready line has no {name}"))
    }

    /// The bearer token of `unit`, `uploader` or `admin`.
    pub fn token(&self, role: &str) -> &str {
        self.ready["tokens"][role]
            .as_str()
            .expect("a token per role")
    }
}
