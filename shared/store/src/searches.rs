//! Searches of new references through the segments of ads: one part per reference and segment, so
//! that no search has to fit into one run of a program, parts run side by side, and a crash costs
//! the parts that were under way and no more.
//!
//! A search begins with the tail, which its first caller scans. Then it is planned: a part
//! for every segment of the manifest that is read after the tail. The stream of the parts' table
//! wakes `lookup`; parts of one segment stand together, so that the references that wait
//! for it share a scan. A part is done when its leads are recorded; that and the sums of its search
//! are saved in one transaction. Where a segment was merged or rewritten concurrently, the search is
//! planned again over the manifest that stands now, which holds its images in other segments.

pub(crate) mod again;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use records::{ReferenceId, TenantId, Timestamp};
use segments::{SegmentEntry, SegmentName};

use crate::db::calls::Range;
use crate::db::error::{Error, Result, classified};
use crate::db::items::{Item, counted, key, number, parsed, seq_text, sort_key, text};
use crate::db::transactions::Ended;
use crate::{Db, Table};

/// Searches of new references through past ads. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Searches {
    pub(crate) db: Db,
}

impl Searches {
    /// The handle over a connection.
    pub fn new(db: &Db) -> Self {
        Self { db: db.clone() }
    }
}

/// A search: of a reference, since one of its activations.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SearchKey {
    /// Whose reference.
    pub unit: TenantId,
    /// The reference.
    pub reference_id: ReferenceId,
    /// The number of the activation in the log: one that is activated again is searched again.
    pub seq: u64,
}

/// A part of a search: one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchPart {
    /// Of which search.
    pub key: SearchKey,
    /// The segment.
    pub segment: SegmentName,
    /// Images in it.
    pub images: u64,
}

/// How far a search has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SearchPlan {
    /// Images compared. One that was in the tail and in a segment, or in a segment that was merged
    /// concurrently, counts twice here and in the total.
    pub images_searched: u64,
    /// Images to be compared, those among them that were.
    pub images_total: u64,
    /// Parts.
    pub parts: u64,
    /// Parts that are done.
    pub parts_done: u64,
    /// Whether every part is known.
    pub is_planned: bool,
    /// Whether it is over and was told so.
    pub is_finished: bool,
}

impl SearchPlan {
    /// Whether everything has been compared.
    pub fn is_complete(&self) -> bool {
        self.is_planned && self.parts_done == self.parts
    }
}

/// Shards over which parts are spread by their segment: as many can be worked on side by side, and
/// those of one segment stand in one.
pub(crate) const SHARDS: u8 = 64;

/// Parts written together: a transaction has at most 100 steps.
const PARTS_AT_ONCE: usize = 90;

pub(crate) const SEARCH: &str = "search";
const OPEN: &str = "open";
const DONE: &str = "done";

fn shard(segment: &SegmentName) -> String {
    let [first_byte, ..] = segment.0;
    shard_text(first_byte % SHARDS)
}

pub(crate) fn shard_text(shard: u8) -> String {
    format!("lane#{shard:02}")
}

fn part_sk(segment: &SegmentName, of: &SearchKey) -> String {
    let SearchKey {
        unit,
        reference_id,
        seq,
    } = of;
    format!("{segment}#{unit}#{reference_id}#{}", seq_text(*seq))
}

pub(crate) fn plan_key(of: &SearchKey) -> Item {
    let sk = format!("plan#{}#{}", of.reference_id, seq_text(of.seq));
    key(of.unit.as_str(), sk)
}

fn part_key(part: &SearchPart) -> Item {
    key(shard(&part.segment), part_sk(&part.segment, &part.key))
}

fn part_item(part: &SearchPart) -> Item {
    let mut item = part_key(part);
    item.extend([
        ("kind".to_owned(), text(SEARCH)),
        ("stands".to_owned(), text(OPEN)),
        ("unit".to_owned(), text(part.key.unit.as_str())),
        (
            "reference_id".to_owned(),
            text(part.key.reference_id.as_str()),
        ),
        ("seq".to_owned(), number(part.key.seq)),
        ("segment".to_owned(), text(part.segment.to_string())),
        ("images".to_owned(), number(part.images)),
    ]);
    item
}

