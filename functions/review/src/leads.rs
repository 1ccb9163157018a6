//! Leads: seen and judged by the unit whose reference they are of.

use axum::extract::State;
use records::{
    AuditAction, Lead, LeadId, LeadStatus, LeadSummary, LeadTab, Level, TenantId, Verdict,
    VerdictEntry, VerdictReason,
};
use serde_json::json;
use store::{Error, LeadFilter};

use crate::body::{Ids, Json, Query};
use crate::caller::{Reviewer, UnitCaller};
use crate::problem::{Answer, Problem, ProblemKind, ok};
use crate::{Shared, paging, settings, store_errors};

const MISSING: &str = "no such lead; GET /v1/leads lists yours";

/// Bytes of sightings that a list shows of one lead, as JSON, in addition to the first one of at most 5 KB: 100
/// leads stay below half of the 6 MB that a function may answer. Usual ones of 400 bytes are shown all.
const LISTED_SIGHTINGS_BYTES_MAX: usize = 16 << 10;

const STATUSES: &[(&str, LeadStatus)] = &[
    ("open", LeadStatus::Open),
    ("confirmed", LeadStatus::Confirmed),
    ("dismissed", LeadStatus::Dismissed),
    ("unsure", LeadStatus::Unsure),
    ("withdrawn", LeadStatus::Withdrawn),
];
const LEVELS: &[(&str, Level)] = &[("alert", Level::Alert), ("review", Level::Review)];
pub(crate) const VERDICTS: &[(&str, Verdict)] = &[
    ("confirmed", Verdict::Confirmed),
    ("dismissed", Verdict::Dismissed),
    ("unsure", Verdict::Unsure),
];

pub(crate) const REASONS: &[(&str, VerdictReason)] = &[
    ("lookalike", VerdictReason::Lookalike),
    (
        "same_person_other_photo",
        VerdictReason::SamePersonOtherPhoto,
    ),
    ("logo_or_stock", VerdictReason::LogoOrStock),
    ("reference_unusable", VerdictReason::ReferenceUnusable),
];

/// `GET /v1/leads`
pub(crate) async fn list(
    State(shared): State<Shared>,
    Reviewer(unit): Reviewer,
    Query(mut query): Query,
) -> Answer {
    let asked = paging::asked(&mut query)?;
    paging::opened(&asked, &query, &unit, records::Listing::Leads)?;
    let filter = LeadFilter {
        case_id: query.parsed("case_id")?,
        status: query.choice("status", STATUSES)?,
        level: query.choice("level", LEVELS)?,
    };
    query.finish()?;
    let page = shared
        .store
        .leads
        .leads(&unit, &filter, asked.after.as_ref(), asked.limit)
        .await
        .map_err(store_errors::problem)?;
    if !page.items.is_empty() {
        shared.audit(&unit, AuditAction::LeadSeen, None).await?;
    }
    paging::page(page.map(|lead| shown(listed(lead))))
}

/// A lead as one of a list, with as many sightings as there is room for, and at least one.
fn listed(mut lead: Lead) -> Lead {
    let mut room = LISTED_SIGHTINGS_BYTES_MAX;
    let mut is_first = true;
    lead.sightings.retain(|sighting| {
        let bytes = json!(sighting).to_string().len();
        let fits = std::mem::take(&mut is_first) || bytes <= room;
        room = room.saturating_sub(bytes);
        fits
    });
    lead
}

/// `GET /v1/leads/{lead_id}/sightings`
pub(crate) async fn sightings(
    State(shared): State<Shared>,
    Reviewer(unit): Reviewer,
    Ids([id]): Ids<1>,
    Query(mut query): Query,
) -> Answer {
    let asked = paging::asked(&mut query)?;
    paging::opened(&asked, &query, &unit, records::Listing::Sightings)?;
    let of_another_lead = query.invalid("after", "it is not a cursor of this listing");
    query.finish()?;
    let id = LeadId::parse(&id).map_err(|_| Problem::not_found(MISSING))?;
    let found = shared.store.leads.lead(&unit, &id).await;
    found
        .map_err(store_errors::problem)?
        .ok_or_else(|| Problem::not_found(MISSING))?;
    let page = shared
        .store
        .leads
        .lead_sightings_page(&unit, &id, asked.after.as_ref(), asked.limit)
        .await
        .map_err(|error| match error {
            Error::Rejected(_) => of_another_lead,
            other => store_errors::problem(other),
        })?;
    shared
        .audit(&unit, AuditAction::LeadSeen, Some(id.as_str()))
        .await?;
    paging::page(page.map(|sighting| json!(sighting)))
}

