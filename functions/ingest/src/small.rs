//! A small bundle is taken in as it stands: its pictures lie in it and nowhere else, and become uploads
//! of their own below its key. If it is a part of a larger one, below the key of that one.

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use intake::IntakeError;
use records::{AdKey, BundleCounts, LineFaults};
use store::ObjectFacts;

use crate::bundle::{self, KEY_BYTES_MAX, Opened, SMALL_BYTES_MAX};
use crate::{Chunks, IncomingAd, Ingest, Inspected, Known};

/// Members worked on at once: reading what is known of one hides the waiting for another.
const MEMBERS_AT_ONCE: usize = 8;

/// A small bundle whose pictures are looked at.
pub(crate) struct Small {
    pub(crate) key: AdKey,
    pub(crate) facts: ObjectFacts,
    pub(crate) ads: Vec<IncomingAd>,
    counts: BundleCounts,
}

impl Ingest {
    /// Looks at a bundle that is at hand whole, and at its pictures if they are few.
    pub(crate) async fn inspect_members(
        &self,
        key: AdKey,
        facts: ObjectFacts,
        bytes: Bytes,
        (pieces, known): (Chunks, Known),
    ) -> Result<Inspected, IntakeError> {
        let may_be_small = facts.size_bytes <= SMALL_BYTES_MAX && pieces == Chunks::Together;
        if !may_be_small || key.as_str().len() > KEY_BYTES_MAX {
            return Ok(Inspected::Bundle(key, facts));
        }
        match bundle::open_bytes(bytes).await? {
            Ok(opened) if opened.is_small() => {
                self.fingerprint_members(key, facts, (opened, known)).await
            }
            Ok(_) => Ok(Inspected::Bundle(key, facts)),
            Err(reason) => {
                self.refuse_whole(&key, &facts, reason).await?;
                Ok(Inspected::Done)
            }
        }
    }

    async fn fingerprint_members(
        &self,
        key: AdKey,
        facts: ObjectFacts,
        (opened, known): (Opened, Known),
    ) -> Result<Inspected, IntakeError> {
        let opened = Arc::new(opened);
        let members = opened.bundle.members().len();
        let looks = stream::iter(0..members)
            .map(|place| self.member(&key, &facts, (&opened, known), place));
        let looked: Vec<Member> = looks.buffered(MEMBERS_AT_ONCE).try_collect().await?;
        let refused = looked.iter().filter(|it| matches!(it, Member::Refused));
        let refused = refused.count() as u64;
        let counts = BundleCounts {
            members: members as u64,
            taken_in: members as u64 - refused,
            refused,
            metadata_faults: opened.metadata_faults(),
            holds_members: true,
            is_list: false,
        };
        let ads = looked.into_iter().filter_map(|member| match member {
            Member::Ad(ad) => Some(*ad),
            Member::Refused | Member::Rejected => None,
        });
        let ads = ads.collect();
        Ok(Inspected::Small(Small {
            key,
            facts,
            ads,
            counts,
        }))
    }

    async fn member(
        &self,
        bundle: &AdKey,
        facts: &ObjectFacts,
        (opened, known): (&Arc<Opened>, Known),
        place: usize,
    ) -> Result<Member, IntakeError> {
        let whole = bundle.whole();
        let read = self.read_member(&whole, facts, opened, place).await?;
        let Some((name, bytes)) = read else {
            return Ok(Member::Refused);
        };
        let facts = ObjectFacts {
            size_bytes: bytes.len() as u64,
            metadata: opened.metadata_of(&name),
            ..facts.clone()
        };
        let (key, stored_in) = (whole.member(&name)?, Some(bundle.clone()));
        let taken = (bytes.into(), known);
        let looked = self.picture(key, facts, stored_in, taken).await?;
        Ok(looked.map_or(Member::Rejected, |ad| Member::Ad(Box::new(ad))))
    }

    pub(crate) async fn finish_small(&self, small: Small) -> Result<(), IntakeError> {
        stream::iter(small.ads.iter().map(Ok))
            .try_for_each_concurrent(MEMBERS_AT_ONCE, |ad| self.record(ad))
            .await?;
        let outcome = (small.counts, LineFaults::default());
        self.record_whole(&small.key, &small.facts, Ok(outcome))
            .await
    }
}

/// What became of a member at the first look.
enum Member {
    Ad(Box<IncomingAd>),
    /// Recorded with its reason: it cannot be had.
    Refused,
    /// Recorded with its reason: it is no picture that can be read.
    Rejected,
}
