//! Pages and cursors.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ids::TenantId;
use crate::text::{Malformed, redacted};

/// One page of a listing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items, possibly none even if there is a next page.
    pub items: Vec<T>,
    /// Where the next page starts; none at the end. A feed always has one, to come back with.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// The same page with other items.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(change).collect(),
            next: self.next,
        }
    }
}

/// What a cursor walks through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Listing {
    /// A tenant's uploads.
    Uploads,
    /// A unit's references.
    References,
    /// A unit's leads.
    Leads,
    /// A unit's alerts.
    Alerts,
    /// The deliveries of a unit's webhook.
    Deliveries,
    /// A tenant's audit log.
    Audit,
    /// The sightings of a unit's lead.
    Sightings,
    /// A tab of a unit's inbox.
    Tab,
}

impl Listing {
    fn tag(self) -> u8 {
        match self {
            Self::Uploads => 1,
            Self::References => 2,
            Self::Leads => 3,
            Self::Alerts => 4,
            Self::Deliveries => 5,
            Self::Audit => 6,
            Self::Sightings => 7,
            Self::Tab => 8,
        }
    }
}

/// An opaque position in one listing of one tenant.
///
/// It carries a seal over tenant, listing and position, so that a cursor of another tenant,
/// another listing or with changed bytes is refused. The seal is a check, not a secret: the worst
/// that a forged cursor can do is to start a tenant's own listing elsewhere, since the tenant
/// always comes from the token and never from the cursor.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

const SEAL_BYTES: usize = 12;
/// Base64 of the longest position (a sort key of 1,024 bytes), the seal and the version.
const TEXT_BYTES_MAX: usize = 1400;
const VERSION: u8 = 1;

impl Cursor {
    /// A cursor for this position (a sort key, or a number as text).
    pub fn new(tenant: &TenantId, listing: Listing, position: &str) -> Self {
        let mut bytes = vec![VERSION];
        bytes.extend(seal(tenant, listing, position));
        bytes.extend(position.as_bytes());
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// A cursor as it came from outside; checked when it is opened.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text that is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The position, for this tenant and listing.
    ///
    /// # Errors
    /// [`Malformed`] if the cursor was changed or belongs elsewhere.
    pub fn open(&self, tenant: &TenantId, listing: Listing) -> Result<String, Malformed> {
        self.position(tenant, listing).ok_or(Malformed {
            what: "cursor",
            rule: "it is not a cursor of this listing",
        })
    }

    fn position(&self, tenant: &TenantId, listing: Listing) -> Option<String> {
        if self.0.len() > TEXT_BYTES_MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(&self.0).ok()?;
        let (version, rest) = bytes.split_first()?;
        let (found_seal, position) = rest.split_at_checked(SEAL_BYTES)?;
        let position = std::str::from_utf8(position).ok()?;
        let intact = *version == VERSION && found_seal == seal(tenant, listing, position);
        intact.then(|| position.to_owned())
    }
}

fn seal(tenant: &TenantId, listing: Listing, position: &str) -> [u8; SEAL_BYTES] {
    let digest = Sha256::new()
        .chain_update([VERSION, listing.tag()])
        .chain_update(tenant.as_str())
        .chain_update([0]) // not a character of a tenant's id
        .chain_update(position)
        .finalize();
    let mut seal = [0; SEAL_BYTES];
    seal.copy_from_slice(digest.get(..SEAL_BYTES).expect("a digest has 32 bytes"));
    seal
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        redacted(f)
    }
}
