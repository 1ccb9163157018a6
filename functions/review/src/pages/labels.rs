//! Names of texts for what records say.

use features::ReferenceKind;
use pages::Words;
use records::{
    AuditAction, Label, LeadTab, NoPicture, PersonRole, Reference, ReferenceStatus, SearchProgress,
    SearchState, Verdict, VerdictReason,
};

pub(crate) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Confirmed => "verdict-confirmed",
        Verdict::Dismissed => "verdict-dismissed",
        Verdict::Unsure => "verdict-unsure",
    }
}

pub(crate) fn judged(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Confirmed) => "judged-confirmed",
        Some(Verdict::Dismissed) => "judged-dismissed",
        Some(Verdict::Unsure) => "judged-unsure",
        None => "judged-back",
    }
}

pub(crate) fn history(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Confirmed) => "hist-confirmed",
        Some(Verdict::Dismissed) => "hist-dismissed",
        Some(Verdict::Unsure) => "hist-unsure",
        None => "hist-back",
    }
}

pub(crate) fn reason(reason: VerdictReason) -> &'static str {
    match reason {
        VerdictReason::Lookalike => "reason-lookalike",
        VerdictReason::SamePersonOtherPhoto => "reason-same-person",
        VerdictReason::LogoOrStock => "reason-logo",
        VerdictReason::ReferenceUnusable => "reason-unusable",
    }
}

pub(crate) fn lead_state(tab: LeadTab) -> &'static str {
    match tab {
        LeadTab::Open => "tab-open",
        LeadTab::Held => "tab-held",
        LeadTab::Second => "tab-second",
        LeadTab::Confirmed => "tab-confirmed",
        LeadTab::Dismissed => "tab-dismissed",
        LeadTab::Unsure => "tab-unsure",
        LeadTab::Withdrawn => "tab-withdrawn",
    }
}

pub(crate) fn reference_state(status: ReferenceStatus) -> &'static str {
    match status {
        ReferenceStatus::Pending => "ref-pending",
        ReferenceStatus::Active => "ref-active",
        ReferenceStatus::Held => "ref-held",
        ReferenceStatus::Withdrawn => "ref-withdrawn",
        ReferenceStatus::Expired => "ref-expired",
        ReferenceStatus::Rejected => "ref-rejected",
    }
}

/// Why a photo is of no use, or of less than a photo alone; none if it is.
pub(crate) fn reference_reason(reference: &Reference) -> Option<&'static str> {
    if reference.status != ReferenceStatus::Rejected {
        return match reference.shows {
            _ if reference.is_partial => Some("ref-partial"),
            ReferenceKind::Photo => None,
            ReferenceKind::PageWithPhoto => Some("ref-page-with-photo"),
            ReferenceKind::Page => Some("ref-page"),
        };
    }
    let is_plain = reference.reason == Some(records::ReasonCode::LOW_QUALITY);
    Some(if is_plain {
        "ref-too-plain"
    } else {
        "ref-unreadable"
    })
}

pub(crate) fn no_picture(why: NoPicture) -> &'static str {
    match why {
        NoPicture::Gone => "gone-gone",
        NoPicture::Changed => "gone-changed",
        NoPicture::Unreadable => "gone-unreadable",
        NoPicture::NeverSent => "gone-never-sent",
        NoPicture::NoPlace => "no-place",
        NoPicture::Unavailable => "gone-unavailable",
    }
}

pub(crate) fn role(role: PersonRole) -> &'static str {
    match role {
        PersonRole::Reviewer => "role-reviewer",
        PersonRole::Supervisor => "role-supervisor",
        PersonRole::Auditor => "role-auditor",
    }
}

/// How far the past is searched.
pub(crate) fn past(words: Words, search: &SearchProgress) -> String {
    match search.state {
        SearchState::Waiting => words.t("past-waiting"),
        SearchState::Done => words.t("past-done"),
        SearchState::Running => words.numbers(
            "past-of",
            &[
                ("done", search.images_searched),
                ("total", search.images_total),
            ],
        ),
    }
}

/// The name of the text of a deed.
pub(crate) fn deed(action: AuditAction) -> String {
    let word = serde_json::json!(action);
    let word = word.as_str().unwrap_or_default().replace('_', "-");
    let is_said = !matches!(
        action,
        AuditAction::WebhookSet
            | AuditAction::WebhookRemoved
            | AuditAction::AlertTested
            | AuditAction::DeliveryRepeated
            | AuditAction::TokenIssued
            | AuditAction::TokenRevoked
            | AuditAction::ContributionRetracted
            | AuditAction::RetractionLifted
            | AuditAction::SettingsChanged
    );
    if is_said {
        format!("did-{word}")
    } else {
        "did-other".to_owned()
    }
}

/// One line of text that a person typed; line breaks become spaces. None if it is empty.
///
/// # Errors
/// When it is too long.
pub(crate) fn line(text: &str) -> Result<Option<Label>, records::Malformed> {
    let text = text.replace(char::is_control, " ");
    match text.trim() {
        "" => Ok(None),
        text => Label::parse(text).map(Some),
    }
}
