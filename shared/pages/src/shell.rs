//! What all pages have around them.

use crate::assets;
use crate::words::{Language, Words};

/// The frame of a page.
#[derive(Clone, Debug)]
pub struct Shell {
    /// The reader's words.
    pub words: Words,
    /// The page's own path, to which a change of language comes back.
    pub path: String,
    /// Which entry of the main navigation the page belongs to; empty for none.
    pub here: &'static str,
    /// Who is signed in.
    pub signed: Option<Signed>,
    /// Whether the browser is to ask once more from here, so that it sends its cookie: it came by a link of
    /// another site.
    pub again: bool,
}

/// A person who is signed in.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The unit.
    pub unit: String,
    /// The person's name.
    pub person: String,
    /// Leads that wait for a person.
    pub waiting: u64,
    /// What every form sends back.
    pub form_token: String,
    /// Whether it sees leads.
    pub may_review: bool,
    /// Whether it reads the audit log.
    pub may_audit: bool,
}

impl Shell {
    /// The attribute of the link to the page's own part.
    pub(crate) fn current(&self, here: &str) -> &'static str {
        if self.here == here {
            " aria-current=\"page\""
        } else {
            ""
        }
    }

    /// The hidden field that proves that a form is one of ours. The token is hexadecimal digits.
    pub(crate) fn token(&self) -> String {
        let token = self.signed.as_ref().map_or("", |it| &it.form_token);
        let hex: String = token.chars().filter(char::is_ascii_hexdigit).collect();
        format!("<input type=\"hidden\" name=\"form_token\" value=\"{hex}\">")
    }

    pub(crate) fn languages(&self) -> [Language; 4] {
        Language::ALL
    }

    pub(crate) fn style(&self) -> String {
        assets::address("pages.css")
    }

    pub(crate) fn script(&self) -> String {
        assets::address("pages.js")
    }

    pub(crate) fn icon(&self) -> String {
        assets::address("icon.svg")
    }
}
