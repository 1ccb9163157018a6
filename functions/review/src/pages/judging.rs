//! Verdicts by a person, on what it saw.

use axum::extract::State;
use axum::response::IntoResponse as _;
use http::StatusCode;
use pages::Judged;
use records::{
    AuditAction, LeadId, LeadSummary, LeadTab, Opinion, PersonRole, Timestamp, Verdict,
    VerdictEntry, VerdictReason, VerdictRecord,
};

use store::TabQuery;

use super::access::Officer;
use super::answers::{Paged, Refused, Why, see};
use super::form::{FormFields, PersonForm};
use super::{labels, lead};
use crate::Shared;
use crate::body::Ids;
use crate::leads::{REASONS, VERDICTS};

/// What a person decided in a form.
pub(crate) struct Decision {
    pub(crate) verdict: Verdict,
    pub(crate) reason: Option<VerdictReason>,
    pub(crate) note: Option<records::Label>,
}

impl Decision {
    /// Reads it; the name of a text says what is wrong with it.
    pub(crate) fn read(fields: &FormFields) -> Result<Self, &'static str> {
        let verdict = fields.text("verdict");
        let verdict = VERDICTS.iter().find(|(word, _)| *word == verdict);
        let verdict = verdict.ok_or("problem-no-verdict")?.1;
        let reason = fields.text("reason");
        let reason = REASONS.iter().find(|(word, _)| *word == reason);
        Ok(Self {
            verdict,
            reason: reason
                .map(|it| it.1)
                .filter(|_| verdict == Verdict::Dismissed),
            note: labels::line(fields.text("note")).map_err(|_| "problem-field")?,
        })
    }

    pub(crate) fn entry(&self, officer: &Officer, now: Timestamp) -> VerdictEntry {
        VerdictEntry {
            verdict: self.verdict,
            decided_by: Some(officer.person.name.clone()),
            note: self.note.clone(),
            reason: self.reason,
            decided_at: now,
        }
    }
}

/// `POST /leads/{lead_id}/verdict`
pub(crate) async fn judge(
    State(shared): State<Shared>,
    Ids([id]): Ids<1>,
    form: PersonForm,
) -> Paged {
    let PersonForm { officer, fields } = form;
    officer.must_be(PersonRole::Reviewer)?;
    let missing = |_| Refused::Page(officer.words, Why::Missing);
    let id = LeadId::parse(&id).map_err(missing)?;
    let decision = match Decision::read(&fields) {
        Ok(decision) => decision,
        Err(problem) => return again(&shared, &officer, &id, (problem, &fields)).await,
    };
    let entry = decision.entry(&officer, shared.clock.now());
    let seen = (&id, fields.text("version"));
    match judge_as_seen(&shared, &officer, seen, &entry).await? {
        Ok(_) => {}
        Err(error) => {
            let problem = problem(error).ok_or(error);
            let problem = problem.map_err(Refused::store(officer.words))?;
            return again(&shared, &officer, &id, (problem, &fields)).await;
        }
    }
    told(&shared, &officer, AuditAction::LeadJudged, &id).await?;
    let next = next(&shared, &officer, &id).await?;
    Ok(see(&match next {
        Some(next) => format!("/leads/{next}?judged={id}"),
        None => format!("/leads?judged={id}"),
    }))
}

/// Writes a person's decision on what it has seen, alone or as one of two as its unit asks.
pub(crate) async fn judge_as_seen(
    shared: &Shared,
    officer: &Officer,
    seen: (&LeadId, &str),
    entry: &VerdictEntry,
) -> Result<Result<LeadSummary, store::Error>, Refused> {
    let unit = officer.unit();
    let settings = shared.store.tenants.tenant(unit).await;
    let settings = settings.map_err(Refused::store(officer.words))?;
    let asks_two = settings.is_some_and(|unit| unit.second_opinion);
    let by = (&officer.person.person_id, asks_two);
    Ok(shared
        .store
        .leads
        .judge_as_seen(unit, seen, by, entry)
        .await)
}

/// What to tell a person whose verdict was not recorded; none if the fault is not the lead's.
pub(crate) fn problem(error: store::Error) -> Option<&'static str> {
    match error {
        store::OWN_OPINION => Some("problem-own-opinion"),
        store::Error::Conflict(_) => Some("problem-changed"),
        store::Error::Gone("the lead's reference") => Some("problem-ended"),
        _ => None,
    }
}

