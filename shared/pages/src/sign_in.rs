//! The page on which a person signs in, which is also the first one that a newcomer sees.

use askama::Template;

use crate::shell::Shell;

/// Sign in.
#[derive(Template, Debug)]
#[template(path = "sign_in.html")]
pub struct SignInPage {
    /// The frame.
    pub shell: Shell,
    /// The name of the text that says what went wrong.
    pub problem: Option<&'static str>,
    /// Whether the system runs on the reader's own machine, where it prints links.
    pub is_local: bool,
    /// Where to go afterwards.
    pub next: String,
}
