//! The page of one lead, and its report.

use std::collections::HashMap;

use axum::extract::State;
use pages::{HistoryRow, LeadPage, Reason, ReportPage, SightingRow, VerdictLine, Words};
use records::{
    AuditAction, Evidence, FrameUnit, ImageSha256, Lead, LeadId, LeadSummary, LeadTab, Method,
    NoPicture, Opinion, Outline, Person, PersonId, PersonRole, Reference, ReferenceStatus,
    Sighting, TabEntry, Upload, VerdictEntry, VerdictReason, VerdictRecord,
};

use store::TabQuery;

use super::access::Officer;
use super::answers::{Paged, Refused, Why, page};
use super::form::{Asked, FormFields};
use super::{cases, inbox, judging, labels, pictures};
use crate::Shared;
use crate::body::Ids;
use crate::leads::REASONS;

/// `GET /leads/{lead_id}`
pub(crate) async fn show(
    State(shared): State<Shared>,
    officer: Officer,
    Ids([id]): Ids<1>,
    Asked(asked): Asked,
) -> Paged {
    let id = seen(&officer, &id)?;
    let view = view(&shared, &officer, &id, &asked).await?;
    judging::told(&shared, &officer, AuditAction::LeadSeen, &id).await?;
    let (unit, by) = (officer.unit(), &officer.person.person_id);
    let looks = shared
        .store
        .leads
        .look_at(unit, &id, by, shared.clock.now());
    looks.await.map_err(Refused::store(officer.words))?;
    page(&view)
}

/// `GET /leads/{lead_id}/report`
pub(crate) async fn report(
    State(shared): State<Shared>,
    officer: Officer,
    Ids([id]): Ids<1>,
) -> Paged {
    let id = seen(&officer, &id)?;
    let lead = view(&shared, &officer, &id, &FormFields::default()).await?;
    judging::told(&shared, &officer, AuditAction::LeadSeen, &id).await?;
    page(&ReportPage {
        shell: officer.counted_shell(&shared, "leads").await?,
        may_seal: officer.person.is(PersonRole::Supervisor),
        lead,
        made_at: officer.words.time(shared.clock.now()),
        person: officer.person.name.to_string(),
    })
}

fn seen(officer: &Officer, id: &str) -> Result<LeadId, Refused> {
    officer.must_be(PersonRole::Reviewer)?;
    LeadId::parse(id).map_err(|_| Refused::Page(officer.words, Why::Missing))
}

/// All that the page of a lead is made of.
struct Read {
    /// The unit's leads that wait, the oldest first, up to a thousand.
    open: Vec<TabEntry>,
    waiting: u64,
    lead: Lead,
    reference: Option<Reference>,
    source: Result<Upload, NoPicture>,
    verdicts: Vec<VerdictRecord>,
    people: HashMap<PersonId, Person>,
    other: Option<String>,
}

async fn read(shared: &Shared, officer: &Officer, id: &LeadId) -> Result<Read, Refused> {
    let (unit, words) = (officer.unit(), officer.words);
    let failed = Refused::store(words);
    let lead = shared.store.leads.lead(unit, id).await.map_err(&failed)?;
    let lead = lead.ok_or(Refused::Page(words, Why::Missing))?;
    let reference = shared
        .store
        .references
        .reference(unit, &lead.summary.reference_id);
    let people = shared.store.tenants.persons(unit).await.map_err(&failed)?;
    let open = TabQuery::of(LeadTab::Open);
    let open = shared.store.leads.tab(unit, &open).await;
    let summary = std::slice::from_ref(&lead.summary);
    let other = inbox::others(shared, officer, summary).await?;
    Ok(Read {
        other: other.into_values().next(),
        reference: reference.await.map_err(&failed)?,
        source: pictures::source(shared, words, &lead).await?,
        verdicts: shared
            .store
            .leads
            .verdicts(unit, id)
            .await
            .map_err(&failed)?,
        open: open.map_err(&failed)?.items,
        waiting: officer.counts(shared).await?.in_tab(LeadTab::Open),
        people: people
            .into_iter()
            .map(|it| (it.person_id.clone(), it))
            .collect(),
        lead,
    })
}

