//! The inbox: which leads are in which of its tabs, and how many.
//!
//! Each lead has one entry in the tab that it is in, another in the list of its reference, and is counted with
//! its reference. Entry and count change in the transaction that changes the lead, on the condition that the
//! entry is where the lead as it was read belongs. What an older build wrote has no entry: it is listed when a
//! unit is counted for the first time, or when a change finds it missing.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use records::{
    Cursor, LeadId, LeadSummary, LeadTab, Level, Listing, Page, ReferenceId, TabEntry, TenantId,
    Timestamp,
};

use crate::db::calls::{Query, Range};
use crate::db::error::{Error, Result};
use crate::db::items::{Item, attribute, item, key, parsed, record, sort_key, text};
use crate::db::transactions::Ended;
use crate::leads::held::held_prefix;
use crate::leads::record::lead_sk;
use crate::{Leads, PAGE_ITEMS_MAX, Table};

const COUNTS: &str = "count#";

/// Says that all leads of a unit are listed; before every count, which is under hex digits.
const ALL_LISTED: &str = "count#!";

const LEVELS: [Level; 2] = [Level::Alert, Level::Review];

fn tab_prefix(tab: LeadTab) -> String {
    format!("tab#{}#", tab.as_str())
}

fn tab_sk(tab: LeadTab, entry: &TabEntry) -> String {
    format!("{}{}#{}", tab_prefix(tab), entry.created_at, entry.lead_id)
}

fn of_reference_prefix(reference: &ReferenceId) -> String {
    format!("of#{reference}#")
}

fn of_reference_sk(entry: &TabEntry) -> String {
    let prefix = of_reference_prefix(&entry.reference_id);
    format!("{prefix}{}#{}", entry.created_at, entry.lead_id)
}

pub(crate) fn count_sk(reference: &ReferenceId) -> String {
    format!("{COUNTS}{reference}")
}

/// The attribute that counts the leads of a tab and level.
fn counter(tab: LeadTab, level: Level) -> String {
    format!("{}_{}", tab.as_str(), level.as_str())
}

/// Every entry that a lead may have, in whichever tab.
pub(crate) fn entry_keys(unit: &TenantId, lead: &LeadSummary) -> Vec<Item> {
    let entry = lead.tab_entry();
    let tabs = LeadTab::ALL.map(|tab| key(unit.as_str(), tab_sk(tab, &entry)));
    let of_reference = key(unit.as_str(), of_reference_sk(&entry));
    tabs.into_iter().chain([of_reference]).collect()
}

/// How many leads of a unit are in each tab, by reference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeadCounts(BTreeMap<ReferenceId, [[u64; 2]; 7]>);

impl LeadCounts {
    fn read(items: Vec<Item>) -> Result<Self> {
        let mut counts = Self::default();
        for item in items {
            let id = sort_key(&item)?.strip_prefix(COUNTS).unwrap_or_default();
            let id = ReferenceId::parse(id).map_err(|_| Error::Damaged("count of leads"))?;
            let of = |tab, level| match item.get(&counter(tab, level)) {
                Some(_) => parsed_number(&item, &counter(tab, level)),
                None => Ok(0),
            };
            let mut all = [[0; 2]; 7];
            for (of_tab, tab) in all.iter_mut().zip(LeadTab::ALL) {
                for (count, level) in of_tab.iter_mut().zip(LEVELS) {
                    *count = of(tab, level)?;
                }
            }
            counts.0.insert(id, all);
        }
        Ok(counts)
    }

    /// Leads in a tab.
    pub fn in_tab(&self, tab: LeadTab) -> u64 {
        LEVELS.iter().map(|level| self.at_level(tab, *level)).sum()
    }

    /// Leads in a tab that are of this level.
    pub fn at_level(&self, tab: LeadTab, level: Level) -> u64 {
        self.0
            .values()
            .map(|of| of[place(tab)][usize::from(level != LEVELS[0])])
            .sum()
    }

    /// Leads of one reference in a tab.
    pub fn of_reference(&self, reference: &ReferenceId, tab: LeadTab) -> u64 {
        let of = self.0.get(reference);
        of.map_or(0, |of| of[place(tab)].iter().sum())
    }
}

fn place(tab: LeadTab) -> usize {
    tab as usize
}