/// The search that an item is about.
pub(crate) fn search_of(item: &Item) -> Result<SearchKey> {
    Ok(SearchKey {
        unit: parsed(item, "unit", "search")?,
        reference_id: parsed(item, "reference_id", "search")?,
        seq: counted(item, "seq", "search")?,
    })
}

/// The part that an item holds.
pub(crate) fn part_of(item: &Item) -> Result<SearchPart> {
    let segment: String = parsed(item, "segment", "search")?;
    Ok(SearchPart {
        key: search_of(item)?,
        segment: SegmentName::parse(&segment).ok_or(Error::Damaged("search"))?,
        images: counted(item, "images", "search")?,
    })
}

pub(crate) fn is_open(item: &Item) -> bool {
    item.get("stands")
        .and_then(|it| it.as_s().ok())
        .map(String::as_str)
        == Some(OPEN)
}

fn plan_of(item: &Item) -> Result<SearchPlan> {
    let count = |name| counted(item, name, "search");
    Ok(SearchPlan {
        images_searched: count("images_searched")?,
        images_total: count("images_total")?,
        parts: count("parts")?,
        parts_done: count("parts_done")?,
        is_planned: item.contains_key("planned"),
        is_finished: item.contains_key("finished_at"),
    })
}

impl Searches {
    /// How far a search has come; none if it was not begun. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn search_plan(&self, of: &SearchKey) -> Result<Option<SearchPlan>> {
        let answer = self
            .db
            .dynamodb
            .get_item()
            .table_name(self.db.names.table(Table::Searches))
            .set_key(Some(plan_key(of)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| classified("reading an item", &error))?;
        answer.item.as_ref().map(plan_of).transpose()
    }

    /// Plans a search whose tail was walked (it had so many images) over these segments, which the
    /// manifest had after that. Idempotent; planned again over other segments, it has the parts of
    /// both.
    ///
    /// # Errors
    /// As every verb.
    pub async fn plan_search(
        &self,
        of: &SearchKey,
        tail_images: u64,
        segments: &[SegmentEntry],
    ) -> Result<SearchPlan> {
        let mut plan = plan_key(of);
        for (name, count) in [
            ("images_searched", tail_images),
            ("images_total", tail_images),
            ("parts", 0),
            ("parts_done", 0),
        ] {
            plan.insert(name.to_owned(), number(count));
        }
        self.db.put_new(Table::Searches, plan).await?;
        let part = |entry: &SegmentEntry| SearchPart {
            key: of.clone(),
            segment: entry.name,
            images: u64::from(entry.items),
        };
        let parts: Vec<SearchPart> = segments.iter().map(part).collect();
        for parts in parts.chunks(PARTS_AT_ONCE) {
            self.add_parts(of, parts.to_vec()).await?;
        }
        let planned = (
            "SET planned = :yes",
            vec![(":yes", AttributeValue::Bool(true))],
        );
        let step = self.step_plan(of, planned)?;
        self.db.transact("planning a search", &[step]).await?;
        self.plan_there(of).await
    }

    /// Writes those of these parts that are not there yet, and counts them.
    async fn add_parts(&self, of: &SearchKey, mut parts: Vec<SearchPart>) -> Result<()> {
        let mut attempts = self.db.attempts("planning a search");
        loop {
            if parts.is_empty() {
                return Ok(());
            }
            let images = parts.iter().map(|part| part.images).sum();
            let sums = vec![
                (":parts", number(parts.len() as u64)),
                (":images", number(images)),
            ];
            let counted = ("ADD parts :parts, images_total :images", sums);
            let mut steps = vec![self.step_plan(of, counted)?];
            for part in &parts {
                steps.push(self.db.step_put_new(Table::Searches, part_item(part))?);
            }
            let Ended::Refused(refused) = self.db.transact("planning a search", &steps).await?
            else {
                return Ok(());
            };
            if refused.contains(&0) {
                return Err(Error::Gone("the search"));
            }
            let mut place = 0;
            parts.retain(|_| {
                place += 1;
                !refused.contains(&place)
            });
            attempts.again().await?;
        }
    }

    fn step_plan(
        &self,
        of: &SearchKey,
        (update, values): (&str, Vec<(&str, AttributeValue)>),
    ) -> Result<TransactWriteItem> {
        let there = Some("attribute_exists(pk)");
        self.db
            .step_update(Table::Searches, plan_key(of), update, there, &[], &values)
    }

