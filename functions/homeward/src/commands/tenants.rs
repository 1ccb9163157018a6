//! `homeward tenant`, `token` and `audit`: what an administrator does, by the API of a deployment.

use std::io::Write;

use clap::{Args, Subcommand, ValueEnum};
use client::{Client, Column, DeploymentArguments, ListingForm, print_items, text_of};
use console::outcome::{ExitStatus, Result};
use console::terminal::print;
use reqwest::Method;
use serde_json::json;

use super::leads::path_part;

/// Make and list tenants: units that submit references, and uploaders
#[derive(Args)]
pub struct TenantArguments {
    #[command(subcommand)]
    command: TenantCommand,
}

#[derive(Subcommand)]
enum TenantCommand {
    /// Make a tenant
    New(NewTenant),
    /// List all tenants
    List(List),
    /// Bound what an uploader may bring in a day
    Quota(Quota),
    /// Take back as a whole what an uploader brought: its leads are withdrawn
    Retract(Retract),
}

#[derive(Args)]
#[command(after_help = TENANT_EXAMPLES)]
struct NewTenant {
    /// Its name, e.g. north: lower-case letters, digits and -
    #[arg(value_name = "TENANT")]
    tenant: String,
    /// It submits references
    #[arg(long, required_unless_present = "uploader")]
    unit: bool,
    /// It uploads ads
    #[arg(long)]
    uploader: bool,
    /// The legal basis of references that bring none
    #[arg(long, value_name = "TEXT")]
    legal_basis: Option<String>,
    /// How long references live that bring no date
    #[arg(long, value_name = "DAYS")]
    expiry_days: Option<u32>,
    #[command(flatten)]
    deployment: DeploymentArguments,
}

const TENANT_EXAMPLES: &str = "Examples:
  HOMEWARD_TOKEN=$ADMIN_TOKEN homeward tenant new north --unit --to https://homeward.example
  homeward tenant new ngo --uploader --to https://homeward.example --token-file admin.token
  homeward token new north unit --to https://homeward.example --token-file admin.token";

#[derive(Args)]
struct List {
    #[command(flatten)]
    deployment: DeploymentArguments,
    #[command(flatten)]
    form: ListingForm,
}

#[derive(Args)]
struct Quota {
    /// The uploader
    #[arg(value_name = "TENANT")]
    tenant: String,
    /// Uploads of one day at most; without it, no bound
    #[arg(long, value_name = "N")]
    per_day: Option<u64>,
    #[command(flatten)]
    deployment: DeploymentArguments,
}

#[derive(Args)]
struct Retract {
    /// The uploader
    #[arg(value_name = "TENANT")]
    tenant: String,
    /// Give it back instead: all past ads are searched again
    #[arg(long)]
    lift: bool,
    #[command(flatten)]
    deployment: DeploymentArguments,
}

const TENANTS: [Column; 6] = [
    ("tenant", "/tenant"),
    ("unit", "/is_unit"),
    ("uploader", "/is_uploader"),
    ("legal basis", "/legal_basis"),
    ("expiry days", "/expiry_days"),
    ("created", "/created_at"),
];

/// Makes, lists, bounds or retracts.
///
/// # Errors
/// What the deployment refuses is the input's fault; one that does not answer is ours.
pub fn tenant(arguments: &TenantArguments) -> Result {
    match &arguments.command {
        TenantCommand::New(new) => {
            let client = Client::new(&new.deployment)?;
            let body = json!({"tenant": new.tenant, "is_unit": new.unit, "is_uploader": new.uploader,
                "legal_basis": new.legal_basis, "expiry_days": new.expiry_days});
            client.send(&Method::POST, "tenants", Some(&body))?;
            print(format_args!(
                "{} is made; `homeward token new` opens it",
                new.tenant
            ));
        }
        TenantCommand::List(list) => {
            let items = Client::new(&list.deployment)?.all("tenants", &[])?;
            print_items(&items, &TENANTS, list.form)?;
        }
        TenantCommand::Quota(quota) => {
            let path = format!("tenants/{}/quota", path_part(&quota.tenant)?);
            let body = json!({ "uploads_per_day_max": quota.per_day });
            Client::new(&quota.deployment)?.send(&Method::PUT, &path, Some(&body))?;
            print(format_args!("set: it counts within five minutes"));
        }
        TenantCommand::Retract(retract) => {
            let path = format!("tenants/{}/retraction", path_part(&retract.tenant)?);
            let client = Client::new(&retract.deployment)?;
            let method = if retract.lift {
                Method::DELETE
            } else {
                Method::PUT
            };
            let state = client.send(&method, &path, None)?;
            print(format_args!("{}", text_of(&state, "/state")));
        }
    }
    Ok(ExitStatus::Done)
}

/// Issue, list and revoke tokens
#[derive(Args)]
pub struct TokenArguments {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Subcommand)]
enum TokenCommand {
    /// Issue a token; it is printed this once, alone on stdout
    New(NewToken),
    /// List the tokens of a tenant, without their values
    List(TokensOf),
    /// Revoke a token: it opens nothing any more, and pages that it opened end
    Revoke(Revoke),
}