/// The lead's page once more, with what was typed.
async fn again(
    shared: &Shared,
    officer: &Officer,
    id: &LeadId,
    (problem, fields): (&'static str, &FormFields),
) -> Paged {
    let mut page = lead::view(shared, officer, id, &FormFields::default()).await?;
    page.problem = Some(problem);
    page.note = fields.text("note").to_owned();
    page.chosen = fields.text("verdict").to_owned();
    Ok(super::answers::html(StatusCode::CONFLICT, &page))
}

pub(crate) async fn told(
    shared: &Shared,
    officer: &Officer,
    deed: AuditAction,
    id: &LeadId,
) -> Result<(), Refused> {
    let told = shared.audit_actor(officer.actor(), deed, Some(id.as_str()));
    told.await.map_err(Refused::failed(officer.words))
}

/// The lead that waits longest, other than this one.
async fn next(
    shared: &Shared,
    officer: &Officer,
    judged: &LeadId,
) -> Result<Option<LeadId>, Refused> {
    let oldest = TabQuery {
        limit: 2,
        ..TabQuery::of(LeadTab::Open)
    };
    let waiting = shared.store.leads.tab(officer.unit(), &oldest).await;
    let mut waiting = waiting
        .map_err(Refused::store(officer.words))?
        .items
        .into_iter();
    let next = waiting.find(|lead| lead.lead_id != *judged);
    Ok(next.map(|lead| lead.lead_id))
}

/// `POST /leads/{lead_id}/here`: the page says each minute that it is open.
pub(crate) async fn here(
    State(shared): State<Shared>,
    Ids([id]): Ids<1>,
    form: PersonForm,
) -> Paged {
    let officer = form.officer;
    officer.must_be(PersonRole::Reviewer)?;
    let missing = |_| Refused::Page(officer.words, Why::Missing);
    let id = LeadId::parse(&id).map_err(missing)?;
    let (unit, by) = (officer.unit(), &officer.person.person_id);
    let known = shared.store.leads.lead_summary(unit, &id).await;
    let known = known.map_err(Refused::store(officer.words))?;
    known.ok_or(Refused::Page(officer.words, Why::Missing))?;
    let looks = shared
        .store
        .leads
        .look_at(unit, &id, by, shared.clock.now());
    looks.await.map_err(Refused::store(officer.words))?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `POST /leads/{lead_id}/take-back`
pub(crate) async fn take_back(
    State(shared): State<Shared>,
    Ids([id]): Ids<1>,
    form: PersonForm,
) -> Paged {
    let officer = form.officer;
    officer.must_be(PersonRole::Reviewer)?;
    let missing = |_| Refused::Page(officer.words, Why::Missing);
    let id = LeadId::parse(&id).map_err(missing)?;
    let (unit, by) = (officer.unit(), &officer.person.person_id);
    let taken = shared
        .store
        .leads
        .take_verdict_back(unit, &id, by, shared.clock.now());
    match taken.await {
        Ok(_) => {}
        Err(store::Error::Conflict(_)) => {
            let late = ("problem-late", &form.fields);
            return again(&shared, &officer, &id, late).await;
        }
        Err(error) => return Err(Refused::store(officer.words)(error)),
    }
    told(&shared, &officer, AuditAction::VerdictTakenBack, &id).await?;
    Ok(see(&format!("/leads/{id}?judged={id}")))
}

/// What this person decided a moment ago on the lead of this id, if it did.
pub(crate) async fn judged(
    shared: &Shared,
    officer: &Officer,
    id: &str,
) -> Result<Option<Judged>, Refused> {
    let Ok(id) = LeadId::parse(id) else {
        return Ok(None);
    };
    let verdicts = shared.store.leads.verdicts(officer.unit(), &id).await;
    let last = verdicts.map_err(Refused::store(officer.words))?.pop();
    let (now, by) = (shared.clock.now(), &officer.person.person_id);
    let recent = 4 * VerdictRecord::TAKE_BACK;
    let is_own = |it: &VerdictRecord| it.by.as_ref() == Some(by) && now.since(it.at) <= recent;
    let last = last.filter(is_own);
    Ok(last.map(|last| Judged {
        lead: id.to_string(),
        word: match (last.opinion, &last.entry) {
            (Some(Opinion::First), Some(_)) => "judged-first",
            _ => labels::judged(last.entry.as_ref().map(|it| it.verdict)),
        },
        may_take_back: last.may_be_taken_back(by, now),
    }))
}
