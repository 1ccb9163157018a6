//! How far the taking apart of a bundle has come: after a crash it goes on from there.

use records::AdKey;

use crate::db::error::Result;
use crate::db::items::{counted, key, number, parsed, text};
use crate::{Table, Uploads};

/// Members of a bundle that are dealt with, by their place in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// The first one that is not.
    pub next: u64,
    /// Those of them that were refused.
    pub refused: u64,
}

fn unpacking_pk(object_key: &AdKey) -> String {
    format!("{}#unpacking", object_key.tenant())
}

impl Uploads {
    /// How far this version of the bundle under a key is taken apart. Strongly consistent. (Times do
    /// not tell two versions apart: S3 gives whole seconds.)
    ///
    /// # Errors
    /// As every verb.
    pub async fn unpacked(&self, object_key: &AdKey, version: &str) -> Result<Unpacked> {
        let found = self
            .db
            .get(Table::Ads, unpacking_pk(object_key), object_key.as_str())
            .await?;
        let Some(item) = found else {
            return Ok(Unpacked::default());
        };
        if parsed::<String>(&item, "version", "bundle")? != version {
            return Ok(Unpacked::default()); // of another object under the same key
        }
        Ok(Unpacked {
            next: counted(&item, "next", "bundle")?,
            refused: counted(&item, "refused", "bundle")?,
        })
    }

    /// Notes how far it is. Of two who take the same bundle apart the last one's note stays: at worst
    /// members are taken in once more, which changes nothing.
    ///
    /// # Errors
    /// As every verb.
    pub async fn save_unpacked(
        &self,
        object_key: &AdKey,
        version: &str,
        unpacked: Unpacked,
    ) -> Result<()> {
        let mut item = key(unpacking_pk(object_key), object_key.as_str());
        item.insert("version".into(), text(version));
        item.insert("next".into(), number(unpacked.next));
        item.insert("refused".into(), number(unpacked.refused));
        self.db.put(Table::Ads, item).await
    }
}
