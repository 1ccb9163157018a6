//! What only the account itself can tell: whether the credentials count, and its quotas.

use serde_json::Value;

use super::parameters::{self, Chosen};
use super::template::Parameter;
use super::{Check, Verdict};
use crate::signed::{Asker, Body, Question, Service};

const CREDENTIALS: &str = "account";
const QUOTA: &str = "quota of executions";

/// Executions in addition to ingest's: two of enroll, one for each of four streams, and one each of review,
/// upkeep and alert's timer.
const EXECUTIONS_WITHOUT_INGEST: u64 = 9;

/// Lambda keeps that many from being set aside.
const UNRESERVED_MIN: u64 = 100;

/// Without a network: what is not known.
pub fn not_asked() -> Vec<Check> {
    let hint = "homeward doctor --online asks AWS; it changes nothing and costs nothing";
    vec![
        Check::not_asked(CREDENTIALS, "whether the credentials count", hint),
        Check::not_asked(QUOTA, "a new account has 10, older ones 1,000", hint),
    ]
}

/// Asks the account.
pub async fn check(region: &str, chosen: &Chosen, known: &[Parameter]) -> Vec<Check> {
    let asker = match Asker::of_machine(region).await {
        Ok(asker) => asker,
        Err(_) => {
            let hint = "see the check of credentials; with single sign-on: aws sso login";
            return vec![Check::bad(CREDENTIALS, "no credentials to sign with", hint)];
        }
    };
    let credentials = credentials(&asker).await;
    if credentials.verdict != Verdict::Good {
        return vec![credentials];
    }
    vec![credentials, quota(&asker, chosen, known).await]
}

async fn credentials(asker: &Asker) -> Check {
    let question = Question {
        service: Service::STS,
        path: "/",
        body: Body::Form("Action=GetCallerIdentity&Version=2011-06-15"),
    };
    match asker.ask(question).await {
        Ok((200, _)) => Check::good(CREDENTIALS, "the credentials count"),
        Ok((status, _)) => {
            let hint = "they may have run out: aws sso login, or make a new key";
            Check::bad(CREDENTIALS, format!("refused with {status}"), hint)
        }
        Err(_) => unreachable(CREDENTIALS),
    }
}

fn unreachable(about: &'static str) -> Check {
    let hint = "look at the network, at HTTPS_PROXY, and at the region's name";
    Check::doubtful(about, "AWS does not answer", hint)
}

async fn quota(asker: &Asker, chosen: &Chosen, known: &[Parameter]) -> Check {
    let question = Question {
        service: Service::LAMBDA,
        path: "/2016-08-19/account-settings",
        body: Body::None,
    };
    match asker.ask(question).await {
        Ok((200, body)) => quota_of(&body, chosen, known),
        Ok((status, _)) => {
            let hint = "the right lambda:GetAccountSettings lets it be asked";
            Check::doubtful(QUOTA, format!("refused with {status}"), hint)
        }
        Err(_) => unreachable(QUOTA),
    }
}

/// Holds the account's limits against what the deployment wants.
fn quota_of(body: &str, chosen: &Chosen, known: &[Parameter]) -> Check {
    let limits: Value = serde_json::from_str(body).unwrap_or_default();
    let limit = |name: &str| {
        limits
            .pointer(&format!("/AccountLimit/{name}"))
            .and_then(Value::as_u64)
    };
    let (Some(all), Some(free)) = (
        limit("ConcurrentExecutions"),
        limit("UnreservedConcurrentExecutions"),
    ) else {
        return Check::doubtful(QUOTA, "the answer has no limits", "look in the console");
    };
    let value = |name: &str| parameters::value(chosen, known, name);
    let ingest: u64 = value("IngestConcurrency").parse().unwrap_or(0);
    let seen = format!("{all} at once, {free} of them free");
    let ask = "ask for more: Service Quotas, Lambda, concurrent executions; it is free";
    if value("ReserveConcurrency") == "true" && free < ingest + UNRESERVED_MIN {
        let hint = format!("{ask}; or ReserveConcurrency=false");
        return Check::bad(
            QUOTA,
            format!("{seen}; too few to set {ingest} aside"),
            hint,
        );
    }
    if free < ingest + EXECUTIONS_WITHOUT_INGEST {
        let hint = format!(
            "{ask}; until then a flood of ads takes the executions of photos, alerts and the API, \
             whose messages may end as dead letters; IngestConcurrency=2 leaves them most"
        );
        return Check::doubtful(QUOTA, format!("{seen}; a busy hour wants more"), hint);
    }
    Check::good(QUOTA, seen)
}

#[cfg(test)]
mod tests {
    use super::super::template;
    use super::*;

    #[test]
    fn the_quota_is_held_against_what_the_deployment_wants() {
        let known = template::parameters();
        let check = |all: u64, free: u64, chosen: &str, expected| {
            let body = format!(
                r#"{{"AccountLimit":{{"ConcurrentExecutions":{all},"UnreservedConcurrentExecutions":{free}}}}}"#
            );
            let chosen = parameters::parse(chosen).unwrap();
            assert_eq!(quota_of(&body, &chosen, &known).verdict, expected, "{body}");
        };
        check(1_000, 1_000, "", Verdict::Good);
        check(10, 10, "", Verdict::Doubtful);
        check(10, 10, "ReserveConcurrency=true", Verdict::Bad);
        check(1_000, 103, "ReserveConcurrency=true", Verdict::Bad);
        check(1_000, 104, "ReserveConcurrency=true", Verdict::Good);
        check(20, 19, "IngestConcurrency=10", Verdict::Good);
        let nonsense = quota_of("<html>", &Chosen::new(), &known);
        assert_eq!(nonsense.verdict, Verdict::Doubtful);
    }
}