    async fn plan_there(&self, of: &SearchKey) -> Result<SearchPlan> {
        let plan = self.search_plan(of).await?;
        plan.ok_or(Error::Gone("the search"))
    }

    /// The parts that wait for a segment, at most this many, whatever their search. Strongly
    /// consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn open_parts(&self, segment: &SegmentName, limit: usize) -> Result<Vec<SearchPart>> {
        let items = self.parts_on(segment).await?;
        let open = items.iter().filter(|item| is_open(item));
        open.take(limit).map(part_of).collect()
    }

    async fn parts_on(&self, segment: &SegmentName) -> Result<Vec<Item>> {
        let range = Range::prefix(&format!("{segment}#"));
        self.db
            .query_all(Table::Searches, shard(segment), range)
            .await
    }

    /// Notes that a part's leads are all recorded, or, where `planned_again` says so, that its
    /// segment's images have other parts; says how far the search has come. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn finish_part(
        &self,
        part: &SearchPart,
        planned_again: bool,
    ) -> Result<Option<SearchPlan>> {
        let done = self.db.step_update(
            Table::Searches,
            part_key(part),
            "SET stands = :done",
            Some("stands = :open"),
            &[],
            &[(":done", text(DONE)), (":open", text(OPEN))],
        )?;
        let (update, images) = if planned_again {
            let less = AttributeValue::N(format!("-{}", part.images));
            ("ADD parts_done :one, images_total :images", less)
        } else {
            let more = number(part.images);
            ("ADD parts_done :one, images_searched :images", more)
        };
        let sums = vec![(":one", number(1)), (":images", images)];
        let steps = [done, self.step_plan(&part.key, (update, sums))?];
        let ended = self.db.transact("noting a search", &steps).await?;
        if ended.refused(1) {
            // A part whose search is not known any more: no caller waits for it.
            let sk = part_sk(&part.segment, &part.key);
            self.db
                .delete(Table::Searches, shard(&part.segment), sk)
                .await?;
        }
        self.search_plan(&part.key).await
    }

    /// Notes that a complete search is over, and removes its parts on these segments; those on
    /// segments that are gone go with [`GarbageCollector::sweep`](crate::GarbageCollector::sweep). Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn finish_search(
        &self,
        of: &SearchKey,
        segments: &[SegmentEntry],
        now: Timestamp,
    ) -> Result<()> {
        let over = vec![(":now", text(now.as_str()))];
        let step = self.step_plan(of, ("SET finished_at = :now", over))?;
        self.db.transact("ending a search", &[step]).await?;
        for entry in segments {
            let part = key(shard(&entry.name), part_sk(&entry.name, of));
            self.delete_done(part).await?;
        }
        Ok(())
    }

    /// Removes the parts that are done on a segment which is gone. Those that are open stay: the worker that
    /// comes to them plans their search again.
    pub(crate) async fn forget_parts(&self, segment: &SegmentName) -> Result<()> {
        for item in self.parts_on(segment).await? {
            self.delete_done(key(shard(segment), sort_key(&item)?))
                .await?;
        }
        Ok(())
    }

    async fn delete_done(&self, part: Item) -> Result<bool> {
        let values = [(":done", text(DONE))];
        self.db
            .delete_if(Table::Searches, part, "stands = :done", &values)
            .await
    }

    /// Removes what is left of a unit's searches that ended before a time. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn forget_searches(&self, unit: &TenantId, before: Timestamp) -> Result<u64> {
        let plans = self
            .db
            .query_all(Table::Searches, unit.as_str(), Range::prefix("plan#"))
            .await?;
        let mut removed = 0;
        for plan in plans {
            let finished: Option<String> = parsed(&plan, "finished_at", "search").ok();
            // Their texts have a fixed width and sort as the times do.
            if finished.is_some_and(|finished| finished < before.as_str()) {
                let sk = sort_key(&plan)?;
                let again = sk.replacen("plan#", crate::searches::again::AGAIN, 1);
                self.db
                    .delete(Table::Searches, unit.as_str(), again)
                    .await?;
                self.db.delete(Table::Searches, unit.as_str(), sk).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}
