//! Reports: all that is known of one lead, sealed by the key that signs receipts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ad::{Sighting, Upload};
use crate::audit::{AuditEntry, AuditHead};
use crate::erasure::{ReceiptFault, check_signature, same_key, sign};
use crate::ids::{ImageSha256, ReferenceId, TenantId};
use crate::lead::LeadSummary;
use crate::person::PersonId;
use crate::text::{Label, Malformed};
use crate::time::Timestamp;
use crate::verdict::VerdictRecord;
use crate::webhook::Secret;

/// What was asked of the pictures, and what was not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportQuestion {
    /// The one proposition.
    pub first: String,
    /// The other.
    pub second: String,
    /// What no person and no program answered.
    pub not_asked: String,
}

/// The reference photo, as it was received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportPhoto {
    /// The reference.
    pub reference_id: ReferenceId,
    /// The SHA-256 of its file; none of a hash without a picture.
    pub image_sha256: Option<ImageSha256>,
    /// Width as stored in the file, in pixels.
    pub width_px: Option<u32>,
    /// Height as stored in the file, in pixels.
    pub height_px: Option<u32>,
    /// When it was received.
    pub received_at: Timestamp,
    /// The legal basis of the search.
    pub legal_basis: Label,
}

/// What the audit log has on a lead and its reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportLog {
    /// The entries.
    pub entries: Vec<AuditEntry>,
    /// How far the log had come.
    pub head: Option<AuditHead>,
    /// Whether it was checked from its first entry to its last, and is unbroken.
    pub is_whole: bool,
}

/// All that is known of a lead. Personal throughout: it is for the case's file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeadReport {
    /// `homeward-lead-report/1`.
    pub format: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// By whom; none by a token that is no person's.
    pub made_by: Option<Label>,
    /// The program and its version.
    pub program: String,
    /// Whose lead it is.
    pub unit: TenantId,
    /// What was asked.
    pub asked: ReportQuestion,
    /// The lead, as it is: case, method, level, distance, edit, outline, policy, verdict.
    pub lead: LeadSummary,
    /// The photo; none if its record is gone.
    pub photo: Option<ReportPhoto>,
    /// The ad's file as it was received; none if no file is there any more, or only its hash ever was.
    pub ad: Option<Upload>,
    /// Where it was seen, by what senders say, unverified.
    pub sightings: Vec<Sighting>,
    /// Every decision, those that were taken back among them.
    pub verdicts: Vec<VerdictRecord>,
    /// The names of the people who decided or made the report.
    pub people: BTreeMap<PersonId, Label>,
    /// The audit log.
    pub log: ReportLog,
    /// Leads of the same photo, this one among them, by where they are in the inbox.
    pub leads_of_photo: BTreeMap<String, u64>,
    /// What cannot be concluded, in words.
    pub limits: Vec<String>,
}

impl LeadReport {
    /// The format that this build writes.
    pub const FORMAT: &'static str = "homeward-lead-report/1";

    /// The report, sealed with the key of a deployment's seed.
    ///
    /// # Errors
    /// [`Malformed`] for a seed of another length than 32 bytes.
    pub fn sealed(&self, seed: &Secret) -> Result<SealedReport, Malformed> {
        let report = serde_json::to_string(self).expect("plain fields serialise");
        let (signature, public_key) = sign(seed, &report)?;
        Ok(SealedReport {
            report,
            signature,
            public_key,
        })
    }
}

/// A report with its seal: the ed25519 signature of `report`, byte for byte as it is here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedReport {
    /// [`LeadReport`] as JSON.
    pub report: String,
    /// The signature, base64.
    pub signature: String,
    /// The deployment's public key, base64: 32 bytes.
    pub public_key: String,
}

impl SealedReport {
    /// What was sealed, if the signature is good by the key that the report names itself.
    ///
    /// # Errors
    /// [`ReceiptFault`]
    pub fn opened(&self) -> Result<LeadReport, ReceiptFault> {
        check_signature(&self.public_key, &self.signature, &self.report)?;
        let report: LeadReport =
            serde_json::from_str(&self.report).map_err(|_| ReceiptFault::Unreadable)?;
        match report.format == LeadReport::FORMAT {
            true => Ok(report),
            false => Err(ReceiptFault::Unreadable),
        }
    }

    /// Whether it names this public key (base64) as its own.
    ///
    /// # Errors
    /// [`ReceiptFault::Key`], [`ReceiptFault::AnotherKey`]
    pub fn is_by(&self, key: &str) -> Result<(), ReceiptFault> {
        same_key(key, &self.public_key)
    }
}
