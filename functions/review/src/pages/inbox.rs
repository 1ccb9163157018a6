//! The inbox.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Duration;

use axum::extract::State;
use futures::{StreamExt, TryStreamExt, stream};
use pages::{Choice, Group, Held, InboxPage, Row, Search, Tab, Words};
use records::{
    AuditAction, Cursor, Evidence, Label, LeadId, LeadSummary, LeadTab, Level, PersonRole,
    Reference, ReferenceStatus, SearchState, TabEntry, Timestamp,
};
use store::{LeadCounts, TabQuery};

use super::access::Officer;
use super::answers::{Paged, Refused, page, see};
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

const TABS: [(LeadTab, &str); 7] = [
    (LeadTab::Open, "tab-open"),
    (LeadTab::Held, "tab-held"),
    (LeadTab::Second, "tab-second"),
    (LeadTab::Unsure, "tab-unsure"),
    (LeadTab::Confirmed, "tab-confirmed"),
    (LeadTab::Dismissed, "tab-dismissed"),
    (LeadTab::Withdrawn, "tab-withdrawn"),
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

/// What is asked for, each one of a few words.
struct Query {
    tab: LeadTab,
    level: &'static str,
    found: &'static str,
    order: &'static str,
    /// Of the leads that are read at once.
    page: usize,
    /// Where those begin, and how many leads lie before them.
    after: Option<Cursor>,
    before: usize,
}

impl Query {
    fn of(asked: &FormFields) -> Self {
        let one_of = |name: &str, known: &[(&'static str, &'static str)]| {
            let text = asked.text(name);
            let found = known.iter().find(|(code, _)| *code == text);
            found.unwrap_or(&known[0]).0
        };
        let tab = LeadTab::ALL
            .into_iter()
            .find(|tab| tab.as_str() == asked.text("tab"));
        let after = asked.text("after");
        Self {
            tab: tab.unwrap_or(LeadTab::Open),
            level: one_of("level", &LEVELS),
            found: one_of("found", &FOUND),
            order: one_of("order", &ORDERS),
            page: asked.text("page").parse().unwrap_or(0),
            after: (!after.is_empty()).then(|| Cursor::from_text(after)),
            before: asked.text("before").parse().unwrap_or(0),
        }
    }

    /// The entries of the store that it is about.
    fn entries(&self, now: Timestamp) -> TabQuery {
        let day = Duration::from_secs(86_400);
        let since = match self.found {
            "day" => Some(now.minus(day)),
            "week" => Some(now.minus(7 * day)),
            _ => None,
        };
        TabQuery {
            newest_first: self.order == "new",
            since,
            after: self.after.clone(),
            ..TabQuery::of(self.tab)
        }
    }

    fn shows(&self, entry: &TabEntry) -> bool {
        self.level == "all" || self.level == entry.level().as_str()
    }

    /// How many leads it is about; none if only those that were read are known.
    fn of_all(&self, counts: &LeadCounts) -> Option<usize> {
        let count = match (self.found, self.level) {
            ("any", "all") => counts.in_tab(self.tab),
            ("any", "alert") => counts.at_level(self.tab, Level::Alert),
            ("any", _) => counts.at_level(self.tab, Level::Review),
            _ => return None,
        };
        usize::try_from(count).ok()
    }

    /// The address of the next page: of those that were read, or of those after them.
    fn next(&self, read: usize, more: Option<&Cursor>) -> Option<String> {
        let is_here = (self.page + 1).saturating_mul(PAGE) < read;
        let (page, before, after) = match (is_here, more) {
            (true, _) => (self.page + 1, self.before, self.after.as_ref()),
            (false, Some(more)) => (0, self.before.saturating_add(read), Some(more)),
            (false, None) => return None,
        };
        let (tab, level) = (self.tab.as_str(), self.level);
        let (found, order) = (self.found, self.order);
        let path =
            format!("/leads?tab={tab}&level={level}&found={found}&order={order}&page={page}");
        Some(match after {
            Some(after) => format!("{path}&before={before}&after={}", after.as_str()),
            None => path,
        })
    }
}

/// The leads of a page, and where it is among them all.
struct Shown {
    leads: Vec<LeadSummary>,
    from: usize,
    of: usize,
    next: Option<String>,
}

async fn shown(
    shared: &Shared,
    officer: &Officer,
    query: &Query,
    counts: &LeadCounts,
) -> Result<Shown, Refused> {
    let (unit, leads) = (officer.unit(), &shared.store.leads);
    let failed = Refused::store(officer.words);
    let read = match leads.tab(unit, &query.entries(shared.clock.now())).await {
        Err(store::Error::Rejected(_)) => return Err(Refused::from(see("/leads"))),
        read => read.map_err(&failed)?,
    };
    let entries: Vec<TabEntry> = read
        .items
        .into_iter()
        .filter(|it| query.shows(it))
        .collect();
    let ids = ordered(&entries, query.order);
    let start = query.page.saturating_mul(PAGE).min(ids.len());
    let end = (start + PAGE).min(ids.len());
    let found = match query.order {
        "seen" => {
            let mut all = leads.leads_by_id(unit, &ids).await.map_err(&failed)?;
            all.sort_by_key(|lead| Reverse(lead.sightings_total));
            all.into_iter().skip(start).take(PAGE).collect()
        }
        _ => leads
            .leads_by_id(unit, &ids[start..end])
            .await
            .map_err(&failed)?,
    };
    let before = query.before;
    Ok(Shown {
        leads: found,
        from: before.saturating_add(start),
        of: query
            .of_all(counts)
            .unwrap_or(before.saturating_add(ids.len())),
        next: query.next(ids.len(), read.next.as_ref()),
    })
}

/// `GET /leads`
pub(crate) async fn show(
    State(shared): State<Shared>,
    officer: Officer,
    Asked(asked): Asked,
) -> Paged {
    officer.must_be(PersonRole::Reviewer)?;
    let words = officer.words;
    let query = Query::of(&asked);
    let counts = officer.counts(&shared).await?;
    let shown = shown(&shared, &officer, &query, &counts).await?;
    let references = references(&shared, &officer).await?;
    let places = places(&shared, &officer, &shown.leads).await?;
    let others = others(&shared, &officer, &shown.leads).await?;
    let told = shared.audit_actor(officer.actor(), AuditAction::LeadSeen, None);
    told.await.map_err(Refused::failed(words))?;
    let oldest = oldest(&shared, &officer).await?;
    let now = shared.clock.now();
    let waiting = counts.in_tab(LeadTab::Open);
    let active = |it: &&Reference| it.status == ReferenceStatus::Active;
    page(&InboxPage {
        judged: judging::judged(&shared, &officer, asked.text("judged")).await?,
        asks_name: officer.person.name.as_str() == NAMELESS,
        waiting,
        oldest: oldest
            .as_ref()
            .map(|it| words.span(now.since(it.created_at))),
        first: oldest.map(|lead| lead.lead_id.to_string()),
        tabs: tabs(&query, &counts),
        tab: query.tab.as_str(),
        levels: choices(&LEVELS, query.level),
        found: choices(&FOUND, query.found),
        orders: choices(&ORDERS, query.order),
        groups: groups(words, now, (&shown.leads, &places, &others), &references),
        empty: match query.tab {
            LeadTab::Open => "empty-open",
            _ => "empty-tab",
        },
        searched: references.iter().filter(active).count() as u64,
        shown: shown.leads.len(),
        of: shown.of,
        pager: pager(words, shown.from, shown.leads.len(), shown.of),
        next: shown.next,
        helds: helds(&references, &counts),
        searches: searches(&references),
        shell: officer.shell("leads", waiting),
    })
}

/// The lead that waits longest.
async fn oldest(shared: &Shared, officer: &Officer) -> Result<Option<TabEntry>, Refused> {
    let first = TabQuery {
        limit: 1,
        ..TabQuery::of(LeadTab::Open)
    };
    let found = shared.store.leads.tab(officer.unit(), &first).await;
    Ok(found.map_err(Refused::store(officer.words))?.items.pop())
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

/// Leads of one case stand together, the case of the oldest first; or as they come.
fn ordered(entries: &[TabEntry], order: &str) -> Vec<LeadId> {
    let mut entries: Vec<&TabEntry> = entries.iter().collect();
    if order == "case" {
        let mut first = HashMap::new();
        for (place, entry) in entries.iter().enumerate() {
            first.entry(&entry.case_id).or_insert(place);
        }
        entries.sort_by_key(|entry| first.get(&entry.case_id).copied());
    }
    entries
        .into_iter()
        .map(|entry| entry.lead_id.clone())
        .collect()
}

fn tabs(query: &Query, counts: &LeadCounts) -> Vec<Tab> {
    let tab = |(tab, word): (LeadTab, &'static str)| Tab {
        code: tab.as_str(),
        word,
        count: counts.in_tab(tab),
        is_here: tab == query.tab,
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

/// The first places of each lead that is shown. A lead of an older build does not have them: its sightings do.
async fn places(
    shared: &Shared,
    officer: &Officer,
    shown: &[LeadSummary],
) -> Result<Vec<Vec<Label>>, Refused> {
    let of = |lead: LeadSummary| async move {
        if let Some(places) = lead.places {
            return Ok(places);
        }
        let (leads, unit) = (&shared.store.leads, officer.unit());
        let page = leads
            .lead_sightings_page(unit, &lead.lead_id, None, PLACES_OF)
            .await;
        page.map(|page| records::first_places(&[], &page.items))
    };
    let all = stream::iter(shown.to_vec()).map(of).buffered(AT_ONCE);
    all.try_collect()
        .await
        .map_err(Refused::store(officer.words))
}

/// By lead the name of another person who looks at it now.
type Others = HashMap<LeadId, String>;

/// Who else looks at these leads now.
pub(crate) async fn others(
    shared: &Shared,
    officer: &Officer,
    leads: &[LeadSummary],
) -> Result<Others, Refused> {
    let ids: Vec<LeadId> = leads.iter().map(|lead| lead.lead_id.clone()).collect();
    let (unit, failed) = (officer.unit(), Refused::store(officer.words));
    let looking = shared.store.leads.looking(unit, &ids).await;
    let (me, now) = (&officer.person.person_id, shared.clock.now());
    let mut others = HashMap::new();
    for (lead, presence) in looking.map_err(&failed)? {
        if presence.is_of_another(me, now) {
            let person = shared.store.tenants.person(unit, &presence.person_id).await;
            let name = person
                .map_err(&failed)?
                .map(|person| person.name.to_string());
            others.insert(lead, name.unwrap_or_default());
        }
    }
    Ok(others)
}

fn groups(
    words: Words,
    now: Timestamp,
    (shown, places, others): (&[LeadSummary], &[Vec<Label>], &Others),
    references: &[Reference],
) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (lead, places) in shown.iter().zip(places) {
        let row = row(words, now, (lead, places), others.get(&lead.lead_id));
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

fn row(
    words: Words,
    now: Timestamp,
    (lead, places): (&LeadSummary, &[Label]),
    other: Option<&String>,
) -> Row {
    let total = lead.sightings_total.unwrap_or(1);
    let places: Vec<&str> = places.iter().map(Label::as_str).collect();
    let waited = words.span(now.since(lead.created_at));
    Row {
        id: lead.lead_id.to_string(),
        edit: capital(&pages::edit(words, lead.edit.as_str())),
        seen: words.n("seen-times", &total),
        places: (!places.is_empty()).then(|| places.join(", ")),
        is_claimed: lead.evidence == Evidence::Claimed,
        is_alert: lead.is_alert(),
        other: other.cloned(),
        waits: match lead.tab() == LeadTab::Open {
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

fn helds(references: &[Reference], counts: &LeadCounts) -> Vec<Held> {
    let held = references
        .iter()
        .filter(|it| it.alerting.held_since.is_some());
    let held = held.map(|reference| Held {
        case: reference.case_id.to_string(),
        reference: reference.reference_id.to_string(),
        leads: counts.of_reference(&reference.reference_id, LeadTab::Held),
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
