//! The audit log, checked from its first entry to its last.

use std::collections::HashMap;

use axum::extract::State;
use pages::{LogPage, LogRow};
use records::{AuditAction, AuditEntry, Person, PersonId, PersonRole};

use super::access::Officer;
use super::answers::{Paged, Refused, page};
use super::form::Asked;
use super::labels;
use crate::{Shared, reports};

/// Entries on a page.
const PAGE: u64 = 100;

/// `GET /log`
pub(crate) async fn show(
    State(shared): State<Shared>,
    officer: Officer,
    Asked(asked): Asked,
) -> Paged {
    officer.must_be(PersonRole::Auditor)?;
    let words = officer.words;
    let told = shared.audit_actor(officer.actor(), AuditAction::AuditSeen, None);
    told.await.map_err(Refused::failed(words))?;
    let people = shared.store.tenants.persons(officer.unit()).await;
    let people = people.map_err(Refused::store(words))?;
    let people = people.into_iter().map(|it| (it.person_id.clone(), it));
    let people: HashMap<PersonId, Person> = people.collect();
    let read = reports::checked_log(&shared, officer.actor()).await;
    let (entries, _, is_whole) = read.map_err(Refused::failed(words))?;
    let last = entries.last().map_or(0, |entry| entry.seq);
    let before = asked.text("before").parse().unwrap_or(last + 1);
    let newest_first = entries.iter().rev().filter(|it| it.seq < before);
    let rows: Vec<LogRow> = newest_first
        .take(usize::try_from(PAGE).unwrap_or(usize::MAX))
        .map(|entry| row(&officer, &people, entry))
        .collect();
    page(&LogPage {
        shell: officer.counted_shell(&shared, "log").await?,
        checked: match is_whole {
            true => words.n("log-whole", &last),
            false => words.t("log-broken"),
        },
        is_whole,
        before: rows.last().map(|row| row.seq).filter(|seq| *seq > 1),
        rows,
    })
}

fn row(officer: &Officer, people: &HashMap<PersonId, Person>, entry: &AuditEntry) -> LogRow {
    let words = officer.words;
    let name = entry.by.as_ref().and_then(|by| people.get(by));
    let role = || entry.actor.map(|role| role.as_str().to_owned());
    let who = name.map(|person| person.name.to_string()).or_else(role);
    let of = [&entry.subject, &entry.what];
    let of: Vec<&str> = of.into_iter().flatten().map(|it| it.as_str()).collect();
    LogRow {
        seq: entry.seq,
        when: words.time(entry.at),
        who: who.unwrap_or_else(|| words.t("log-system")),
        did: labels::deed(entry.action),
        of: of.join(" · "),
    }
}