/// The page of a lead.
pub(crate) async fn view(
    shared: &Shared,
    officer: &Officer,
    id: &LeadId,
    asked: &FormFields,
) -> Result<LeadPage, Refused> {
    let read = read(shared, officer, id).await?;
    let judged = judging::judged(shared, officer, asked.text("judged")).await?;
    let mut page = drawn(officer, &read);
    page.judged = judged;
    page.is_whole = asked.text("whole") == "1";
    Ok(page)
}

fn drawn(officer: &Officer, read: &Read) -> LeadPage {
    let words = officer.words;
    let (summary, reference) = (&read.lead.summary, read.reference.as_ref());
    let place = read
        .open
        .iter()
        .position(|it| it.lead_id == summary.lead_id);
    let id_at = |place: Option<usize>| {
        let lead = place.and_then(|place| read.open.get(place));
        lead.map(|lead| lead.lead_id.to_string())
    };
    let total = summary.sightings_total;
    let seen = total.unwrap_or(read.lead.sightings.len() as u64);
    LeadPage {
        shell: officer.shell("leads", read.waiting),
        id: summary.lead_id.to_string(),
        case: summary.case_id.to_string(),
        reference: summary.reference_id.to_string(),
        version: summary.version(),
        place: which(words, place, read.waiting),
        before: id_at(place.and_then(|place| place.checked_sub(1))),
        next: id_at(Some(place.map_or(0, |place| place + 1))),
        judged: None,
        problem: None,
        edit: pages::edit(words, summary.edit.as_str()),
        seen: words.n("seen-times", &seen),
        found_on: read
            .source
            .as_ref()
            .ok()
            .and_then(|it| found_on(words, summary, it)),
        is_alert: summary.is_alert(),
        is_held: summary.held_for.is_some(),
        other: read.other.clone(),
        opinion: opinion(officer, summary),
        verdict: summary.verdict.as_ref().map(|it| line(words, it)),
        is_reopened: summary.reopened_at.is_some(),
        has_photo: reference.is_some_and(cases::has_picture),
        has_picture: read.source.is_ok(),
        gone: read
            .source
            .as_ref()
            .err()
            .map(|why| labels::no_picture(*why)),
        has_place: summary.outline.is_some(),
        is_whole: false,
        frame: frame(reference),
        size: size(reference),
        outline: summary.outline.map(points),
        method: method(summary.method),
        distance: words.n("distance-of", &u64::from(summary.distance)),
        evidence: match summary.evidence {
            Evidence::Computed => "evidence-computed",
            Evidence::Claimed => "evidence-claimed",
        },
        sightings: sightings(words, &read.lead.sightings),
        history: history(officer, summary, &read.verdicts, &read.people),
        ad_sha256: grouped(&summary.image_sha256),
        photo_sha256: reference
            .and_then(|it| it.image_sha256.as_ref())
            .map(grouped),
        found_at: words.time(summary.created_at),
        policy: words.n("policy-version", &u64::from(summary.policy_version)),
        may_judge: reference.is_some_and(|it| it.status == ReferenceStatus::Active),
        reasons: reasons(),
        note: String::new(),
        chosen: String::new(),
    }
}

/// The name of the text that says how it matched.
fn method(method: Method) -> &'static str {
    match method {
        Method::Whole => "method-whole",
        Method::Parts => "method-parts",
    }
}

/// On which frame or page of the ad's file the photo was found, in words; none if it has only one.
fn found_on(words: Words, summary: &LeadSummary, source: &Upload) -> Option<String> {
    let frame = source.frames.as_ref()?.found(summary.outline.as_ref())?;
    let number = u64::from(frame.number);
    Some(match (frame.unit, frame.of) {
        (FrameUnit::Page, _) => words.n("found-on-page", &number),
        (FrameUnit::Frame, Some(of)) => {
            let numbers = [("nr", number), ("of", of.into())];
            words.numbers("found-on-frame", &numbers)
        }
        (FrameUnit::Frame, None) => words.n("found-on-frame-alone", &number),
    })
}

fn which(words: Words, place: Option<usize>, of: u64) -> String {
    let Some(place) = place else {
        return words.t("lead-alone");
    };
    let numbers = [("nr", place as u64 + 1), ("of", of)];
    words.numbers("lead-place", &numbers)
}

