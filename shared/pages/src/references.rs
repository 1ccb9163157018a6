//! Photos: added, withdrawn, erased; and the leads of one that matched too much.

use askama::Template;

use crate::shell::Shell;

/// Add a photo.
#[derive(Template, Debug)]
#[template(path = "add.html")]
pub struct AddPage {
    /// The frame.
    pub shell: Shell,
    /// The name of the text that says what went wrong.
    pub problem: Option<&'static str>,
    /// The case's number, as far as it is known.
    pub case: String,
    /// The unit's usual legal basis.
    pub basis: String,
    /// When it ends if no date is given.
    pub until_hint: String,
}

/// Withdraw or erase.
#[derive(Template, Debug)]
#[template(path = "end.html")]
pub struct EndPage {
    /// The frame.
    pub shell: Shell,
    /// The reference.
    pub reference: String,
    /// The case's number.
    pub case: String,
    /// Leads that go with it.
    pub leads: u64,
    /// The name of the text that says what went wrong.
    pub problem: Option<&'static str>,
    /// The two ways.
    pub ways: [EndWay; 2],
}

/// A way to end a search.
#[derive(Debug)]
pub struct EndWay {
    /// In addresses.
    pub code: &'static str,
    /// The name of its text.
    pub title: &'static str,
    /// The name of the text that says what it does.
    pub what: &'static str,
}

/// An erasure and its receipt.
#[derive(Template, Debug)]
#[template(path = "erasure.html")]
pub struct ErasurePage {
    /// The frame.
    pub shell: Shell,
    /// The erasure's id.
    pub id: String,
    /// The receipt, as JSON.
    pub receipt: Option<String>,
}

/// The held leads of a reference.
#[derive(Template, Debug)]
#[template(path = "held.html")]
pub struct HeldPage {
    /// The frame.
    pub shell: Shell,
    /// The reference.
    pub reference: String,
    /// The case's number.
    pub case: String,
    /// The name of the text that says what went wrong.
    pub problem: Option<&'static str>,
    /// Whether the person may release them.
    pub may_release: bool,
    /// The leads.
    pub rows: Vec<HeldRow>,
}

/// A held lead.
#[derive(Debug)]
pub struct HeldRow {
    /// Its id.
    pub id: String,
    /// What must not have changed when it is judged.
    pub version: String,
    /// What was done to the photo.
    pub edit: String,
    /// When it was found.
    pub when: String,
}
