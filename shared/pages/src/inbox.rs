//! The inbox: the leads that wait for a person.

use askama::Template;

use crate::lead::Judged;
use crate::shell::Shell;

/// The inbox.
#[derive(Template, Debug)]
#[template(path = "inbox.html")]
pub struct InboxPage {
    /// The frame.
    pub shell: Shell,
    /// What was decided a moment ago.
    pub judged: Option<Judged>,
    /// Whether the person has no name of its own yet.
    pub asks_name: bool,
    /// Leads that wait for a person.
    pub waiting: u64,
    /// How long the oldest has waited.
    pub oldest: Option<String>,
    /// The oldest.
    pub first: Option<String>,
    /// The tabs.
    pub tabs: Vec<Tab>,
    /// The code of the tab that is open.
    pub tab: &'static str,
    /// How sure.
    pub levels: Vec<Choice>,
    /// When found.
    pub found: Vec<Choice>,
    /// In which order.
    pub orders: Vec<Choice>,
    /// The leads, by case.
    pub groups: Vec<Group>,
    /// The name of the text where there are none.
    pub empty: &'static str,
    /// Photos that are searched for.
    pub searched: u64,
    /// Leads on this page.
    pub shown: usize,
    /// Leads of this tab and filter.
    pub of: usize,
    /// Which of how many.
    pub pager: String,
    /// The address of the next page.
    pub next: Option<String>,
    /// References whose leads are held.
    pub helds: Vec<Held>,
    /// Searches of past ads under way.
    pub searches: Vec<Search>,
}

/// A tab.
#[derive(Debug)]
pub struct Tab {
    /// In addresses.
    pub code: &'static str,
    /// The name of its text.
    pub word: &'static str,
    /// Its leads.
    pub count: u64,
    /// Whether it is open.
    pub is_here: bool,
}

/// An option of a filter.
#[derive(Debug)]
pub struct Choice {
    /// In addresses.
    pub code: &'static str,
    /// The name of its text.
    pub word: &'static str,
    /// Whether it is chosen.
    pub is_here: bool,
}

/// The leads of one case.
#[derive(Debug)]
pub struct Group {
    /// The case's number.
    pub case: String,
    /// A reference of it, which stands for the case in addresses.
    pub reference: String,
    /// Whether there is a photo to be shown.
    pub has_photo: bool,
    /// Its leads.
    pub rows: Vec<Row>,
}

/// A lead in the list.
#[derive(Debug)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// What was done to the photo.
    pub edit: String,
    /// How often it was seen and when.
    pub seen: String,
    /// Where.
    pub places: Option<String>,
    /// Whether a list of hashes claims it.
    pub is_claimed: bool,
    /// Whether it was sure enough to alert.
    pub is_alert: bool,
    /// The name of another person who looks at it now.
    pub other: Option<String>,
    /// Since when it waits, or when it was found.
    pub waits: String,
}

/// A reference whose leads are held.
#[derive(Debug)]
pub struct Held {
    /// The case's number.
    pub case: String,
    /// The reference.
    pub reference: String,
    /// How many leads.
    pub leads: u64,
}

/// A search of past ads.
#[derive(Debug)]
pub struct Search {
    /// The case's number.
    pub case: String,
    /// Ads compared.
    pub done: u64,
    /// Ads in all.
    pub total: u64,
}
