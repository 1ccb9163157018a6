//! The person's own page, help, and pages that say one thing.

use askama::Template;

use crate::shell::Shell;

/// The person's own settings.
#[derive(Template, Debug)]
#[template(path = "me.html")]
pub struct MePage {
    /// The frame.
    pub shell: Shell,
    /// Whether something was saved a moment ago.
    pub is_saved: bool,
    /// The name of the text that says what went wrong.
    pub problem: Option<&'static str>,
    /// The person's name.
    pub name: String,
    /// Whether the unit asks for two opinions; none if the person may not set it.
    pub second_opinion: Option<bool>,
    /// The names of the texts of what it may do.
    pub roles: Vec<&'static str>,
}

/// Help.
#[derive(Template, Debug)]
#[template(path = "help.html")]
pub struct HelpPage {
    /// The frame.
    pub shell: Shell,
    /// Names of texts: a heading and what it says.
    pub parts: Vec<(&'static str, &'static str)>,
}

/// One thing to say: an error, or something that is not there.
#[derive(Template, Debug)]
#[template(path = "message.html")]
pub struct MessagePage {
    /// The frame.
    pub shell: Shell,
    /// The name of the text of the heading.
    pub title: &'static str,
    /// The name of the text of what to do.
    pub what: &'static str,
}
