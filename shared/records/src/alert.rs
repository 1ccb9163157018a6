//! Alerts: the message about a lead that leaves for a case system.

use serde::{Deserialize, Serialize};

use crate::ad::Sighting;
use crate::ids::{CaseId, ImageSha256, LeadId, ReferenceId, TenantId};
use features::{Level, Method};

use crate::lead::{Evidence, LeadStatus, LeadSummary, LevelText, MethodText, VerdictEntry};
use crate::text::Label;
use crate::time::Timestamp;

/// What an alert tells, by its CloudEvents type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AlertKind {
    /// A new lead.
    #[serde(rename = "org.homeward.lead.created")]
    Created,
    /// Sightings were added to a lead since its last alert, or it is open again.
    #[serde(rename = "org.homeward.lead.extended")]
    Extended,
    /// A person judged a lead.
    #[serde(rename = "org.homeward.lead.verdict")]
    Verdict,
    /// A lead is held for review and so will be those after it of the same uploader, whose ads match
    /// its reference too much; told once an uploader, with the first such lead, which names it.
    #[serde(rename = "org.homeward.lead.held")]
    Held,
    /// A lead was taken back because its reference was withdrawn: ids only, no sightings. Told only
    /// to units that asked for it; to others a withdrawn reference is silent altogether.
    #[serde(rename = "org.homeward.lead.withdrawn")]
    Withdrawn,
    /// A test that the unit asked for: about no lead, no case and no person.
    #[serde(rename = "org.homeward.test")]
    Test,
}

impl AlertKind {
    /// The CloudEvents type.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "org.homeward.lead.created",
            Self::Extended => "org.homeward.lead.extended",
            Self::Verdict => "org.homeward.lead.verdict",
            Self::Held => "org.homeward.lead.held",
            Self::Withdrawn => "org.homeward.lead.withdrawn",
            Self::Test => "org.homeward.test",
        }
    }

    /// Whether it may leave only while its reference is active: all but what tells that one was withdrawn, and
    /// tests, which are about none.
    pub fn needs_active_reference(self) -> bool {
        !matches!(self, Self::Withdrawn | Self::Test)
    }
}

/// What an alert says of its lead, as things stood when it was written: ids, distance, edit,
/// sightings' metadata and a link. Never a picture and never a hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertData {
    /// The lead.
    pub lead_id: LeadId,
    /// The case of the reference.
    pub case_id: CaseId,
    /// Whether the case is a test of the deployment, and no missing person: [`CaseId::is_test`].
    #[serde(default)]
    pub is_test: bool,
    /// The reference.
    pub reference_id: ReferenceId,
    /// How sure the policy was.
    #[serde(with = "LevelText")]
    pub level: Level,
    /// What matched.
    #[serde(with = "MethodText")]
    pub method: Method,
    /// Differing bits of the best hashes, 0 to 256.
    pub distance: u16,
    /// The edit found, in words.
    pub edit: Label,
    /// Where the lead stood.
    pub status: LeadStatus,
    /// The verdict, if there was one.
    pub verdict: Option<VerdictEntry>,
    /// Where the fingerprint comes from that matched.
    #[serde(default)]
    pub evidence: Evidence,
    /// The uploader whose flood of matches has it held for review; none if it is not held.
    #[serde(default)]
    pub held_for: Option<TenantId>,
    /// Since when it is open again although a person dismissed it.
    #[serde(default)]
    pub reopened_at: Option<Timestamp>,
    /// The address of the lead's page; its path in the API where there are no pages.
    pub link: String,
    /// Known postings; of very many, [`AlertData::SIGHTINGS_MAX`] of them.
    pub sightings: Vec<Sighting>,
    /// How many postings were known, kept or only counted.
    pub sightings_total: u64,
}

impl AlertData {
    /// Sightings in one alert. A sighting has at most 5 KB; 50 of them and the keys of a lead fit
    /// DynamoDB's 400 KB an item and 100 items a transaction. The lead itself has more
    /// ([`LeadUploader::SIGHTINGS_KEPT_MAX`](crate::LeadUploader::SIGHTINGS_KEPT_MAX)).
    pub const SIGHTINGS_MAX: usize = 50;