fn line(words: Words, entry: &VerdictEntry) -> VerdictLine {
    VerdictLine {
        word: labels::verdict(entry.verdict),
        when: words.time(entry.decided_at),
        by: entry.decided_by.as_ref().map(ToString::to_string),
        note: entry.note.as_ref().map(ToString::to_string),
        is_other_photo: entry.reason == Some(VerdictReason::SamePersonOtherPhoto),
    }
}

/// The form of the frame in which both pictures are shown. What is stored turned is shown with a margin.
fn frame(reference: Option<&Reference>) -> &'static str {
    let size = reference.and_then(|it| it.width_px.zip(it.height_px));
    match size.map(|(width, height)| f64::from(width) / f64::from(height.max(1))) {
        Some(ratio) if ratio > 1.15 => "wide",
        Some(ratio) if ratio > 0.87 => "square",
        _ => "high",
    }
}

fn size(reference: Option<&Reference>) -> String {
    let size = reference.and_then(|it| it.width_px.zip(it.height_px));
    size.map_or(String::new(), |(width, height)| {
        format!("{width} × {height}")
    })
}

/// The outline's corners in thousandths of the ad's sides.
fn points(outline: Outline) -> String {
    let points = outline.map(|(x, y)| format!("{:.0},{:.0}", x * 1000.0, y * 1000.0));
    points.join(" ")
}

fn sightings(words: Words, sightings: &[Sighting]) -> Vec<SightingRow> {
    let dash = || "–".to_owned();
    let row = |it: &Sighting| SightingRow {
        when: it.seen_at.map_or_else(dash, |at| words.time(at)),
        place: it.place.as_ref().map_or_else(dash, ToString::to_string),
        address: it
            .source_url
            .as_ref()
            .map_or_else(dash, ToString::to_string),
        by: it.uploaded_by.to_string(),
    };
    sightings.iter().map(row).collect()
}

/// What is to be said of a first opinion; none if there is none. What it was is not shown to the person who is to
/// give the second.
fn opinion(officer: &Officer, summary: &LeadSummary) -> Option<&'static str> {
    let first = summary.first_opinion.as_ref()?;
    Some(match first.by == officer.person.person_id {
        true => "opinion-own",
        false => "opinion-second",
    })
}

fn history(
    officer: &Officer,
    summary: &LeadSummary,
    verdicts: &[VerdictRecord],
    people: &HashMap<PersonId, Person>,
) -> Vec<HistoryRow> {
    let words = officer.words;
    // The second opinion is given without knowing the first.
    let is_hidden = |record: &VerdictRecord| {
        let first = summary.first_opinion.as_ref();
        first.is_some_and(|first| {
            record.entry.as_ref() == Some(&first.entry) && first.by != officer.person.person_id
        })
    };
    let found = HistoryRow {
        when: words.time(summary.created_at),
        what: words.t("hist-found"),
        by: None,
        note: None,
    };
    let rows = verdicts.iter().map(|record| {
        if is_hidden(record) {
            return HistoryRow {
                when: words.time(record.at),
                what: words.t("hist-opinion"),
                by: None,
                note: None,
            };
        }
        let entry = record.entry.as_ref();
        let by = record.by.as_ref().and_then(|id| people.get(id));
        let said = entry.and_then(|it| it.decided_by.as_ref());
        let mut what = words.t(labels::history(entry.map(|it| it.verdict)));
        if record.opinion == Some(Opinion::First) {
            what = format!("{what} ({})", words.t("hist-first"));
        }
        if let Some(reason) = entry.and_then(|it| it.reason) {
            what = format!("{what} ({})", words.t(labels::reason(reason)));
        }
        HistoryRow {
            when: words.time(record.at),
            what,
            by: said
                .or(by.map(|person| &person.name))
                .map(ToString::to_string),
            note: entry
                .and_then(|it| it.note.as_ref())
                .map(ToString::to_string),
        }
    });
    std::iter::once(found).chain(rows).collect()
}

/// A hash in groups of eight digits, as people compare it.
fn grouped(hash: &ImageSha256) -> String {
    let text = hash.to_string();
    let groups = text.as_bytes().chunks(8).map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(" ")
}

fn reasons() -> Vec<Reason> {
    let reasons = REASONS.iter().map(|(code, reason)| Reason {
        code,
        word: labels::reason(*reason),
    });
    reasons.collect()
}
