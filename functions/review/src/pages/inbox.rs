//! The inbox.

use std::time::Duration;

use axum::extract::State;
use futures::future::try_join_all;
use pages::{Choice, Group, Held, InboxPage, Row, Search, Tab, Words};
use records::{
    AuditAction, Evidence, LeadId, LeadStatus, LeadSummary, PersonRole, Reference, ReferenceStatus,
    SearchState, Sighting,
};

use super::access::Officer;
use super::answers::{Paged, Refused, page};
use super::form::{Asked, FormFields};
use super::judging;
use crate::Shared;

/// Leads on a page.
const PAGE: usize = 25;

/// Sightings that a row names places of.
const PLACES_OF: usize = 6;

/// Rows whose sightings are read at once.
const AT_ONCE: usize = 8;

/// References of a unit that are looked through for the side of the page.
const REFERENCES_MAX: usize = 2_000;

/// The name of the person whom a laptop's link signs in, until it has one.
pub const NAMELESS: &str = "Officer at this computer";

const TABS: [(&str, &str); 6] = [
    ("open", "tab-open"),
    ("held", "tab-held"),
    ("unsure", "tab-unsure"),
    ("confirmed", "tab-confirmed"),
    ("dismissed", "tab-dismissed"),
    ("withdrawn", "tab-withdrawn"),
];
const LEVELS: [(&str, &str); 3] = [
    ("all", "level-all"),
    ("alert", "level-alert"),
    ("review", "level-review"),
];
const FOUND: [(&str, &str); 3] = [
    ("any", "found-any"),
    ("day", "found-day"),
    ("week", "found-week"),
];
const ORDERS: [(&str, &str); 3] = [
    ("case", "order-case"),
    ("new", "order-new"),
    ("seen", "order-seen"),
];

/// Whether a lead waits for a person.
pub(crate) fn waits(lead: &LeadSummary) -> bool {
    tab_of(lead) == "open"
}

fn tab_of(lead: &LeadSummary) -> &'static str {
    match lead.status {
        LeadStatus::Open if lead.held_for.is_some() => "held",
        LeadStatus::Open => "open",
        LeadStatus::Unsure => "unsure",
        LeadStatus::Confirmed => "confirmed",
        LeadStatus::Dismissed => "dismissed",
        LeadStatus::Withdrawn => "withdrawn",
    }
}

/// What is asked for, each one of a few words.
struct Query {
    tab: &'static str,
    level: &'static str,
    found: &'static str,
    order: &'static str,
    page: usize,
}

impl Query {
    fn of(asked: &FormFields) -> Self {
        let one_of = |name: &str, known: &[(&'static str, &'static str)]| {
            let text = asked.text(name);
            let found = known.iter().find(|(code, _)| *code == text);
            found.unwrap_or(&known[0]).0
        };
        Self {
            tab: one_of("tab", &TABS),
            level: one_of("level", &LEVELS),
            found: one_of("found", &FOUND),
            order: one_of("order", &ORDERS),
            page: asked.text("page").parse().unwrap_or(0),
        }
    }

    fn shows(&self, lead: &LeadSummary, now: records::Timestamp) -> bool {
        let window = match self.found {
            "day" => Some(Duration::from_secs(86_400)),
            "week" => Some(Duration::from_secs(7 * 86_400)),
            _ => None,
        };
        tab_of(lead) == self.tab
            && (self.level == "all" || self.level == lead.level.as_str())
            && window.is_none_or(|window| now.since(lead.created_at) <= window)
    }

    fn next(&self) -> String {
        format!(
            "/leads?tab={}&level={}&found={}&order={}&page={}",
            self.tab,
            self.level,
            self.found,
            self.order,
            self.page.saturating_add(1)
        )
    }
}

