//! Cases: their photos and their leads.

use askama::Template;

use crate::shell::Shell;

/// All cases of a unit.
#[derive(Template, Debug)]
#[template(path = "cases.html")]
pub struct CasesPage {
    /// The frame.
    pub shell: Shell,
    /// Photos that are searched for.
    pub searched: u64,
    /// The cases.
    pub rows: Vec<CaseRow>,
}

/// A case in the list.
#[derive(Debug)]
pub struct CaseRow {
    /// Its number.
    pub case: String,
    /// A reference of it, which stands for it in addresses.
    pub reference: String,
    /// Its photos.
    pub photos: u64,
    /// Its leads that wait.
    pub waiting: u64,
    /// The name of the text of its state.
    pub state: &'static str,
}

/// One case.
#[derive(Template, Debug)]
#[template(path = "case.html")]
pub struct CasePage {
    /// The frame.
    pub shell: Shell,
    /// Its number.
    pub case: String,
    /// The reference by which it was asked for.
    pub reference: String,
    /// The name of the text that says what was done a moment ago.
    pub done: Option<&'static str>,
    /// Its photos.
    pub photos: Vec<CasePhoto>,
    /// Its leads.
    pub leads: Vec<CaseLead>,
}

/// A photo of a case.
#[derive(Debug)]
pub struct CasePhoto {
    /// The reference's id.
    pub id: String,
    /// Whether there is a photo to be shown.
    pub has_picture: bool,
    /// The name of the text where there is none.
    pub gone: &'static str,
    /// The name of the text of its state.
    pub state: &'static str,
    /// The name of the text of the reason.
    pub reason: Option<&'static str>,
    /// When it was added.
    pub since: String,
    /// When it ends.
    pub until: String,
    /// On what ground.
    pub basis: String,
    /// How far past ads are searched.
    pub past: Option<String>,
    /// Whether its leads are held.
    pub is_held: bool,
    /// Whether the person may withdraw it.
    pub may_end: bool,
}

/// A lead of a case.
#[derive(Debug)]
pub struct CaseLead {
    /// Its id.
    pub id: String,
    /// What was done to the photo.
    pub edit: String,
    /// When it was found.
    pub when: String,
    /// The name of the text of its state.
    pub state: &'static str,
}
