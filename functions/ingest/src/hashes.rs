//! A list of hashes becomes ads whose pictures stay with the uploader. A sighting names the list and the
//! picture's name in it; no object lies there, so a person who reviews a lead sees what the uploader
//! said about the ad, and no picture.
//!
//! Nothing is written but the searchable set, where the sighting travels with its fingerprint, and the
//! list's own upload, which says how many lines there were, how many are at fault and why, and names the
//! first of those: whatever a list holds, it costs one record.

use std::collections::HashSet;

use bytes::Bytes;
use futures::{TryStreamExt, stream};
use intake::IntakeError;
use records::{
    AdKey, BundleCounts, HashFault, HashRecord, LineFaults, MemberName, ReasonCode, Sighting,
    Upload, UploadState,
};
use store::{ObjectFacts, PACK_ADS_MAX, StoredAd};

use crate::{Ingest, Known, upload};

/// Records written together: waiting for one hides the waiting for another.
const RECORDS_AT_ONCE: usize = 8;

impl Ingest {
    /// Takes in every record of a list. Can be repeated. A list that was taken in stays so, also if
    /// this build's algorithms are newer than those of its hashes: only the owner of the pictures can
    /// make new ones.
    pub(crate) async fn hash_list(
        &self,
        key: &AdKey,
        facts: &ObjectFacts,
        (bytes, to_do): (Bytes, Known),
    ) -> Result<(), IntakeError> {
        let known = self.store.uploads.upload(key).await?;
        let is_done = |it: &Upload| {
            it.state == UploadState::Recorded
                && it.version_id.is_some()
                && it.version_id == facts.version_id
        };
        if known.as_ref().is_some_and(is_done) && to_do == Known::IsThere {
            return Ok(());
        }
        let side_px_min = self.limits.side_px_min;
        let list = key.clone();
        let read = tokio::task::spawn_blocking(move || read(&list, &bytes, side_px_min));
        let lines = match read.await? {
            Ok(lines) => lines,
            Err(reason) => return self.record_whole(key, facts, Err(reason)).await,
        };
        let Lines {
            mut records,
            counts,
            faults,
        } = lines;
        if !self.fits_quota(key, facts, counts.taken_in).await? {
            let over = Err(ReasonCode::OVER_QUOTA);
            return self.record_whole(key, facts, over).await;
        }
        let told = self.recorded_members(key).await?;
        while !records.is_empty() {
            let rest = records.split_off(records.len().min(PACK_ADS_MAX));
            let pack = std::mem::replace(&mut records, rest);
            self.hash_records(pack, (&told, to_do), facts).await?;
        }
        self.record_whole(key, facts, Ok((counts, faults))).await
    }

    /// Lines of the list to which an earlier build gave records of their own. Such a line may stand
    /// there as refused; once it is mended, it is told to be recorded.
    async fn recorded_members(&self, list: &AdKey) -> Result<HashSet<AdKey>, IntakeError> {
        let below = self.store.uploads.uploads_within(list).await?;
        // An object that lies below the list has a version, and an end of its own.
        let lines = below.into_iter().filter(|it| it.version_id.is_none());
        Ok(lines.map(|upload| upload.object_key).collect())
    }

    /// Takes in as many records as become part of the searchable set together.
    async fn hash_records(
        &self,
        records: Vec<(AdKey, HashRecord)>,
        (told, to_do): (&HashSet<AdKey>, Known),
        facts: &ObjectFacts,
    ) -> Result<(), IntakeError> {
        let kept_since = (to_do == Known::ComesAgain).then_some(facts.last_modified);
        let (store, clock) = (&self.store, &self.intake.clock);
        let ads = records.iter().map(|(key, record)| StoredAd {
            tenant: key.tenant().clone(),
            image_sha256: record.image_sha256,
            fingerprint: record.fingerprint.clone(),
            postings: vec![Sighting::of(key, &record.metadata)],
        });
        let ads = ads.map(|ad| (ad, kept_since));
        store.ads.put_ads_again(ads.collect(), clock).await?;
        let to_be_told = records.into_iter().filter(|(key, _)| told.contains(key));
        stream::iter(to_be_told.map(Ok))
            .try_for_each_concurrent(RECORDS_AT_ONCE, |(key, record)| async move {
                self.record_member(&key, facts, record).await
            })
            .await
    }

    async fn record_member(
        &self,
        key: &AdKey,
        facts: &ObjectFacts,
        record: HashRecord,
    ) -> Result<(), IntakeError> {
        let (sha256, now) = (Some(record.image_sha256), self.intake.clock.now());
        let mut member = upload(key, sha256, facts, UploadState::Recorded, now);
        member.size_bytes = record.size_bytes;
        member.version_id = None;
        (member.metadata, member.notes) = (record.metadata, record.notes);
        self.store.uploads.record_upload(&member).await?;
        Ok(())
    }
}

/// A list that was read.
#[derive(Default)]
struct Lines {
    records: Vec<(AdKey, HashRecord)>,
    counts: BundleCounts,
    faults: LineFaults,
}

/// Every line of a list. A name that an earlier line has is refused, as in a bundle.
fn read(list: &AdKey, bytes: &[u8], side_px_min: u32) -> Result<Lines, ReasonCode> {
    let mut seen = HashSet::new();
    let mut lines = Lines::default();
    lines.counts.is_list = true;
    for (number, line) in records::hash_lines(bytes)? {
        lines.counts.members += 1;
        let read = HashRecord::parse(line, side_px_min);
        let named = read.and_then(|record| key_of(list, record, &mut seen));
        lines.add(number, named);
    }
    Ok(lines)
}

fn key_of(
    list: &AdKey,
    record: HashRecord,
    seen: &mut HashSet<MemberName>,
) -> Result<(AdKey, HashRecord), HashFault> {
    let fault = |reason| HashFault {
        name: Some(record.name.clone()),
        reason,
    };
    let key = list.member(&record.name);
    let key = key.map_err(|_| fault(ReasonCode::MALFORMED_RECORD))?; // too long
    if !seen.insert(record.name.clone()) {
        return Err(fault(ReasonCode::DUPLICATE_NAME));
    }
    Ok((key, record))
}

impl Lines {
    fn add(&mut self, number: u64, read: Result<(AdKey, HashRecord), HashFault>) {
        match read {
            Ok((key, record)) => {
                self.counts.taken_in += 1;
                self.counts.metadata_faults += u64::from(!record.notes.is_empty());
                for note in &record.notes {
                    self.faults.note(number, &record.name, *note);
                }
                self.records.push((key, record));
            }
            Err(HashFault { name, reason }) => {
                self.counts.refused += 1;
                self.faults.refuse(number, name.as_ref(), reason);
            }
        }
    }
}
