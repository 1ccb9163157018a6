//! In which region it will be.

use super::Check;
use super::credentials::Machine;

const ABOUT: &str = "region";

/// Regions of AWS that are open to every account, and have all that the template asks for: Lambda on
/// both processors, HTTP APIs, streams of tables. <https://docs.aws.amazon.com/general/latest/gr/lambda-service.html>
const OPEN_TO_ALL: &[&str] = &[
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Where the region may be named, the surest first.
#[derive(Clone, Debug, Default)]
pub struct Named {
    /// `--region`.
    pub by_argument: Option<String>,
    /// `AWS_REGION`, or `AWS_DEFAULT_REGION`.
    pub by_environment: Option<String>,
    /// The profile's, in `~/.aws/config`.
    pub by_profile: Option<String>,
}

impl Named {
    /// What `--region` says, and the machine's environment and profile.
    pub fn of(machine: &Machine, by_argument: Option<String>) -> Self {
        let variables = ["AWS_REGION", "AWS_DEFAULT_REGION"];
        let set = variables.iter().find_map(|name| machine.variable(name));
        Self {
            by_argument,
            by_environment: set.map(str::to_owned),
            by_profile: machine.of_profile("region").map(str::to_owned),
        }
    }

    /// The one that counts.
    pub fn region(&self) -> Option<&str> {
        let all = [&self.by_argument, &self.by_environment, &self.by_profile];
        all.into_iter().flatten().map(String::as_str).next()
    }
}

/// Whether it is one that is known.
pub fn check(named: &Named) -> Check {
    let Some(region) = named.region() else {
        let hint = "set AWS_REGION, e.g. to eu-central-1; photos will lie in that country";
        return Check::bad(ABOUT, "none is named", hint);
    };
    if OPEN_TO_ALL.contains(&region) {
        return Check::good(ABOUT, region);
    }
    let looks_right = region.split('-').count() >= 3
        && region.ends_with(|last: char| last.is_ascii_digit())
        && region
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if looks_right {
        let hint = "if your account must opt in to it, do that first; prices differ there";
        return Check::doubtful(ABOUT, format!("{region}, not open to every account"), hint);
    }
    Check::bad(
        ABOUT,
        "what is named is no region",
        "write it as in eu-central-1",
    )
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn a_region_is_known_or_looked_at_or_refused() {
        let check = |region: &str, expected| {
            let named = Named {
                by_environment: Some(region.to_owned()),
                ..Named::default()
            };
            assert_eq!(super::check(&named).verdict, expected, "{region}");
        };
        check("eu-central-1", Verdict::Good);
        check("af-south-1", Verdict::Doubtful);
        check("us-gov-west-1", Verdict::Doubtful);
        check("Frankfurt", Verdict::Bad);
        check("", Verdict::Bad);
        assert_eq!(super::check(&Named::default()).verdict, Verdict::Bad);
    }

    #[test]
    fn an_argument_counts_more_than_the_environment_and_that_more_than_a_profile() {
        let named = Named {
            by_argument: None,
            by_environment: Some("eu-west-1".into()),
            by_profile: Some("us-east-1".into()),
        };
        assert_eq!(named.region(), Some("eu-west-1"));
    }
}
