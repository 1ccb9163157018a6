//! The audit log, for who checks on the unit's work.

use askama::Template;

use crate::shell::Shell;

/// A page of the log.
#[derive(Template, Debug)]
#[template(path = "log.html")]
pub struct LogPage {
    /// The frame.
    pub shell: Shell,
    /// Whether the log is unbroken.
    pub is_whole: bool,
    /// What the check found, in words.
    pub checked: String,
    /// The entries, newest first.
    pub rows: Vec<LogRow>,
    /// The number before which older entries stand.
    pub before: Option<u64>,
}

/// An entry.
#[derive(Debug)]
pub struct LogRow {
    /// Its number.
    pub seq: u64,
    /// When.
    pub when: String,
    /// Who, by name or role.
    pub who: String,
    /// The name of the text of what was done.
    pub did: String,
    /// To which id, and what of it.
    pub of: String,
}
