//! The first tenants of a data folder, and their tokens.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;
use records::{Label, Principal, Role, TenantId, TenantSettings, Token};
use serde_json::{Value, json};
use store::{Clock, Store};

/// The file in the data folder, readable by its owner only, that keeps the tokens.
const FILE: &str = "tokens.json";

/// What the first unit's references rest on if nobody says; its own words belong here.
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

    fn parse(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let read = |name: &str| Some(value.get(name)?.as_str()?.to_owned());
        Some(Self {
            unit: read("unit")?,
            uploader: read("uploader")?,
            admin: read("admin")?,
        })
    }
}

/// The tokens of a data folder; at the first start, also the tenants `unit` and `uploader`.
pub(super) async fn first(store: &Store, data: &Path, clock: &Clock) -> anyhow::Result<Tokens> {
    let path = data.join(FILE);
    let tokens = if path.exists() {
        kept(data)?
    } else {
        draw(&path)?
    };
    // Said at every start, since a crash may have come between the file and the tables.
    for (tenant, is_unit) in [("unit", true), ("uploader", false)] {
        make_tenant(store, tenant, is_unit, clock).await?;
    }
    for (token, tenant, role) in [
        (&tokens.unit, "unit", Role::Unit),
        (&tokens.uploader, "uploader", Role::Uploader),
        (&tokens.admin, "unit", Role::Admin),
    ] {
        let principal = Principal {
            tenant: TenantId::parse(tenant)?,
            role,
        };
        let token = Token::parse(token)?;
        store.put_token(&token, &principal).await?;
    }
    Ok(tokens)
}

async fn make_tenant(
    store: &Store,
    name: &str,
    is_unit: bool,
    clock: &Clock,
) -> anyhow::Result<()> {
    let tenant = TenantId::parse(name)?;
    if store.tenant(&tenant).await?.is_some() {
        return Ok(());
    }
    let settings = TenantSettings {
        tenant,
        is_unit,
        is_uploader: !is_unit,
        legal_basis: is_unit.then(|| Label::parse(LEGAL_BASIS)).transpose()?,
        expiry_days: TenantSettings::EXPIRY_DAYS_DEFAULT,
        tell_withdrawals: false,
        created_at: clock.now(),
    };
    Ok(store.put_tenant(&settings).await?)
}

/// The tokens that a data folder keeps.
pub(super) fn kept(data: &Path) -> anyhow::Result<Tokens> {
    let text = fs::read_to_string(data.join(FILE)).context("reading the folder's tokens")?;
    Tokens::parse(&text).context("the tokens in the data folder are damaged")
}

/// Draws tokens and keeps them, durably, before anybody is told of them.
fn draw(path: &Path) -> anyhow::Result<Tokens> {
    let tokens = Tokens {
        unit: token()?,
        uploader: token()?,
        admin: token()?,
    };
    let written = path.with_extension("new");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&written)?;
    file.write_all(tokens.to_json().to_string().as_bytes())?;
    file.sync_all()?;
    fs::rename(&written, path)?;
    if let Some(folder) = path.parent() {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(tokens)
}

fn token() -> anyhow::Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| anyhow::anyhow!("the system gives no randomness"))?;
    Ok(Token::from_random(&bytes).reveal().to_owned())
}
