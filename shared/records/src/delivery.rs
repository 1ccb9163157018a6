//! Deliveries: what became of an alert at one webhook.

use serde::{Deserialize, Serialize};

use crate::alert::AlertKind;
use crate::ids::{LeadId, ReferenceId};
use crate::reason::ReasonCode;
use crate::time::Timestamp;
use crate::webhook::WebhookName;

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// To be tried (again).
    Pending,
    /// The receiver took it: this record is the receipt.
    Delivered,
    /// Every attempt failed.
    Failed,
    /// Not to be sent any more: its reference is not active, or its webhook is gone.
    Abandoned,
}

impl DeliveryState {
    /// The word that is stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Abandoned => "abandoned",
        }
    }
}

/// One alert at one webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The webhook.
    pub webhook: WebhookName,
    /// The alert's number within its unit.
    pub seq: u64,
    /// What the alert tells.
    pub kind: AlertKind,
    /// The alert's lead.
    pub lead_id: LeadId,
    /// The alert's reference: it is sent only while that is active.
    pub reference_id: ReferenceId,
    /// Where it stands.
    pub state: DeliveryState,
    /// Attempts made.
    pub attempts: u32,
    /// When the next attempt is due; none once settled.
    pub next_attempt_at: Option<Timestamp>,
    /// The receiver's last HTTP status, if one came.
    pub last_status: Option<u16>,
    /// Why the last attempt failed, or why it was abandoned.
    pub reason: Option<ReasonCode>,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When this state was written; for a delivered one, the receipt's time.
    pub updated_at: Timestamp,
}
