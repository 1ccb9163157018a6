//! What an administrator does to a deployed stage with an AWS account's rights rather than a token: the first
//! administrator, tasks of `upkeep` asked for by hand, dead letters.
#![allow(clippy::disallowed_methods, reason = "a token is drawn here")]

pub mod dead_letters;

use anyhow::Context;
use records::{Principal, Role, TenantId, Token};
use serde_json::{Value, json};
use store::{Jitter, Names, Store};

use crate::signed::{Asker, Body, Question, Service, configured, is_name};

/// A deployed stack, reached with the credentials of this machine.
pub struct Stage {
    asker: Asker,
    stack: String,
    region: String,
}

impl Stage {
    /// The stack of this name. Nothing is asked yet.
    ///
    /// # Errors
    /// Credentials that cannot be had; a name that no stack can have.
    pub async fn of_machine(stack: &str, region: &str) -> anyhow::Result<Self> {
        anyhow::ensure!(is_name(stack), "that is no name of a stack");
        Ok(Self {
            asker: Asker::of_machine(region).await?,
            stack: stack.to_owned(),
            region: region.to_owned(),
        })
    }

    /// What the stack's resource is called: a table's or function's name, a queue's URL.
    async fn resource(&self, in_template: &str) -> anyhow::Result<String> {
        let form = format!(
            "Action=DescribeStackResource&Version=2010-05-15&StackName={}&LogicalResourceId={in_template}",
            self.stack
        );
        let question = Question {
            service: Service::CLOUDFORMATION,
            path: "/",
            body: Body::Form(&form),
        };
        let (status, body) = self.asker.ask(question).await?;
        anyhow::ensure!(
            status == 200,
            "CloudFormation answered {status} when it was asked for {in_template} of the stack {}",
            self.stack
        );
        let (_, behind) = body
            .split_once("<PhysicalResourceId>")
            .with_context(|| format!("the stack has no {in_template}"))?;
        let name = behind.split('<').next().unwrap_or_default().trim();
        Ok(name.to_owned())
    }

    /// What the names of the stage's tables and functions begin with.
    async fn prefix(&self) -> anyhow::Result<String> {
        let table = self.resource("TenantsTable").await?;
        let prefix = table.strip_suffix("tenants").map(str::to_owned);
        prefix.context("the tenants' table is not named as ours are")
    }

    /// Makes a token of an administrator and stores its hash. The caller shows the token, once.
    ///
    /// # Errors
    /// A stack without the table; no right to write to it; a machine without randomness.
    pub async fn new_administrator(&self) -> anyhow::Result<Token> {
        let names = Names {
            table_prefix: self.prefix().await?,
            ads_bucket: String::new(),
            references_bucket: String::new(),
            segments_bucket: String::new(),
        };
        let config = configured(&self.region).await;
        let store = Store::with_sdk_config(&config, names, Jitter::from_system());
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("{error}"))?;
        let token = Token::from_random(&bytes);
        let administrator = Principal::of(TenantId::parse("admin")?, Role::Admin);
        store.tenants.put_token(&token, &administrator).await?;
        Ok(token)
    }

    /// Has `upkeep` carry out one task now, and gives what it says it did. Waits as long as the function may run.
    ///
    /// # Errors
    /// A task that there is none of; what the function failed with.
    pub async fn run_task(&self, task: &str) -> anyhow::Result<Value> {
        let function = format!("{}upkeep", self.prefix().await?);
        self.invoke(&function, &json!({ "task": task })).await
    }

    async fn invoke(&self, function: &str, payload: &Value) -> anyhow::Result<Value> {
        anyhow::ensure!(is_name(function), "that is no name of a function");
        let (path, body) = (
            format!("/2015-03-31/functions/{function}/invocations"),
            payload.to_string(),
        );
        let question = Question {
            service: Service::LAMBDA,
            path: &path,
            body: Body::Json(&body, None),
        };
        let (status, body) = self.asker.ask(question).await?;
        let answer: Value = serde_json::from_str(&body).unwrap_or_default();
        anyhow::ensure!(status == 200, "Lambda answered {status} for {function}");
        match answer["errorMessage"].as_str() {
            Some(failed) => anyhow::bail!("{function} failed: {failed}"),
            None => Ok(answer),
        }
    }

    /// One operation of a service that speaks JSON.
    async fn operation(
        &self,
        service: Service,
        name: &'static str,
        body: &Value,
    ) -> anyhow::Result<Value> {
        let body = body.to_string();
        let question = Question {
            service,
            path: "/",
            body: Body::Json(&body, Some(name)),
        };
        let (status, body) = self.asker.ask(question).await?;
        let answer: Value = serde_json::from_str(&body).unwrap_or_default();
        let kind = answer["__type"].as_str().unwrap_or_default();
        let kind = kind.rsplit('#').next().unwrap_or_default();
        anyhow::ensure!(status == 200, "{name} was answered with {status} {kind}");
        Ok(answer)
    }
}
