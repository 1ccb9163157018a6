//! What is asked of objects at the S3 port: where they may lie, and that a reference is silent before
//! its photo's delete is acknowledged.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use embedded::Rules;
use records::{AdKey, ObjectKey, ReferenceId, ReferenceKey, TenantId, has_dot_parts};
use store::{Clock, Store};

use super::host::{ADS_BUCKET, REFERENCES_BUCKET};

/// Where objects may lie, as a client that misses it is told.
const AD_FORM: &str = "an ad lies under ads/{uploader}/{any path}, as ads/uploader/1.jpg";
const REFERENCE_FORM: &str = "a reference's photo lies under references/{unit}/{case_id}/{any path}, \
    as references/unit/case-7/photo.jpg";

/// How often to look whether deliveries under way have ended, and how often at most: a delivery's
/// lease is shorter than this in all.
const POLL_EVERY: Duration = Duration::from_millis(100);
const POLLS_MAX: usize = 550;

/// The rules of a laptop.
pub(super) struct BucketRules {
    store: Store,
    clock: Clock,
    /// The most bytes that a photo may have.
    bytes_max: u64,
    /// Tenants that may upload ads, or submit references, as far as they have been asked for: none
    /// ever ceases to be one, and what an uploader waits for shall not depend on the tables.
    known: Mutex<BTreeSet<(TenantId, &'static str)>>,
}

impl BucketRules {
    pub(super) fn new(store: Store, clock: Clock, limits: &photo::Limits) -> Self {
        Self {
            store,
            clock,
            bytes_max: limits.bytes_max as u64,
            known: Mutex::default(),
        }
    }

    async fn has_tenant(&self, tenant: &TenantId, bucket: &'static str) -> store::Result<bool> {
        let asked = (tenant.clone(), bucket);
        if self.lock().contains(&asked) {
            return Ok(true);
        }
        let settings = self.store.tenants.tenant(tenant).await?;
        let is_one = settings.is_some_and(|it| match bucket {
            ADS_BUCKET => it.is_uploader,
            _ => it.is_unit,
        });
        if is_one {
            self.lock().insert(asked);
        }
        Ok(is_one)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<(TenantId, &'static str)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nothing about a withdrawn reference is under way to a webhook.
    async fn is_silent(&self, unit: &TenantId, id: &ReferenceId) -> Result<(), String> {
        for _ in 0..POLLS_MAX {
            let in_flight = self
                .store
                .deliveries
                .in_flight(unit, id, self.clock.now())
                .await;
            if in_flight.map_err(|_| failed())?.is_none() {
                return Ok(());
            }
            tokio::time::sleep(POLL_EVERY).await;
        }
        Err(failed())
    }

    /// Withdraws the references of a deleted photo, as `DELETE /v1/references/{id}` does.
    async fn withdraw(&self, key: &ReferenceKey) -> Result<(), String> {
        let (unit, now) = (key.tenant(), self.clock.now());
        let withdrawn = self
            .store
            .references
            .withdraw_removed(key, self.bytes_max, now)
            .await;
        let withdrawn = withdrawn.map_err(|_| failed())?;
        for id in &withdrawn {
            self.is_silent(unit, id).await?;
        }
        if !withdrawn.is_empty() {
            let taken_back = self
                .store
                .leads
                .take_back_leads(unit, self.clock.now())
                .await;
            taken_back.map_err(|_| failed())?;
        }
        Ok(())
    }
}

#[async_trait::async_trait]
impl Rules for BucketRules {
    async fn admit(&self, bucket: &str, key: &str) -> Result<(), String> {
        let (bucket, form) = match bucket {
            ADS_BUCKET => (ADS_BUCKET, AD_FORM),
            REFERENCES_BUCKET => (REFERENCES_BUCKET, REFERENCE_FORM),
            _ => return Err("nothing looks into this bucket".to_owned()),
        };
        let key = laid_out(bucket, key).map_err(|why| format!("{form}: {why}"))?;
        match self.has_tenant(key.tenant(), bucket).await {
            Ok(true) => Ok(()),
            Ok(false) => {
                let role = form_role(bucket);
                Err(format!(
                    "{form}: there is no {role} of this key's name; GET /v1/tenants lists them, POST \
                     /v1/tenants makes them"
                ))
            }
            Err(_) => Err("the tenants could not be read; try again".to_owned()),
        }
    }

    async fn removed(&self, bucket: &str, keys: &[String]) -> Result<(), String> {
        if bucket != REFERENCES_BUCKET {
            return Ok(());
        }
        for key in keys {
            if let Ok(key) = ReferenceKey::parse(key) {
                self.withdraw(&key).await?;
            }
        }
        Ok(())
    }
}

fn form_role(bucket: &str) -> &'static str {
    match bucket {
        ADS_BUCKET => "uploader",
        _ => "unit",
    }
}

fn failed() -> String {
    "the photo is deleted, but that its reference is silent is not sure yet: delete it again"
        .to_owned()
}

/// The key as one of its bucket.
///
/// # Errors
/// What is wrong with it.
fn laid_out(bucket: &str, key: &str) -> Result<ObjectKey, String> {
    if has_dot_parts(key) {
        return Err("no part of a key may be '.' or '..'".to_owned());
    }
    if bucket == ADS_BUCKET {
        return match AdKey::parse(key) {
            Ok(key) => Ok(key.into()),
            Err(malformed) => Err(malformed.to_string()),
        };
    }
    let parts = key.split('/').filter(|part| !part.is_empty()).count();
    match ReferenceKey::parse(key) {
        Ok(key) => Ok(key.into()),
        Err(_) if key.starts_with("references/") && parts == 3 => {
            Err("this key names no case".to_owned())
        }
        Err(malformed) => Err(malformed.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bucket: &str, key: &str, expected: Result<(), &str>) {
        let got = laid_out(bucket, key).map(drop);
        match expected {
            Ok(()) => assert_eq!(got, Ok(()), "{bucket} {key}"),
            Err(words) => assert!(got.is_err_and(|it| it.contains(words)), "{bucket} {key}"),
        }
    }

    #[test]
    fn a_key_outside_the_layout_is_told_what_it_lacks() {
        for key in [
            "ads/uploader/1.jpg",
            "ads/uploader/a/..b/1.jpg",
            "ads/other/\u{e9} +",
        ] {
            check(ADS_BUCKET, key, Ok(()));
        }
        for (key, words) in [
            ("1.jpg", "form"),
            ("ads/1.jpg", "form"),
            ("ads//1.jpg", "tenant"),
            ("ads/uploader/", "folder"),
            ("Ads/uploader/1.jpg", "form"),
            ("other/uploader/1.jpg", "form"),
            ("references/unit/case/1.jpg", "form"),
            ("ads/uploader/../unit/1.jpg", "'..'"),
            ("ads/uploader/./1.jpg", "'..'"),
        ] {
            check(ADS_BUCKET, key, Err(words));
        }
        check(REFERENCES_BUCKET, "references/unit/case-7/1.jpg", Ok(()));
        for (key, words) in [
            ("1.jpg", "form"),
            ("unit/case-7/1.jpg", "form"),
            ("references/1.jpg", "form"),
            ("references/unit/1.jpg", "names no case"),
            ("references/unit/case-7/", "names no case"),
            ("references/unit//1.jpg", "names no case"),
            ("ads/uploader/1.jpg", "form"),
            ("references/unit/case-7/../1.jpg", "'..'"),
        ] {
            check(REFERENCES_BUCKET, key, Err(words));
        }
    }
}