fn parsed_number(item: &Item, name: &str) -> Result<u64> {
    crate::db::items::counted(item, name, "count of leads")
}

/// Which entries of a tab are asked for.
#[derive(Clone, Debug)]
pub struct TabQuery {
    /// The tab.
    pub tab: LeadTab,
    /// The newest first, else the oldest.
    pub newest_first: bool,
    /// Those that were found since this time; none: all.
    pub since: Option<Timestamp>,
    /// So many at most.
    pub limit: usize,
    /// Where to go on.
    pub after: Option<Cursor>,
}

impl TabQuery {
    /// Entries that are read at once: some 250 KB.
    pub const LIMIT_MAX: usize = 1_000;

    /// All of a tab that is read at once, the oldest first.
    pub fn of(tab: LeadTab) -> Self {
        Self {
            tab,
            newest_first: false,
            since: None,
            limit: Self::LIMIT_MAX,
            after: None,
        }
    }
}

impl Leads {
    /// How many leads of a unit are in each tab: one query up to some thousand references. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn lead_counts(&self, unit: &TenantId) -> Result<LeadCounts> {
        let mut items = self.counts(unit).await?;
        if items.first().map(sort_key).transpose()? != Some(ALL_LISTED) {
            self.list_all(unit).await?;
            items = self.counts(unit).await?;
        }
        items.retain(|item| sort_key(item).is_ok_and(|sk| sk != ALL_LISTED));
        LeadCounts::read(items)
    }

    async fn counts(&self, unit: &TenantId) -> Result<Vec<Item>> {
        let range = Range::prefix(COUNTS);
        self.db.query_all(Table::Leads, unit.as_str(), range).await
    }

    /// Leads of one reference, in whatever tab. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn count_of(&self, unit: &TenantId, reference: &ReferenceId) -> Result<u64> {
        let counts = self.lead_counts(unit).await?;
        let of_tab = |tab| counts.of_reference(reference, tab);
        Ok(LeadTab::ALL.into_iter().map(of_tab).sum())
    }

    /// A page of a tab's entries, by when they were found, at most [`TabQuery::LIMIT_MAX`]. One query. Strongly
    /// consistent.
    ///
    /// # Errors
    /// [`Error::Rejected`] for a cursor that is not of this listing.
    pub async fn tab(&self, unit: &TenantId, asked: &TabQuery) -> Result<Page<TabEntry>> {
        let cursor = asked.after.as_ref();
        let after = cursor
            .map(|cursor| cursor.open(unit, Listing::Tab))
            .transpose()?;
        let prefix = tab_prefix(asked.tab);
        if after.as_ref().is_some_and(|sk| !sk.starts_with(&prefix)) {
            return Err(Error::Rejected("it is not a cursor of this listing"));
        }
        let since = asked.since;
        let from = since.map_or(prefix.clone(), |since| format!("{prefix}{since}"));
        let range = Range::between(from, format!("{prefix}\u{10FFFF}"));
        let mut query = Query::of(Table::Leads, unit.as_str(), range);
        query.newest_first = asked.newest_first;
        query.limit = Some(asked.limit.min(TabQuery::LIMIT_MAX));
        query.after = after.as_deref();
        let (items, next) = self.db.query(&query).await?;
        let read = items.into_iter().map(|item| record(item, "entry of a tab"));
        Ok(Page {
            items: read.collect::<Result<_>>()?,
            next: next.map(|sk| Cursor::new(unit, Listing::Tab, &sk)),
        })
    }

    /// These leads, in this order, without their sightings; those that are not there are left out. Strongly
    /// consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn leads_by_id(&self, unit: &TenantId, ids: &[LeadId]) -> Result<Vec<LeadSummary>> {
        let keys = ids
            .iter()
            .map(|id| key(unit.as_str(), lead_sk(id)))
            .collect();
        let mut found = BTreeMap::new();
        for item in self.db.get_all(Table::Leads, keys).await? {
            let lead: LeadSummary = record(item, "lead")?;
            found.insert(lead.lead_id.clone(), lead);
        }
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }

    /// The leads of a reference, newest first, so many at most. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn leads_of_reference(
        &self,
        unit: &TenantId,
        reference: &ReferenceId,
        limit: usize,
    ) -> Result<Vec<LeadSummary>> {
        let range = Range::prefix(&of_reference_prefix(reference));
        let mut query = Query::of(Table::Leads, unit.as_str(), range);
        query.newest_first = true;
        query.limit = Some(limit);
        let (items, _) = self.db.query(&query).await?;
        let ids = items
            .iter()
            .map(|item| parsed(item, "lead_id", "lead of a reference"));
        let ids: Vec<LeadId> = ids.collect::<Result<_>>()?;
        self.leads_by_id(unit, &ids).await
    }

    /// Held leads of a reference that no person has judged, so many at most. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn held_leads(
        &self,
        unit: &TenantId,
        reference: &ReferenceId,
        limit: usize,
    ) -> Result<Vec<LeadSummary>> {
        let mut held = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let range = Range::prefix(&held_prefix(reference));
            let mut query = Query::of(Table::Leads, unit.as_str(), range);
            query.limit = Some(PAGE_ITEMS_MAX);
            query.after = after.as_deref();
            let (marks, next) = self.db.query(&query).await?;
            let ids = marks
                .iter()
                .map(|mark| parsed(mark, "lead_id", "held lead"));
            let ids: Vec<LeadId> = ids.collect::<Result<_>>()?;
            let leads = self.leads_by_id(unit, &ids).await?.into_iter();
            held.extend(leads.filter(|lead| lead.tab() == LeadTab::Held));
            match next {
                Some(next) if held.len() < limit => after = Some(next),
                _ => break,
            }
        }
        held.truncate(limit);
        Ok(held)
    }

    /// The steps that list and count a new lead.
    pub(crate) fn steps_listed(
        &self,
        unit: &TenantId,
        lead: &LeadSummary,
    ) -> Result<Vec<TransactWriteItem>> {
        let (tab, entry) = (lead.tab(), lead.tab_entry());
        let place = tab_sk(tab, &entry);
        let mut of_reference = key(unit.as_str(), of_reference_sk(&entry));
        of_reference.insert("lead_id".into(), text(entry.lead_id.as_str()));
        Ok(vec![
            self.db
                .step_put(Table::Leads, item(unit.as_str(), place, &entry)?)?,
            self.db.step_put(Table::Leads, of_reference)?,
            self.step_counted_in(
                unit,
                &lead.reference_id,
                &[(counter(tab, entry.level()), "1")],
            )?,
        ])
    }

    /// The steps that move a lead from where it was listed, as it was read, to where it is now; none if that is
    /// the same. They refuse the transaction if it is listed elsewhere.
    pub(crate) fn steps_moved(
        &self,
        unit: &TenantId,
        known: &LeadSummary,
        lead: &LeadSummary,
    ) -> Result<Vec<TransactWriteItem>> {
        let ((from, was), (to, is)) = (
            (known.tab(), known.tab_entry()),
            (lead.tab(), lead.tab_entry()),
        );
        if from == to && was == is {
            return Ok(Vec::new());
        }
        let place = |tab| key(unit.as_str(), tab_sk(tab, &was));
        let there = "is_alert = :was_alert";
        let values = [(":was_alert", attribute(&was.is_alert)?)];
        let listed = item(unit.as_str(), tab_sk(to, &is), &is)?;
        let mut steps = match from == to {
            true => vec![
                self.db
                    .step_put_if(Table::Leads, listed, there, &[], &values)?,
            ],
            false => vec![
                self.db
                    .step_delete(Table::Leads, place(from), Some(there), &values)?,
                self.db.step_put(Table::Leads, listed)?,
            ],
        };
        let moved = [
            (counter(from, was.level()), "-1"),
            (counter(to, is.level()), "1"),
        ];
        steps.push(self.step_counted_in(unit, &lead.reference_id, &moved)?);
        Ok(steps)
    }

    fn step_counted_in(
        &self,
        unit: &TenantId,
        reference: &ReferenceId,
        changes: &[(String, &str)],
    ) -> Result<TransactWriteItem> {
        const VALUES: [&str; 4] = [":a", ":b", ":c", ":d"];
        let named = || changes.iter().zip(VALUES);
        let adds: Vec<String> = named()
            .map(|((counter, _), value)| format!("{counter} {value}"))
            .collect();
        let values: Vec<(&str, AttributeValue)> = named()
            .map(|((_, by), value)| (value, AttributeValue::N((*by).to_owned())))
            .collect();
        self.db.step_update(
            Table::Leads,
            key(unit.as_str(), count_sk(reference)),
            &format!("ADD {}", adds.join(", ")),
            None,
            &[],
            &values,
        )
    }

    /// Lists every lead of a unit that is not, and says so for later. Reads all of them: once a unit.
    async fn list_all(&self, unit: &TenantId) -> Result<()> {
        let all = |prefix| {
            self.db
                .query_all(Table::Leads, unit.as_str(), Range::prefix(prefix))
        };
        let mut listed: BTreeMap<String, TabEntry> = BTreeMap::new();
        for found in all("tab#").await? {
            let sk = sort_key(&found)?.to_owned();
            listed.insert(sk, record(found, "entry of a tab")?);
        }
        for found in all("lead#").await? {
            let lead: LeadSummary = record(found, "lead")?;
            let entry = lead.tab_entry();
            if listed.get(&tab_sk(lead.tab(), &entry)) != Some(&entry) {
                self.list_lead(unit, &lead.lead_id).await?;
            }
        }
        let mark = key(unit.as_str(), ALL_LISTED);
        self.db.put(Table::Leads, mark).await
    }

    /// Lists a lead where it belongs, if it is not: an older build wrote it or changed it. Idempotent.
    pub(crate) async fn list_lead(&self, unit: &TenantId, id: &LeadId) -> Result<()> {
        let mut attempts = self.db.attempts("listing a lead");
        loop {
            let Some(lead) = self.lead_summary(unit, id).await? else {
                return Ok(());
            };
            if lead.sightings_total.is_none() {
                self.count_sightings(unit, &lead).await?;
                attempts.again().await?;
                continue;
            }
            let Some(steps) = self.steps_listed_again(unit, &lead).await? else {
                return Ok(());
            };
            if self.db.transact("listing a lead", &steps).await? != Ended::Done {
                attempts.again().await?;
            }
        }
    }

    /// The steps by which a lead that stands as it was read is listed in its tab alone; none if it is.
    async fn steps_listed_again(
        &self,
        unit: &TenantId,
        lead: &LeadSummary,
    ) -> Result<Option<Vec<TransactWriteItem>>> {
        let tabs = LeadTab::ALL.map(|tab| (tab, tab_sk(tab, &lead.tab_entry())));
        let keys = tabs.iter().map(|(_, sk)| key(unit.as_str(), sk)).collect();
        let mut listed = Vec::new();
        for found in self.db.get_all(Table::Leads, keys).await? {
            let sk = sort_key(&found)?.to_owned();
            let entry: TabEntry = record(found, "entry of a tab")?;
            let tab = tabs.iter().find(|(_, known)| *known == sk);
            let tab = tab
                .map(|(tab, _)| *tab)
                .ok_or(Error::Damaged("entry of a tab"))?;
            listed.push((tab, entry));
        }
        if listed == [(lead.tab(), lead.tab_entry())] {
            return Ok(None);
        }
        let mut steps = vec![self.step_as_read(unit, lead)?];
        if let Some((tab, entry)) = listed.pop() {
            // Taken out first: of the next attempt it is one less, and at last it is listed where it belongs.
            let gone = key(unit.as_str(), tab_sk(tab, &entry));
            let values = [(":was_alert", attribute(&entry.is_alert)?)];
            let there = Some("is_alert = :was_alert");
            steps.push(self.db.step_delete(Table::Leads, gone, there, &values)?);
            let out = [(counter(tab, entry.level()), "-1")];
            steps.push(self.step_counted_in(unit, &lead.reference_id, &out)?);
            return Ok(Some(steps));
        }
        steps.extend(self.steps_listed(unit, lead)?);
        Ok(Some(steps))
    }

    fn step_as_read(&self, unit: &TenantId, lead: &LeadSummary) -> Result<TransactWriteItem> {
        self.db.step_check(
            Table::Leads,
            key(unit.as_str(), lead_sk(&lead.lead_id)),
            "#status = :status AND #level = :level AND held_for = :held_for",
            &[("#status", "status"), ("#level", "level")],
            &[
                (":status", attribute(&lead.status)?),
                (":level", text(lead.level.as_str())),
                (":held_for", attribute(&lead.held_for)?),
            ],
        )
    }
}
