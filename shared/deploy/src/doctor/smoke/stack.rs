//! Where a deployed stack's API is.

use anyhow::Context;

use crate::signed::{Asker, Body, Question, Service, is_name};

/// Asks CloudFormation for the stack's output `ApiUrl`.
///
/// # Errors
/// No such stack, or no right to look.
pub async fn api_of(stack: &str, region: &str) -> anyhow::Result<String> {
    anyhow::ensure!(is_name(stack), "that is no name of a stack");
    let asker = Asker::of_machine(region).await?;
    let form = format!("Action=DescribeStacks&Version=2010-05-15&StackName={stack}");
    let question = Question {
        service: Service::CLOUDFORMATION,
        path: "/",
        body: Body::Form(&form),
    };
    let (status, body) = asker.ask(question).await?;
    anyhow::ensure!(status == 200, "CloudFormation answered {status}");
    output(&body, "ApiUrl").context("the stack has no output ApiUrl")
}

/// An output, from CloudFormation's XML.
fn output(body: &str, name: &str) -> Option<String> {
    let (_, behind) = body.split_once(&format!("<OutputKey>{name}</OutputKey>"))?;
    let member = behind.split("</member>").next()?;
    let (_, value) = member.split_once("<OutputValue>")?;
    let (value, _) = value.split_once("</OutputValue>")?;
    Some(value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_read_by_its_key() {
        let member = |key: &str, value: &str| {
            format!(
                "<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>"
            )
        };
        let body = [member("A", "1"), member("ApiUrl", "https://x.example")].concat();
        assert_eq!(
            output(&body, "ApiUrl").as_deref(),
            Some("https://x.example")
        );
        assert_eq!(output(&body, "B"), None);
        assert_eq!(output("<html>", "ApiUrl"), None);
    }
}
