//! The first tenants of a data folder, their tokens, and the key pairs of all tenants.

use std::fs;
use std::path::Path;

use anyhow::Context;
use embedded::{AccessKey, Embedded, Reach};
use records::{
    AdKey, IssuedToken, Label, ReferenceKey, Role, TenantId, TenantSettings, Token, TokenId,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use store::{Clock, Store};

use super::credentials;
use super::host::{ADS_BUCKET, REFERENCES_BUCKET};

/// Where tokens are kept from their drawing until they are listed: a crash may come between.
const DRAWN: &str = "first-tokens.json";
/// Where older versions kept them for good.
const OLDER: &str = "tokens.json";

/// What the first unit's references rest on by default; its own words belong here.
const LEGAL_BASIS: &str = "not stated; set by homeward serve for trying it out";

/// Bearer tokens, one per role.
#[derive(Clone, PartialEq, Eq)]
pub struct Tokens {
    /// Of the tenant `unit`, which submits references.
    pub unit: String,
    /// Of the tenant `uploader`, which uploads ads.
    pub uploader: String,
    /// Of the administrator.
    pub admin: String,
}

impl Tokens {
    /// As the ready line has them.
    pub fn to_json(&self) -> Value {
        json!({ "unit": self.unit, "uploader": self.uploader, "admin": self.admin })
    }

    fn read(value: &Value) -> Option<Self> {
        let read = |name: &str| Some(value.get(name)?.as_str()?.to_owned());
        Some(Self {
            unit: read("unit")?,
            uploader: read("uploader")?,
            admin: read("admin")?,
        })
    }

    fn each(&self) -> [(&str, &str, Role); 3] {
        [
            (&self.unit, "unit", Role::Unit),
            (&self.uploader, "uploader", Role::Uploader),
            (&self.admin, "unit", Role::Admin),
        ]
    }
}

/// The first tokens of a data folder.
pub(super) struct First {
    pub(super) tokens: Tokens,
    /// Whether they have not been shown yet.
    pub(super) are_new: bool,
}

/// The tokens of a data folder. At the first start they are drawn, issued and listed as any other,
/// and the tenants `unit` and `uploader` are made, with a key pair each; what was revoked since
/// stays revoked.
pub(super) async fn first(
    (embedded, store): (&Embedded, &Store),
    data: &Path,
    kept: Option<Value>,
    clock: &Clock,
) -> anyhow::Result<First> {
    if let Some(kept) = kept {
        let tokens = Tokens::read(&kept["tokens"]).context("credentials.json has no tokens")?;
        return Ok(First {
            tokens,
            are_new: false,
        });
    }
    let older = read(&data.join(OLDER))?;
    let are_new = older.is_none();
    let tokens = match older {
        Some(tokens) => tokens,
        None => drawn(data)?,
    };
    for (name, is_unit) in [("unit", true), ("uploader", false)] {
        let tenant = make_tenant(store, name, is_unit, clock).await?;
        key_pair(embedded, &tenant).await?;
    }
    for (token, tenant, role) in tokens.each() {
        let token = Token::parse(token)?;
        // An older version's may have been revoked by hand.
        if are_new || store.tenants.authenticate(&token).await?.is_some() {
            let issued = IssuedToken {
                token_id: token_id(&token),
                tenant: TenantId::parse(tenant)?,
                role,
                roles: None,
                person: None,
                created_at: clock.now(),
            };
            store.tenants.issue_token(&token, &issued).await?;
        }
    }
    Ok(First { tokens, are_new })
}

/// The tokens are kept among the credentials: no other file has them any more.
pub(super) fn kept_elsewhere(data: &Path) -> std::io::Result<()> {
    for name in [DRAWN, OLDER] {
        match fs::remove_file(data.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// The same for the same token, so that a first start that was cut off lists none twice.
fn token_id(token: &Token) -> TokenId {
    let digest = Sha256::digest(format!("the id of {}", token.reveal()));
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    TokenId::from_random(&id)
}

async fn make_tenant(
    store: &Store,
    name: &str,
    is_unit: bool,
    clock: &Clock,
) -> anyhow::Result<TenantSettings> {
    let tenant = TenantId::parse(name)?;
    if let Some(there) = store.tenants.tenant(&tenant).await? {
        return Ok(there);
    }
    let settings = TenantSettings {
        tenant,
        is_unit,
        is_uploader: !is_unit,
        legal_basis: is_unit.then(|| Label::parse(LEGAL_BASIS)).transpose()?,
        expiry_days: TenantSettings::EXPIRY_DAYS_DEFAULT,
        tell_withdrawals: false,
        second_opinion: false,
        created_at: clock.now(),
    };
    store.tenants.put_tenant(&settings).await?;
    Ok(settings)
}

/// A tenant's key pair, made if it has none: it reaches the tenant's own objects in S3.
pub(super) async fn key_pair(
    embedded: &Embedded,
    tenant: &TenantSettings,
) -> embedded::Result<AccessKey> {
    let ads = (
        tenant.is_uploader,
        ADS_BUCKET,
        AdKey::prefix(&tenant.tenant),
    );
    let references = ReferenceKey::prefix(&tenant.tenant);
    let references = (tenant.is_unit, REFERENCES_BUCKET, references);
    let reaches = [ads, references].into_iter().filter(|(may, ..)| *may);
    let reaches = reaches.map(|(_, bucket, prefix)| Reach {
        bucket: bucket.to_owned(),
        prefix,
    });
    embedded
        .grant(tenant.tenant.as_str(), reaches.collect())
        .await
}

/// The tokens that a file keeps; none if it is not there.
fn read(path: &Path) -> anyhow::Result<Option<Tokens>> {
    if !path.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(path).context("reading the folder's tokens")?;
    let value: Value = serde_json::from_str(&text).unwrap_or_default();
    let tokens = Tokens::read(&value).context("the tokens in the data folder are damaged")?;
    Ok(Some(tokens))
}

/// Draws tokens and keeps them, durably, before they are shown.
fn drawn(data: &Path) -> anyhow::Result<Tokens> {
    let path = data.join(DRAWN);
    if let Some(tokens) = read(&path)? {
        return Ok(tokens);
    }
    let tokens = Tokens {
        unit: token()?.reveal().to_owned(),
        uploader: token()?.reveal().to_owned(),
        admin: token()?.reveal().to_owned(),
    };
    credentials::write_private(&path, &tokens.to_json().to_string())?;
    Ok(tokens)
}

/// A token that belongs to no tenant.
pub(super) fn token() -> anyhow::Result<Token> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| anyhow::anyhow!("the system gives no randomness"))?;
    Ok(Token::from_random(&bytes))
}
