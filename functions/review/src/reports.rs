//! The report of one lead, sealed by the deployment's key.

use std::collections::BTreeMap;

use axum::extract::State;
use records::{
    AuditAction, AuditCheck, AuditEntry, AuditHead, Cursor, Label, Lead, LeadId, LeadReport,
    LeadTab, PersonId, Reference, ReportLog, ReportPhoto, ReportQuestion, SealedReport,
    VerdictRecord,
};
use serde_json::json;

use crate::body::Ids;
use crate::caller::Supervisor;
use crate::pages::{Actor, ad_source};
use crate::problem::{Answer, Problem, ProblemKind, ok};
use crate::{Shared, store_errors};

const MISSING: &str = "no such lead; GET /v1/leads lists yours";

/// Entries of an audit log that one look checks: a few seconds' work on a laptop. `homeward verify` checks all of
/// any log.
const ENTRIES_MAX: usize = 50_000;

const FIRST: &str = "The picture in the ad was made from the reference photo.";
const SECOND: &str = "The picture in the ad was made from another photo.";
const NOT_ASKED: &str = "Who is in the picture. No face was compared.";

const LIMITS: [&str; 6] = [
    "The same photo is not the same person, nor the same time, and does not say who posted it.",
    "What the sender did to the picture cannot be told from what the advertiser did.",
    "Times, places and addresses of sightings are as their senders gave them; no one verified them.",
    "A distance is not a likelihood ratio. The errors that are known are measured for each version of the \
     program and stand in its docs/accuracy.md.",
    "How many parts of the two pictures agreed is not kept with a lead.",
    "The hashes name the files. Pictures shown to people were working copies, made smaller and turned.",
];

/// `GET /v1/leads/{lead_id}/report`
pub(crate) async fn sealed(
    State(shared): State<Shared>,
    Supervisor(unit): Supervisor,
    Ids([id]): Ids<1>,
) -> Answer {
    let id = LeadId::parse(&id).map_err(|_| Problem::not_found(MISSING))?;
    ok(&json!(seal(&shared, unit.actor(), &id).await?))
}

/// Makes the report of a lead that was judged, and seals it.
pub(crate) async fn seal(shared: &Shared, actor: Actor<'_>, id: &LeadId) -> Answer<SealedReport> {
    let lead = shared.store.leads.lead(actor.unit, id).await;
    let lead = lead.map_err(store_errors::problem)?;
    let lead = lead.ok_or_else(|| Problem::not_found(MISSING))?;
    if lead.summary.verdict.is_none() || lead.summary.first_opinion.is_some() {
        return Err(Problem::new(
            ProblemKind::Conflict,
            "a report states a verdict, and there is none on this lead yet; judge it first",
        ));
    }
    // Before the log is read: the report has its own entry in it.
    shared
        .audit_actor(actor, AuditAction::ReportSealed, Some(id.as_str()))
        .await?;
    let report = report(shared, actor, lead).await?;
    let sealed = report.sealed(&shared.seed().await?);
    sealed.map_err(|_| Problem::internal())
}

async fn report(shared: &Shared, actor: Actor<'_>, lead: Lead) -> Answer<LeadReport> {
    let (store, unit) = (&shared.store, actor.unit);
    let reference_id = &lead.summary.reference_id;
    let reference = store.references.reference(unit, reference_id).await;
    let verdicts = store.leads.verdicts(unit, &lead.summary.lead_id).await;
    let verdicts = verdicts.map_err(store_errors::problem)?;
    let source = ad_source(shared, &lead).await;
    let counts = store.leads.lead_counts(unit).await;
    let counts = counts.map_err(store_errors::problem)?;
    let of = |tab: LeadTab| {
        (
            tab.as_str().to_owned(),
            counts.of_reference(reference_id, tab),
        )
    };
    let people = people(shared, actor, &verdicts).await?;
    Ok(LeadReport {
        format: LeadReport::FORMAT.to_owned(),
        made_at: shared.clock.now(),
        made_by: actor.person.and_then(|by| people.get(by)).cloned(),
        program: concat!("homeward ", env!("CARGO_PKG_VERSION")).to_owned(),
        unit: unit.clone(),
        asked: ReportQuestion {
            first: FIRST.to_owned(),
            second: SECOND.to_owned(),
            not_asked: NOT_ASKED.to_owned(),
        },
        photo: reference.map_err(store_errors::problem)?.map(photo),
        ad: source.map_err(store_errors::problem)?.ok(),
        verdicts,
        people,
        log: log(shared, actor, &lead).await?,
        leads_of_photo: LeadTab::ALL.into_iter().map(of).collect(),
        limits: LIMITS.map(str::to_owned).into(),
        sightings: lead.sightings,
        lead: lead.summary,
    })
}

fn photo(reference: Reference) -> ReportPhoto {
    ReportPhoto {
        reference_id: reference.reference_id,
        image_sha256: reference.image_sha256,
        width_px: reference.width_px,
        height_px: reference.height_px,
        received_at: reference.created_at,
        legal_basis: reference.legal_basis,
    }
}

/// The names of those who decided or make the report.
async fn people(
    shared: &Shared,
    actor: Actor<'_>,
    verdicts: &[VerdictRecord],
) -> Answer<BTreeMap<PersonId, Label>> {
    let all = shared.store.tenants.persons(actor.unit).await;
    let all = all.map_err(store_errors::problem)?;
    let decided = |id: &PersonId| {
        actor.person == Some(id) || verdicts.iter().any(|it| it.by.as_ref() == Some(id))
    };
    let named = all.into_iter().filter(|person| decided(&person.person_id));
    Ok(named
        .map(|person| (person.person_id, person.name))
        .collect())
}

/// What the log has on the lead and on its reference.
async fn log(shared: &Shared, actor: Actor<'_>, lead: &Lead) -> Answer<ReportLog> {
    let (all, head, is_whole) = checked_log(shared, actor).await?;
    let subjects = [
        lead.summary.lead_id.as_str(),
        lead.summary.reference_id.as_str(),
    ];
    let is_on = |entry: &AuditEntry| {
        let subject = entry.subject.as_ref();
        subject.is_some_and(|it| subjects.contains(&it.as_str()))
    };
    Ok(ReportLog {
        entries: all.into_iter().filter(is_on).collect(),
        head,
        is_whole,
    })
}

/// A unit's log as far as it is checked, its head, and whether it is unbroken.
pub(crate) async fn checked_log(
    shared: &Shared,
    actor: Actor<'_>,
) -> Answer<(Vec<AuditEntry>, Option<AuditHead>, bool)> {
    let (unit, audit) = (actor.unit, &shared.store.audit);
    let key = shared.audit_key().await?;
    let head = audit.audit_head(unit).await;
    let head = head.map_err(store_errors::problem)?;
    let mut check = AuditCheck::new(Some(key), head.as_ref());
    let (mut entries, mut cursor) = (Vec::new(), None::<Cursor>);
    let mut is_whole = true;
    loop {
        let page = audit.audit_entries(unit, cursor.as_ref(), store::PAGE_ITEMS_MAX);
        let page = page.await.map_err(store_errors::problem)?;
        is_whole &= check.see(&page.items).is_ok();
        entries.extend(page.items);
        match page.next {
            Some(_) if entries.len() >= ENTRIES_MAX => break,
            Some(next) => cursor = Some(next),
            None => {
                is_whole &= check.end().is_ok();
                break;
            }
        }
    }
    Ok((entries, head, is_whole))
}
