//! How a command ends: the exit code, and what a person is told.

use std::fmt;
use std::process::ExitCode;

/// What a command answers.
pub type Result<T = ExitStatus> = std::result::Result<T, Failure>;

/// A command that did its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// All of it: exit code 0.
    Done,
    /// All that could be done; some of the input was at fault and has been named: exit code 1.
    SomeInputRefused,
}

/// Whose fault it was: the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The input's: exit code 1.
    Input,
    /// The command line's: exit code 2, as for any wrong argument.
    Usage,
    /// Ours, or the machine's: exit code 3.
    Ours,
}

/// A command that could not do its work.
#[derive(Debug)]
pub struct Failure {
    /// Whose fault it was.
    pub fault: FailureKind,
    /// What happened, the cause first.
    pub cause: anyhow::Error,
    /// What to do next.
    pub hint: Option<String>,
}

impl Failure {
    /// The input is at fault, and `hint` says what to do about it.
    pub fn input(cause: impl fmt::Display, hint: impl Into<String>) -> Self {
        Self::of(FailureKind::Input, anyhow::anyhow!("{cause}")).hint(hint)
    }

    /// The command line is at fault, and `hint` says what to do about it.
    pub fn usage(cause: impl fmt::Display, hint: impl Into<String>) -> Self {
        Self::of(FailureKind::Usage, anyhow::anyhow!("{cause}")).hint(hint)
    }

    /// We are at fault, or the machine is.
    pub fn ours(cause: impl Into<anyhow::Error>) -> Self {
        Self::of(FailureKind::Ours, cause.into())
    }

    /// With the next step.
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    fn of(fault: FailureKind, cause: anyhow::Error) -> Self {
        Self {
            fault,
            cause,
            hint: None,
        }
    }

    /// The reader of our output has gone, as `head` does when it has enough.
    pub fn is_closed_pipe(&self) -> bool {
        let closed = |io: &std::io::Error| io.kind() == std::io::ErrorKind::BrokenPipe;
        self.cause.downcast_ref().is_some_and(closed)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(cause: anyhow::Error) -> Self {
        Self::ours(cause)
    }
}

impl From<std::io::Error> for Failure {
    fn from(cause: std::io::Error) -> Self {
        Self::ours(cause)
    }
}

/// The exit code of a command that ended or panicked; a failure is told on stderr first.
pub fn exit_code(end: std::thread::Result<Result>) -> ExitCode {
    let failure = match end {
        Ok(Ok(ExitStatus::Done)) => return ExitCode::SUCCESS,
        Ok(Ok(ExitStatus::SomeInputRefused)) => return ExitCode::from(1),
        Ok(Err(failure)) if failure.is_closed_pipe() => return ExitCode::SUCCESS,
        Ok(Err(failure)) => failure,
        Err(_) => return ExitCode::from(3),
    };
    crate::terminal::print(format_args!("error: {:#}", failure.cause));
    if let Some(hint) = &failure.hint {
        crate::terminal::print(format_args!("hint: {hint}"));
    }
    ExitCode::from(match failure.fault {
        FailureKind::Input => 1,
        FailureKind::Usage => 2,
        FailureKind::Ours => 3,
    })
}
