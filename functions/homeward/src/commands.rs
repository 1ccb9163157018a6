//! The verbs.

use std::sync::LazyLock;

use clap::{Parser, Subcommand};

use console::outcome::Result;

pub mod bench;
pub mod compare;
pub mod completions;
pub mod dead_letters;
pub mod demo;
pub mod doctor;
pub mod env;
pub mod erase;
pub mod fingerprint;
pub mod leads;
pub mod receipt;
pub mod references;
pub mod report;
pub mod serve;
pub mod sign_in;
pub mod stage;
pub mod status;
pub mod tenants;
pub mod verify;
pub mod webhooks;

/// The command line.
#[derive(Parser)]
#[command(name = "homeward", version = version(), about = ABOUT, after_help = EXAMPLES, max_term_width = 100)]
pub struct Homeward {
    #[command(subcommand)]
    command: Command,
}

/// The version, with the commit that `infra/package` built.
fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let built = match option_env!("HOMEWARD_COMMIT") {
            Some(commit) if !commit.is_empty() => format!("commit {commit}"),
            _ => "built from source".to_owned(),
        };
        format!("{} ({built})", env!("CARGO_PKG_VERSION"))
    });
    &VERSION
}

const ABOUT: &str = "Finds photos of missing people in advertisements, edited or not.\n\n\
    It recognises the same photo again. It never recognises a face, and makes no biometric \
    template of anybody.";

const EXAMPLES: &str = "Examples:
  homeward fingerprint photo.jpg
  homeward compare --references missing/ --ads scraped/ --out matches.csv
  homeward bench recall --photos my-photos/ --report recall.md
  homeward demo --photos my-photos/
  homeward serve --data homeward-data
  homeward sign-in --data homeward-data
  eval \"$(homeward env --data homeward-data)\"
  homeward upload scraped/ --to https://homeward.example --metadata ads.csv --wait
  homeward references add photos/ --case 26-0417 --to https://homeward.example
  homeward leads --to https://homeward.example --csv > leads.csv
  homeward webhook test --to https://homeward.example --token-file unit.token
  homeward status --to https://homeward.example --token-file admin.token
  homeward verify --data homeward-data
  homeward doctor --config-env prod --images-per-day 20000
  homeward stage dead-letters --stack homeward-prod
  homeward dead-letters --data homeward-data
  homeward receipt verify erasure.json --key \"$key\"
  homeward report verify report.json --key \"$key\"
  homeward completions bash > ~/.local/share/bash-completion/completions/homeward

Exit codes: 0 success, 1 the input was at fault, 2 usage, 3 our fault.
Data goes to stdout, everything said to a person to stderr.";

#[derive(Subcommand)]
enum Command {
    Fingerprint(fingerprint::Arguments),
    Compare(compare::Arguments),
    Bench(bench::Arguments),
    Demo(demo::Arguments),
    Serve(serve::Arguments),
    SignIn(sign_in::Arguments),
    Env(env::Arguments),
    Upload(uploader::Arguments),
    References(references::Arguments),
    Leads(leads::LeadsArguments),
    Judge(leads::JudgeArguments),
    Withdraw(leads::WithdrawArguments),
    Erase(erase::Arguments),
    Tenant(tenants::TenantArguments),
    Token(tenants::TokenArguments),
    Audit(tenants::AuditArguments),
    Webhook(webhooks::Arguments),
    Status(status::Arguments),
    Verify(verify::Arguments),
    Doctor(doctor::Arguments),
    Stage(stage::Arguments),
    DeadLetters(dead_letters::Arguments),
    Receipt(receipt::Arguments),
    Report(report::Arguments),
    Completions(completions::Arguments),
}

impl Homeward {
    /// Runs the command.
    ///
    /// # Errors
    /// What the person is told, and whose fault it is.
    pub fn run(self) -> Result {
        match self.command {
            Command::Fingerprint(arguments) => fingerprint::run(&arguments),
            Command::Compare(arguments) => compare::run(&arguments),
            Command::Bench(arguments) => bench::run(&arguments),
            Command::Demo(arguments) => demo::run(&arguments),
            Command::Serve(arguments) => serve::run(&arguments),
            Command::SignIn(arguments) => sign_in::run(&arguments),
            Command::Env(arguments) => env::run(&arguments),
            Command::Upload(arguments) => uploader::run(&arguments),
            Command::References(arguments) => references::run(&arguments),
            Command::Leads(arguments) => leads::list(&arguments),
            Command::Judge(arguments) => leads::judge(&arguments),
            Command::Withdraw(arguments) => leads::withdraw(&arguments),
            Command::Erase(arguments) => erase::run(&arguments),
            Command::Tenant(arguments) => tenants::tenant(&arguments),
            Command::Token(arguments) => tenants::token(&arguments),
            Command::Audit(arguments) => tenants::audit(&arguments),
            Command::Webhook(arguments) => webhooks::run(&arguments),
            Command::Status(arguments) => status::run(&arguments),
            Command::Verify(arguments) => verify::run(&arguments),
            Command::Doctor(arguments) => doctor::run(&arguments),
            Command::Stage(arguments) => stage::run(&arguments),
            Command::DeadLetters(arguments) => dead_letters::run(&arguments),
            Command::Receipt(arguments) => receipt::run(&arguments),
            Command::Report(arguments) => report::run(&arguments),
            Command::Completions(arguments) => completions::run(&arguments),
        }
    }
}
