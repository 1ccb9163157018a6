//! Fingerprints of ads made again, after a build with better algorithms.

use records::{Image, TenantId};

use crate::db::calls::Range;
use crate::db::error::Result;
use crate::db::items::{attribute, parsed};
use crate::uploads::{UPLOADED_AT, image_of, image_pk};
use crate::{Table, Uploads};

impl Uploads {
    /// Tells all sightings of a tenant's image which version of the algorithms its newest fingerprint
    /// in the searchable set is of. Put that there before. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn renew_image(&self, tenant: &TenantId, image: &Image) -> Result<()> {
        while !self.renew_sightings(tenant, image).await? {}
        Ok(())
    }

    /// Says whether all are renewed; if not, one was put again or has ended concurrently.
    async fn renew_sightings(&self, tenant: &TenantId, image: &Image) -> Result<bool> {
        let of_tenant = Range::prefix(&format!("{tenant}#"));
        let pk = image_pk(&image.image_sha256);
        let mut all = true;
        for mut sighting in self.db.query_all(Table::Ads, pk, of_tenant).await? {
            let before = image_of(&sighting)?;
            if before.fingerprint_version >= image.fingerprint_version {
                continue;
            }
            let now = Image {
                first_seen_at: before.first_seen_at,
                ..image.clone()
            };
            sighting.insert("image".into(), attribute(&now)?);
            let uploaded_at = parsed(&sighting, UPLOADED_AT, "sighting")?;
            all &= self.replace_sighting(sighting, uploaded_at).await?;
        }
        Ok(all)
    }
}
