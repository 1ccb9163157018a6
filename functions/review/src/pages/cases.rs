//! Cases: what a unit's references have in common. In addresses a reference stands for its case.

use axum::extract::State;
use futures::{StreamExt, TryStreamExt, stream};
use pages::{CaseLead, CasePage, CasePhoto, CaseRow, CasesPage};
use records::{
    AuditAction, LeadSummary, LeadTab, PersonRole, Reference, ReferenceId, ReferenceStatus,
};

use store::LeadCounts;

use super::access::Officer;
use super::answers::{Paged, Refused, Why, page};
use super::form::Asked;
use super::{inbox, labels};
use crate::Shared;
use crate::body::Ids;

/// Leads of one photo that its case's page shows.
const PHOTO_LEADS_MAX: usize = 1_000;

/// Photos whose leads are read at once.
const AT_ONCE: usize = 8;

/// Whether a photo of it is kept.
pub(crate) fn has_picture(reference: &Reference) -> bool {
    reference.object_key.is_some()
        && reference.image_sha256.is_some()
        && reference.ended_at.is_none()
        && reference.status != ReferenceStatus::Rejected
}

/// `GET /cases`
pub(crate) async fn list(State(shared): State<Shared>, officer: Officer) -> Paged {
    officer.must_be(PersonRole::Reviewer)?;
    let references = inbox::references(&shared, &officer).await?;
    let counts = officer.counts(&shared).await?;
    let told = shared.audit_actor(officer.actor(), AuditAction::ReferenceSeen, None);
    told.await.map_err(Refused::failed(officer.words))?;
    let is_active = |it: &&Reference| it.status == ReferenceStatus::Active;
    page(&CasesPage {
        shell: officer.shell("cases", counts.in_tab(LeadTab::Open)),
        searched: references.iter().filter(is_active).count() as u64,
        rows: rows(&references, &counts),
    })
}

fn rows(references: &[Reference], counts: &LeadCounts) -> Vec<CaseRow> {
    let mut rows: Vec<CaseRow> = Vec::new();
    for reference in references {
        let case = reference.case_id.to_string();
        let is_searched = matches!(
            reference.status,
            ReferenceStatus::Active | ReferenceStatus::Pending | ReferenceStatus::Held
        );
        let place = rows.iter().position(|row| row.case == case);
        let place = place.unwrap_or_else(|| {
            rows.push(CaseRow {
                case,
                reference: reference.reference_id.to_string(),
                photos: 0,
                waiting: 0,
                state: "case-ended",
            });
            rows.len() - 1
        });
        let row = &mut rows[place];
        row.photos += 1;
        row.waiting += counts.of_reference(&reference.reference_id, LeadTab::Open);
        if is_searched {
            row.state = "case-searched";
        }
    }
    rows.sort_by(|a, b| b.waiting.cmp(&a.waiting).then_with(|| a.case.cmp(&b.case)));
    rows
}

/// The reference of this id, of the person's unit.
pub(crate) async fn reference(
    shared: &Shared,
    officer: &Officer,
    id: &str,
) -> Result<Reference, Refused> {
    let missing = || Refused::Page(officer.words, Why::Missing);
    let id = ReferenceId::parse(id).map_err(|_| missing())?;
    let found = shared.store.references.reference(officer.unit(), &id).await;
    let found = found.map_err(Refused::store(officer.words))?;
    found.ok_or_else(missing)
}

/// `GET /cases/{reference_id}`
pub(crate) async fn show(
    State(shared): State<Shared>,
    officer: Officer,
    Ids([id]): Ids<1>,
    Asked(asked): Asked,
) -> Paged {
    officer.must_be(PersonRole::Reviewer)?;
    let (words, unit) = (officer.words, officer.unit());
    let failed = Refused::store(words);
    let named = reference(&shared, &officer, &id).await?;
    let case = Some(&named.case_id);
    let references = shared
        .store
        .references
        .references(unit, case, None, store::PAGE_ITEMS_MAX);
    let references = references.await.map_err(&failed)?.items;
    let leads = leads(&shared, &officer, &references).await?;
    let subject = Some(named.reference_id.as_str());
    let told = shared.audit_actor(officer.actor(), AuditAction::ReferenceSeen, subject);
    told.await.map_err(Refused::failed(words))?;
    page(&CasePage {
        shell: officer.counted_shell(&shared, "cases").await?,
        case: named.case_id.to_string(),
        reference: named.reference_id.to_string(),
        done: done(asked.text("done")),
        photos: references.iter().map(|it| photo(&officer, it)).collect(),
        leads: leads.iter().map(|it| case_lead(&officer, it)).collect(),
    })
}

/// The leads of these references, the newest first.
async fn leads(
    shared: &Shared,
    officer: &Officer,
    references: &[Reference],
) -> Result<Vec<LeadSummary>, Refused> {
    let of = |id: ReferenceId| async move {
        let leads = shared
            .store
            .leads
            .leads_of_reference(officer.unit(), &id, PHOTO_LEADS_MAX);
        leads.await
    };
    let mut ids = Vec::new();
    for reference in references {
        ids.push(reference.reference_id.clone());
    }
    let found = stream::iter(ids)
        .map(of)
        .buffered(AT_ONCE)
        .try_concat()
        .await;
    let mut leads: Vec<LeadSummary> = found.map_err(Refused::store(officer.words))?;
    leads.sort_by(|a, b| (b.created_at, &b.lead_id).cmp(&(a.created_at, &a.lead_id)));
    Ok(leads)
}

fn done(word: &str) -> Option<&'static str> {
    let known = [
        ("added", "done-added"),
        ("withdrawn", "done-withdrawn"),
        ("released", "done-released"),
        ("judged", "done-judged"),
    ];
    let found = known.iter().find(|(code, _)| *code == word);
    found.map(|(_, text)| *text)
}

fn photo(officer: &Officer, reference: &Reference) -> CasePhoto {
    let words = officer.words;
    let is_active = reference.status == ReferenceStatus::Active;
    CasePhoto {
        id: reference.reference_id.to_string(),
        has_picture: has_picture(reference),
        gone: match reference.object_key {
            None => "photo-is-yours",
            Some(_) => "photo-gone",
        },
        state: labels::reference_state(reference.status),
        reason: labels::reference_reason(reference),
        since: words.day(reference.created_at),
        until: words.day(reference.expires_at),
        basis: reference.legal_basis.to_string(),
        past: is_active.then(|| labels::past(words, &reference.search)),
        is_held: is_active && reference.alerting.held_since.is_some(),
        may_end: officer.person.is(PersonRole::Supervisor),
    }
}

fn case_lead(officer: &Officer, lead: &LeadSummary) -> CaseLead {
    let words = officer.words;
    CaseLead {
        id: lead.lead_id.to_string(),
        edit: inbox::capital(&pages::edit(words, lead.edit.as_str())),
        when: words.time(lead.created_at),
        state: labels::lead_state(lead.tab()),
    }
}
