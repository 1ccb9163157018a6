//! The terms of a submission: its case, its legal basis and its end.

use features::ReferenceKind;
use records::{
    AlertLimit, CaseId, Label, Reference, ReferenceId, ReferenceStatus, SearchProgress, TenantId,
    TenantSettings, Timestamp,
};

use crate::fields::Fields;
use crate::problem::{Problem, ProblemKind};
use crate::{Shared, store_errors};

/// On what terms a reference is searched for.
pub(super) struct Terms {
    pub(super) case_id: CaseId,
    legal_basis: Label,
    expires_at: Timestamp,
}

impl Terms {
    /// Reads them; what does not come is as the tenant's settings say.
    pub(super) async fn read(
        shared: &Shared,
        unit: &TenantId,
        fields: &mut Fields,
    ) -> Result<Self, Problem> {
        let case_id = fields.required("case_id")?;
        let legal_basis = fields.parsed("legal_basis")?;
        let expires_at = fields.parsed("expires_at")?;
        let settings = shared
            .store
            .tenants
            .tenant(unit)
            .await
            .map_err(store_errors::problem)?;
        let settings = settings
            .filter(|settings| settings.is_unit)
            .ok_or_else(not_a_unit)?;
        Self::complete(
            case_id,
            legal_basis,
            expires_at,
            &settings,
            shared.clock.now(),
            fields,
        )
    }

    fn complete(
        case_id: CaseId,
        legal_basis: Option<Label>,
        expires_at: Option<Timestamp>,
        settings: &TenantSettings,
        now: Timestamp,
        fields: &Fields,
    ) -> Result<Self, Problem> {
        if expires_at.is_some_and(|expires_at| expires_at <= now) {
            return Err(fields.invalid("expires_at", "it lies in the past"));
        }
        let legal_basis = legal_basis.or_else(|| settings.legal_basis.clone());
        Ok(Self {
            case_id,
            legal_basis: legal_basis.ok_or_else(|| fields.missing("legal_basis"))?,
            expires_at: expires_at.unwrap_or_else(|| settings.expiry(now)),
        })
    }

    /// A pending reference on these terms.
    pub(super) fn reference(&self, id: ReferenceId, now: Timestamp) -> Reference {
        Reference {
            reference_id: id,
            case_id: self.case_id.clone(),
            status: ReferenceStatus::Pending,
            reason: None,
            image_sha256: None,
            object_key: None,
            width_px: None,
            height_px: None,
            quality: None,
            shows: ReferenceKind::Photo,
            legal_basis: self.legal_basis.clone(),
            expires_at: self.expires_at,
            created_at: now,
            activated_at: None,
            ended_at: None,
            search: SearchProgress::default(),
            is_partial: false,
            alerting: AlertLimit::default(),
        }
    }
}

fn not_a_unit() -> Problem {
    Problem::new(
        ProblemKind::Conflict,
        "this tenant may not submit references; an administrator can allow it",
    )
}