/// `GET /leads`
pub(crate) async fn show(
    State(shared): State<Shared>,
    officer: Officer,
    Asked(asked): Asked,
) -> Paged {
    officer.must_be(PersonRole::Reviewer)?;
    let (words, unit) = (officer.words, officer.unit());
    let failed = Refused::store(words);
    let all = shared
        .store
        .leads
        .lead_summaries(unit)
        .await
        .map_err(&failed)?;
    let references = references(&shared, &officer).await?;
    let query = Query::of(&asked);
    let now = shared.clock.now();
    let mut leads: Vec<&LeadSummary> = all.iter().filter(|lead| query.shows(lead, now)).collect();
    ordered(&mut leads, query.order);
    let of = leads.len();
    let from = query.page.saturating_mul(PAGE).min(of);
    let shown: Vec<&LeadSummary> = leads.into_iter().skip(from).take(PAGE).collect();
    let sightings = sightings(&shared, &officer, &shown).await?;
    let told = shared.audit_actor(officer.actor(), AuditAction::LeadSeen, None);
    told.await.map_err(Refused::failed(words))?;
    let oldest = all.iter().find(|lead| waits(lead));
    let counted = |code: &str| all.iter().filter(|lead| tab_of(lead) == code).count() as u64;
    let waiting = counted("open");
    let active = |it: &&Reference| it.status == ReferenceStatus::Active;
    page(&InboxPage {
        judged: judging::judged(&shared, &officer, asked.text("judged")).await?,
        asks_name: officer.person.name.as_str() == NAMELESS,
        waiting,
        oldest: oldest.map(|lead| words.span(now.since(lead.created_at))),
        first: oldest.map(|lead| lead.lead_id.to_string()),
        tabs: tabs(&query, counted),
        tab: query.tab,
        levels: choices(&LEVELS, query.level),
        found: choices(&FOUND, query.found),
        orders: choices(&ORDERS, query.order),
        groups: groups(words, now, &shown, &sightings, &references),
        empty: if query.tab == "open" {
            "empty-open"
        } else {
            "empty-tab"
        },
        searched: references.iter().filter(active).count() as u64,
        shown: shown.len(),
        of,
        pager: pager(words, from, shown.len(), of),
        next: (from + shown.len() < of).then(|| query.next()),
        helds: helds(&references, &all),
        searches: searches(&references),
        shell: officer.shell("leads", waiting),
    })
}

fn pager(words: Words, from: usize, shown: usize, of: usize) -> String {
    let number = |n: usize| n as u64;
    words.numbers(
        "pager-of",
        &[
            ("from", number(from + 1)),
            ("to", number(from + shown)),
            ("of", number(of)),
        ],
    )
}

/// Leads of one case stand together, the case of the oldest first; or as asked.
fn ordered(leads: &mut [&LeadSummary], order: &str) {
    match order {
        "new" => leads.reverse(),
        "seen" => leads.sort_by_key(|lead| std::cmp::Reverse(lead.sightings_total)),
        _ => {
            let mut first = std::collections::HashMap::new();
            for (place, lead) in leads.iter().enumerate() {
                first.entry(lead.case_id.clone()).or_insert(place);
            }
            leads.sort_by_key(|lead| first.get(&lead.case_id).copied());
        }
    }
}

fn tabs(query: &Query, counted: impl Fn(&str) -> u64) -> Vec<Tab> {
    let tab = |(code, word): (&'static str, &'static str)| Tab {
        code,
        word,
        count: counted(code),
        is_here: code == query.tab,
    };
    TABS.into_iter().map(tab).collect()
}

fn choices(known: &[(&'static str, &'static str)], here: &str) -> Vec<Choice> {
    let choice = |(code, word): &(&'static str, &'static str)| Choice {
        code,
        word,
        is_here: *code == here,
    };
    known.iter().map(choice).collect()
}