#[derive(Args)]
#[command(after_help = TOKEN_EXAMPLES)]
struct NewToken {
    /// The tenant that it acts for
    #[arg(value_name = "TENANT")]
    tenant: String,
    /// What it may do
    role: Role,
    /// Of a unit: the person whose it is, by name; the audit log names it
    #[arg(long, value_name = "NAME")]
    person: Option<String>,
    /// Of a unit: what a person may do who has it; without it, everything
    #[arg(long, value_name = "ROLE")]
    may: Vec<May>,
    #[command(flatten)]
    deployment: DeploymentArguments,
}

/// What a token may do.
#[derive(Clone, Copy, ValueEnum)]
enum Role {
    /// References, leads, alerts
    Unit,
    /// Ads
    Uploader,
    /// Tenants and tokens
    Admin,
}

/// What a person may do within a unit.
#[derive(Clone, Copy, ValueEnum)]
enum May {
    /// Sees leads and judges them, adds photos
    Reviewer,
    /// Withdraws, erases, releases, seals reports
    Supervisor,
    /// Reads the audit log
    Auditor,
}

impl May {
    fn word(self) -> &'static str {
        match self {
            Self::Reviewer => "reviewer",
            Self::Supervisor => "supervisor",
            Self::Auditor => "auditor",
        }
    }
}

const TOKEN_EXAMPLES: &str = "Examples:
  homeward token new north unit --to https://homeward.example --token-file admin.token > north.token
  homeward token new north unit --person 'S. Berg' --may reviewer --to https://homeward.example
  homeward token revoke north 3f0a... --to https://homeward.example --token-file admin.token";

#[derive(Args)]
struct TokensOf {
    /// The tenant
    #[arg(value_name = "TENANT")]
    tenant: String,
    #[command(flatten)]
    deployment: DeploymentArguments,
    #[command(flatten)]
    form: ListingForm,
}

#[derive(Args)]
struct Revoke {
    /// The tenant
    #[arg(value_name = "TENANT")]
    tenant: String,
    /// The token's id, as the list prints it
    #[arg(value_name = "TOKEN_ID")]
    token: String,
    #[command(flatten)]
    deployment: DeploymentArguments,
}

const TOKENS: [Column; 6] = [
    ("token", "/token_id"),
    ("tenant", "/tenant"),
    ("role", "/role"),
    ("person", "/person"),
    ("may", "/roles"),
    ("created", "/created_at"),
];

/// Issues, lists or revokes.
///
/// # Errors
/// As [`tenant`].
pub fn token(arguments: &TokenArguments) -> Result {
    match &arguments.command {
        TokenCommand::New(new) => {
            let role = match new.role {
                Role::Unit => "unit",
                Role::Uploader => "uploader",
                Role::Admin => "admin",
            };
            let may: Vec<&str> = new.may.iter().map(|role| role.word()).collect();
            let roles = (!may.is_empty()).then_some(may);
            let body = json!({ "role": role, "roles": roles, "person": new.person });
            let path = format!("tenants/{}/tokens", path_part(&new.tenant)?);
            let client = Client::new(&new.deployment)?;
            let issued = client.send(&Method::POST, &path, Some(&body))?;
            let value = text_of(&issued, "/token");
            writeln!(std::io::stdout().lock(), "{value}")?;
            let id = text_of(&issued, "/token_id");
            print(format_args!("its id is {id}; its value is shown this once"));
        }
        TokenCommand::List(of) => {
            let path = format!("tenants/{}/tokens", path_part(&of.tenant)?);
            let items = Client::new(&of.deployment)?.all(&path, &[])?;
            print_items(&items, &TOKENS, of.form)?;
        }
        TokenCommand::Revoke(revoke) => {
            let (tenant, id) = (path_part(&revoke.tenant)?, path_part(&revoke.token)?);
            let path = format!("tenants/{tenant}/tokens/{id}");
            Client::new(&revoke.deployment)?.send(&Method::DELETE, &path, None)?;
            print(format_args!("{id} is revoked"));
        }
    }
    Ok(ExitStatus::Done)
}

/// Read the audit log, oldest first
///
/// A unit reads what was done in its name; an administrator its own log, or that of the tenant it names, which
/// is an entry of that log.
#[derive(Args)]
#[command(after_help = AUDIT_EXAMPLES)]
pub struct AuditArguments {
    #[command(flatten)]
    deployment: DeploymentArguments,
    /// Another tenant's log, for an administrator
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    #[command(flatten)]
    form: ListingForm,
}

const AUDIT_EXAMPLES: &str = "Examples:
  homeward audit --to https://homeward.example --token-file unit.token --csv > audit.csv
  homeward audit --tenant north --to https://homeward.example --token-file admin.token";

const AUDIT: [Column; 6] = [
    ("number", "/seq"),
    ("at", "/at"),
    ("role", "/actor"),
    ("action", "/action"),
    ("subject", "/subject"),
    ("person", "/by"),
];

/// Reads it.
///
/// # Errors
/// As [`tenant`].
pub fn audit(arguments: &AuditArguments) -> Result {
    let client = Client::new(&arguments.deployment)?;
    let items = client.all("audit", &[("tenant", arguments.tenant.as_deref())])?;
    print_items(&items, &AUDIT, arguments.form)?;
    Ok(ExitStatus::Done)
}