/// `GET /v1/leads/{lead_id}`
pub(crate) async fn show(
    State(shared): State<Shared>,
    Reviewer(unit): Reviewer,
    Ids([id]): Ids<1>,
) -> Answer {
    let id = LeadId::parse(&id).map_err(|_| Problem::not_found(MISSING))?;
    let body = lead(&shared, &unit, &id).await?;
    shared
        .audit(&unit, AuditAction::LeadSeen, Some(id.as_str()))
        .await?;
    ok(&body)
}

/// `POST /v1/leads/{lead_id}/verdict`
pub(crate) async fn judge(
    State(shared): State<Shared>,
    Reviewer(unit): Reviewer,
    Ids([id]): Ids<1>,
    Json(mut body): Json,
) -> Answer {
    let verdict = VerdictEntry {
        verdict: body
            .choice("verdict", VERDICTS)?
            .ok_or_else(|| body.missing("verdict"))?,
        decided_by: body.parsed("decided_by")?,
        note: body.parsed("note")?,
        reason: body.choice("reason", REASONS)?,
        decided_at: shared.clock.now(),
    };
    body.finish()?;
    let id = LeadId::parse(&id).map_err(|_| Problem::not_found(MISSING))?;
    lead(&shared, &unit, &id).await?;
    let judged = match settings::found(&shared, &unit).await?.second_opinion {
        true => opinion(&shared, &unit, &id, &verdict).await?,
        false => shared.store.leads.judge(&unit, &id, &verdict).await,
    };
    judged.map_err(|error| match error {
        // The lead was there just now, so it is its reference that is gone.
        Error::Gone(_) => Problem::new(
            ProblemKind::Conflict,
            "the lead's reference is not active any more, so nothing more is said about it",
        ),
        store::OWN_OPINION => Problem::new(
            ProblemKind::Conflict,
            "the first opinion on this lead is this person's own; another person gives the second",
        ),
        other => store_errors::problem(other),
    })?;
    shared
        .audit(&unit, AuditAction::LeadJudged, Some(id.as_str()))
        .await?;
    ok(&lead(&shared, &unit, &id).await?)
}

/// One of the two opinions that the unit asks for.
async fn opinion(
    shared: &Shared,
    unit: &UnitCaller,
    id: &LeadId,
    verdict: &VerdictEntry,
) -> Answer<Result<LeadSummary, Error>> {
    let leads = &shared.store.leads;
    let Some(person) = &unit.person else {
        if verdict.verdict != Verdict::Confirmed {
            return Ok(leads.judge(unit, id, verdict).await);
        }
        return Err(Problem::new(
            ProblemKind::Conflict,
            "two people of this unit confirm a lead, and this token is no person's; use a token that an \
             administrator issued for a person",
        ));
    };
    let known = leads.lead_summary(unit, id).await;
    let known = known.map_err(store_errors::problem)?;
    let known = known.ok_or_else(|| Problem::not_found(MISSING))?;
    let seen = (id, known.version());
    let judged = leads.judge_as_seen(unit, (seen.0, &seen.1), (person, true), verdict);
    Ok(judged.await)
}

/// `GET /v1/leads/counts`
pub(crate) async fn counts(
    State(shared): State<Shared>,
    Reviewer(unit): Reviewer,
    Query(query): Query,
) -> Answer {
    query.finish()?;
    let counts = shared.store.leads.lead_counts(&unit).await;
    let counts = counts.map_err(store_errors::problem)?;
    let mut body = serde_json::Map::new();
    for tab in LeadTab::ALL {
        let at = |level| counts.at_level(tab, level);
        let of_tab = json!({ "alert": at(Level::Alert), "review": at(Level::Review) });
        body.insert(tab.as_str().to_owned(), of_tab);
    }
    ok(&body.into())
}

async fn lead(shared: &Shared, unit: &TenantId, id: &LeadId) -> Answer<serde_json::Value> {
    let found = shared
        .store
        .leads
        .lead(unit, id)
        .await
        .map_err(store_errors::problem)?;
    let found = found.ok_or_else(|| Problem::not_found(MISSING))?;
    let source = crate::pages::ad_source(shared, &found).await;
    let source = source.map_err(store_errors::problem)?.ok();
    let frames = source.and_then(|it| it.frames);
    let frame = frames.and_then(|it| it.found(found.summary.outline.as_ref()));
    let mut lead = shown(found);
    if let Some(frame) = frame {
        lead["found_on"] = json!(frame);
    }
    Ok(lead)
}

/// A lead as it is sent: that a second opinion is asked for, and not what the first one said.
fn shown(mut lead: Lead) -> serde_json::Value {
    let waits = lead.summary.first_opinion.take().is_some();
    let mut lead = json!(lead);
    if let Some(fields) = lead.as_object_mut() {
        fields.remove("reference_activated_at"); // of the protocol, and of no use to a reader
    }
    lead["awaits_second_opinion"] = json!(waits);
    lead
}