/// The references of the person's unit, up to a bound.
pub(crate) async fn references(
    shared: &Shared,
    officer: &Officer,
) -> Result<Vec<Reference>, Refused> {
    let (mut references, mut cursor) = (Vec::new(), None);
    loop {
        let page = shared.store.references.references(
            officer.unit(),
            None,
            cursor.as_ref(),
            store::PAGE_ITEMS_MAX,
        );
        let page = page.await.map_err(Refused::store(officer.words))?;
        references.extend(page.items);
        match page.next {
            Some(next) if references.len() < REFERENCES_MAX => cursor = Some(next),
            _ => return Ok(references),
        }
    }
}

/// The first sightings of each lead that is shown.
async fn sightings(
    shared: &Shared,
    officer: &Officer,
    shown: &[&LeadSummary],
) -> Result<Vec<Vec<Sighting>>, Refused> {
    let mut found = Vec::new();
    for some in shown.chunks(AT_ONCE) {
        let ids: Vec<LeadId> = some.iter().map(|lead| lead.lead_id.clone()).collect();
        let mut reads = Vec::new();
        for id in &ids {
            let (store, unit) = (&shared.store, officer.unit());
            reads.push(store.leads.lead_sightings_page(unit, id, None, PLACES_OF));
        }
        let pages = try_join_all(reads).await;
        let pages = pages.map_err(Refused::store(officer.words))?;
        found.extend(pages.into_iter().map(|page| page.items));
    }
    Ok(found)
}

fn groups(
    words: Words,
    now: records::Timestamp,
    shown: &[&LeadSummary],
    sightings: &[Vec<Sighting>],
    references: &[Reference],
) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (lead, sightings) in shown.iter().zip(sightings) {
        let row = row(words, now, lead, sightings);
        let case = lead.case_id.to_string();
        match groups.last_mut() {
            Some(group) if group.case == case => group.rows.push(row),
            _ => groups.push(Group {
                case,
                reference: lead.reference_id.to_string(),
                has_photo: references.iter().any(|it| {
                    it.reference_id == lead.reference_id && super::cases::has_picture(it)
                }),
                rows: vec![row],
            }),
        }
    }
    groups
}

fn row(words: Words, now: records::Timestamp, lead: &LeadSummary, sightings: &[Sighting]) -> Row {
    let total = lead.sightings_total.unwrap_or(sightings.len() as u64);
    let mut places: Vec<&str> = sightings
        .iter()
        .filter_map(|it| it.place.as_ref().map(|place| place.as_str()))
        .collect();
    places.dedup();
    places.truncate(3);
    let waited = words.span(now.since(lead.created_at));
    Row {
        id: lead.lead_id.to_string(),
        edit: capital(&pages::edit(words, lead.edit.as_str())),
        seen: words.n("seen-times", &total),
        places: (!places.is_empty()).then(|| places.join(", ")),
        is_claimed: lead.evidence == Evidence::Claimed,
        is_alert: lead.is_alert(),
        waits: match waits(lead) {
            true => words.a("row-waits", "wait", &waited),
            false => words.a("row-found", "when", &words.time(lead.created_at)),
        },
    }
}

/// The text with a capital letter first, where its script has one.
pub(crate) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + chars.as_str()
}

fn helds(references: &[Reference], leads: &[LeadSummary]) -> Vec<Held> {
    let held = references
        .iter()
        .filter(|it| it.alerting.held_since.is_some());
    let held = held.map(|reference| Held {
        case: reference.case_id.to_string(),
        reference: reference.reference_id.to_string(),
        leads: leads
            .iter()
            .filter(|it| it.reference_id == reference.reference_id && tab_of(it) == "held")
            .count() as u64,
    });
    held.collect()
}

fn searches(references: &[Reference]) -> Vec<Search> {
    let is_under_way = |it: &&Reference| {
        it.status == ReferenceStatus::Active && it.search.state == SearchState::Running
    };
    let searches = references.iter().filter(is_under_way);
    let searches = searches.map(|reference| Search {
        case: reference.case_id.to_string(),
        done: reference.search.images_searched,
        total: reference.search.images_total.max(1),
    });
    searches.take(5).collect()
}
