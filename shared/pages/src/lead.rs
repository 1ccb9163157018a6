//! One lead: the photo, the same place of the ad, and the question whether they are the same photo.

use askama::Template;

use crate::shell::Shell;

/// The page of a lead.
#[derive(Template, Debug)]
#[template(path = "lead.html")]
pub struct LeadPage {
    /// The frame.
    pub shell: Shell,
    /// Its id.
    pub id: String,
    /// The case's number.
    pub case: String,
    /// The reference.
    pub reference: String,
    /// What must not have changed when the person judges.
    pub version: String,
    /// Which of how many.
    pub place: String,
    /// The lead before in the list.
    pub before: Option<String>,
    /// The one after.
    pub next: Option<String>,
    /// What was decided a moment ago on another lead.
    pub judged: Option<Judged>,
    /// The name of the text that says what went wrong.
    pub problem: Option<&'static str>,
    /// What was done to the photo.
    pub edit: String,
    /// On which frame or page of the ad's file, in words; none if it has only one.
    pub found_on: Option<String>,
    /// How often it was seen.
    pub seen: String,
    /// Whether it was sure enough to alert.
    pub is_alert: bool,
    /// Whether it is held for review.
    pub is_held: bool,
    /// The name of another person who looks at it now.
    pub other: Option<String>,
    /// The name of the text that says that one of two opinions is given.
    pub opinion: Option<&'static str>,
    /// The verdict as it stands.
    pub verdict: Option<VerdictLine>,
    /// Whether it came up again after it was dismissed.
    pub is_reopened: bool,
    /// Whether there is a reference photo to be shown.
    pub has_photo: bool,
    /// Whether there is a picture of the ad.
    pub has_picture: bool,
    /// The name of the text that says why there is none.
    pub gone: Option<&'static str>,
    /// Whether it is known where in the ad the photo lies.
    pub has_place: bool,
    /// Whether the whole ad is shown.
    pub is_whole: bool,
    /// `wide`, `high` or `square`: the form of the reference.
    pub frame: &'static str,
    /// The reference's size, in words.
    pub size: String,
    /// The corners of the photo in the ad, in thousandths: `x,y x,y ...`.
    pub outline: Option<String>,
    /// The name of the text that says how it matched.
    pub method: &'static str,
    /// The distance, in words.
    pub distance: String,
    /// The name of the text that says where the fingerprint comes from.
    pub evidence: &'static str,
    /// Where it was seen.
    pub sightings: Vec<SightingRow>,
    /// What was done with it.
    pub history: Vec<HistoryRow>,
    /// The hash of the ad's file, in groups.
    pub ad_sha256: String,
    /// The hash of the photo's file.
    pub photo_sha256: Option<String>,
    /// When it was found.
    pub found_at: String,
    /// The policy's version.
    pub policy: String,
    /// Whether a verdict may be given.
    pub may_judge: bool,
    /// The reasons for another photo.
    pub reasons: Vec<Reason>,
    /// A note that was typed and not recorded.
    pub note: String,
    /// A verdict that was chosen and not recorded.
    pub chosen: String,
}

/// The report of a lead, for paper.
#[derive(Template, Debug)]
#[template(path = "report.html")]
pub struct ReportPage {
    /// The frame.
    pub shell: Shell,
    /// Whether the person may have it sealed.
    pub may_seal: bool,
    /// The lead.
    pub lead: LeadPage,
    /// When it was made.
    pub made_at: String,
    /// By whom.
    pub person: String,
}

/// A decision a moment ago.
#[derive(Debug)]
pub struct Judged {
    /// On which lead.
    pub lead: String,
    /// The name of the text that says which.
    pub word: &'static str,
    /// Whether there is time to take it back.
    pub may_take_back: bool,
}

/// A verdict in a line.
#[derive(Debug)]
pub struct VerdictLine {
    /// The name of the text that says which.
    pub word: &'static str,
    /// When.
    pub when: String,
    /// By whom.
    pub by: Option<String>,
    /// The note.
    pub note: Option<String>,
    /// Whether it says that the person was seen in another photo.
    pub is_other_photo: bool,
}

/// One posting of the ad.
#[derive(Debug)]
pub struct SightingRow {
    /// When.
    pub when: String,
    /// The place that the ad names.
    pub place: String,
    /// Its address, as text: a link would tempt to visit it.
    pub address: String,
    /// Who sent it.
    pub by: String,
}

/// A line of the history.
#[derive(Debug)]
pub struct HistoryRow {
    /// When.
    pub when: String,
    /// What.
    pub what: String,
    /// Who.
    pub by: Option<String>,
    /// The note.
    pub note: Option<String>,
}

/// A reason for another photo.
#[derive(Debug)]
pub struct Reason {
    /// In the form.
    pub code: &'static str,
    /// The name of its text.
    pub word: &'static str,
}
