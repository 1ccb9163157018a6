//! Every shape that Homeward stores or sends, parsed once at the edge.
//!
//! The only domain crate that derives `serde`. Pure: no async, I/O, clock or logging. Types that
//! hold a hash, a key, a URL, a case number or a secret print as `[redacted]`, so a shape made of
//! them may derive `Debug`.
#![forbid(unsafe_code)]

mod faults;
pub mod strict;

mod ad;
mod alert;
mod audit;
mod bucket_scan;
mod clock_observation;
mod delivery;
mod erasure;
mod event;
mod frames;
mod hashes;
mod ids;
mod inbox;
mod key;
mod lead;
mod member;
mod page;
mod person;
mod picture;
mod presence;
mod reason;
mod reference;
mod report;
mod retraction;
mod status;
mod tenant;
mod text;
mod time;
mod token;
mod verdict;
mod webhook;

pub use ad::{AdMetadata, Image, MetadataNote, Sighting, Upload, UploadState};
pub use alert::{Alert, AlertData, AlertKind, CloudEvent};
pub use audit::{AuditAction, AuditCheck, AuditEntry, AuditFault, AuditHash, AuditHead, AuditKey};
pub use bucket_scan::{BucketScan, Renewal, ScanStage};
pub use clock_observation::{ClockDrift, ClockObservation};
pub use delivery::{Delivery, DeliveryState};
pub use erasure::{
    Erasure, ErasureId, ErasureState, Receipt, ReceiptFault, Removed, SignedReceipt,
};
pub use event::{ObjectCreated, ObjectRemoved};
pub use faults::{LINES_NAMED_MAX, LineFault, LineFaults};
pub use features::{Level, Method};
pub use frames::{FoundFrame, FrameUnit, FramesShown, ShownFrame};
pub use hashes::{
    HASH_LINE_BYTES_MAX, HASH_LINES_MAX, HashFault, HashRecord, hash_lines, hash_list_header,
    is_hash_list,
};
pub use ids::{CaseId, ImageSha256, LeadId, ReferenceId, TenantId};
pub use inbox::{LeadTab, TabEntry, first_places};
pub use key::{AdKey, KEY_BYTES_MAX, ObjectKey, ReferenceKey, decode_event_key, has_dot_parts};
pub use lead::{
    Evidence, FirstOpinion, FoundLead, Lead, LeadStatus, LeadSummary, LeadUploader, Outline,
    Verdict, VerdictEntry, VerdictReason,
};
pub use member::{BundleCounts, MemberName};
pub use page::{Cursor, Listing, Page};
pub use person::{Person, PersonId, PersonRole, Session, SignInLink};
pub use picture::{NoPicture, PictureAnswer, PictureKind, PictureRequest};
pub use presence::Presence;
pub use reason::ReasonCode;
pub use reference::{
    AlertDecision, AlertLimit, Reference, ReferenceStatus, SearchProgress, SearchState,
};
pub use report::{LeadReport, ReportLog, ReportPhoto, ReportQuestion, SealedReport};
pub use retraction::{Retraction, RetractionState};
pub use status::{Gauges, SetGauges, Status, TaskRun};
pub use tenant::{Principal, Role, TenantSettings, Token, TokenHash};
pub use text::{Label, Malformed, SourceUrl};
pub use time::Timestamp;
pub use token::{IssuedToken, TokenId};
pub use verdict::{Opinion, OwnOpinion, VerdictRecord};
pub use webhook::{
    RetiredKeys, Secret, Webhook, WebhookContentType, WebhookName, WebhookState, WebhookUrl,
    WebhookView,
};

/// Whatever can be stored and sent: any shape of this crate. Lets other crates pass records on
/// without a hand in how they are spelt.
pub trait Record: serde::Serialize + serde::de::DeserializeOwned {}

impl<T: serde::Serialize + serde::de::DeserializeOwned> Record for T {}