    /// The snapshot of a lead and the sightings known of it: as many as the lead says, or as there
    /// are here, if that is more.
    pub fn of(lead: &LeadSummary, sightings: &[Sighting]) -> Self {
        let total = lead.sightings_total.unwrap_or(0);
        Self {
            lead_id: lead.lead_id.clone(),
            case_id: lead.case_id.clone(),
            is_test: lead.case_id.is_test(),
            reference_id: lead.reference_id.clone(),
            level: lead.level,
            method: lead.method,
            distance: lead.distance,
            edit: lead.edit.clone(),
            status: lead.status,
            verdict: lead.verdict.clone(),
            evidence: lead.evidence,
            held_for: lead.held_for.clone(),
            reopened_at: lead.reopened_at,
            link: lead.path(),
            sightings: sightings
                .iter()
                .take(Self::SIGHTINGS_MAX)
                .cloned()
                .collect(),
            sightings_total: total.max(sightings.len() as u64),
        }
    }

    /// What a test tells a unit: it has the shape of a lead's alert, `is_test`, and ids that belong to nothing.
    pub fn test(unit: &TenantId) -> Self {
        let case_id = CaseId::test();
        let image = ImageSha256::of(b"a test alert");
        let reference_id = ReferenceId::of_photo(unit, &case_id, &image);
        Self {
            lead_id: LeadId::of(&reference_id, &image),
            is_test: case_id.is_test(),
            case_id,
            reference_id,
            level: Level::Alert,
            method: Method::Whole,
            distance: 0,
            edit: Label::parse("as is").expect("a label"),
            status: LeadStatus::Open,
            verdict: None,
            evidence: Evidence::default(),
            held_for: None,
            reopened_at: None,
            link: "/v1/alerts".to_owned(),
            sightings: Vec::new(),
            sightings_total: 0,
        }
    }
}

/// One alert: outbox entry and pull feed in one. Its number is gapless within its unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Its number, from 1.
    pub seq: u64,
    /// What it tells.
    pub kind: AlertKind,
    /// Whom it is for.
    pub unit: TenantId,
    /// When it was written.
    pub created_at: Timestamp,
    /// The snapshot.
    pub data: AlertData,
}

impl Alert {
    /// The CloudEvents id, unique within its source and the same on every delivery attempt.
    pub fn id(&self) -> String {
        Self::id_of(&self.unit, self.seq)
    }

    /// The id of a unit's alert by its number.
    pub fn id_of(unit: &TenantId, seq: u64) -> String {
        format!("{unit}-{seq:012}")
    }

    /// The number of a unit's alert by its id; none if it is not one of this unit.
    pub fn seq_of(unit: &TenantId, id: &str) -> Option<u64> {
        let seq = id.strip_prefix(unit.as_str())?.strip_prefix('-')?.parse();
        seq.ok().filter(|seq| Self::id_of(unit, *seq) == id)
    }

    /// The envelope in which it leaves a deployment whose pages lie at this address: its link opens the
    /// lead's page for a person who is signed in.
    pub fn envelope_at(&self, pages: Option<&str>) -> CloudEvent {
        let mut envelope = self.envelope();
        if let Some(pages) = pages.filter(|_| self.kind != AlertKind::Test) {
            envelope.data.link = format!("{pages}/leads/{}", self.data.lead_id);
        }
        envelope
    }

    /// The envelope in which it leaves.
    pub fn envelope(&self) -> CloudEvent {
        CloudEvent {
            specversion: "1.0".into(),
            id: self.id(),
            source: format!("/homeward/{}", self.unit),
            kind: self.kind,
            subject: self.data.lead_id.to_string(),
            time: self.created_at,
            datacontenttype: "application/json".into(),
            data: self.data.clone(),
        }
    }
}

/// A CloudEvents 1.0 envelope in JSON format, as delivered and as pulled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudEvent {
    /// `1.0`.
    pub specversion: String,
    /// The alert's id.
    pub id: String,
    /// `/homeward/{unit}`.
    pub source: String,
    /// What it tells.
    #[serde(rename = "type")]
    pub kind: AlertKind,
    /// The lead's id.
    pub subject: String,
    /// When it was written.
    pub time: Timestamp,
    /// `application/json`.
    pub datacontenttype: String,
    /// The snapshot.
    pub data: AlertData,
}
