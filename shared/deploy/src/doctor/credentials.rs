//! Whether there are credentials to sign with. Says where it was found, and never what.

use std::collections::BTreeMap;

use super::Check;

const ABOUT: &str = "credentials";

/// Members of a profile that give credentials, each by its way.
const WAYS: &[(&str, &str)] = &[
    ("aws_access_key_id", "a key"),
    ("credential_process", "a program"),
    ("sso_session", "single sign-on"),
    ("sso_start_url", "single sign-on"),
    ("role_arn", "a role"),
    ("web_identity_token_file", "a web identity"),
];

/// What the machine knows: its environment, and the texts of `~/.aws/credentials` and
/// `~/.aws/config`.
#[derive(Clone, Default)]
pub struct Machine {
    /// Variables of the environment.
    pub environment: BTreeMap<String, String>,
    /// Both files, one after the other.
    pub files: String,
}

impl Machine {
    /// This machine.
    pub fn this() -> Self {
        let environment: BTreeMap<_, _> = std::env::vars().collect();
        let home = environment.get("HOME").cloned().unwrap_or_default();
        let read = |variable: &str, file: &str| {
            let path = environment.get(variable).cloned();
            let path = path.unwrap_or_else(|| format!("{home}/.aws/{file}"));
            std::fs::read_to_string(path).unwrap_or_default() // none there is an answer too
        };
        let files = [
            read("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
            read("AWS_CONFIG_FILE", "config"),
        ];
        Self {
            files: files.join("\n"),
            environment,
        }
    }

    /// A variable that is set to something.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let value = self.environment.get(name).map(|value| value.trim());
        value.filter(|value| !value.is_empty())
    }

    /// The profile that counts.
    pub fn profile(&self) -> &str {
        self.variable("AWS_PROFILE").unwrap_or("default")
    }

    /// A member of the profile, from either file.
    pub fn of_profile(&self, member: &str) -> Option<&str> {
        let sections = [
            self.profile().to_owned(),
            format!("profile {}", self.profile()),
        ];
        let mut inside = false;
        for line in self.files.lines().map(str::trim) {
            if let Some(section) = line.strip_prefix('[') {
                let section = section.trim_end_matches(']').trim();
                inside = sections.iter().any(|known| known == section);
            } else if inside
                && let Some((name, value)) = line.split_once('=')
                && name.trim() == member
            {
                return Some(value.trim());
            }
        }
        None
    }
}

/// Whether there are credentials, and where.
pub fn check(machine: &Machine) -> Check {
    let set = |name: &str| machine.variable(name).is_some();
    if set("AWS_ACCESS_KEY_ID") {
        return match set("AWS_SECRET_ACCESS_KEY") {
            true => Check::good(ABOUT, "a key, in the environment"),
            false => Check::bad(
                ABOUT,
                "a key without its secret",
                "set AWS_SECRET_ACCESS_KEY too",
            ),
        };
    }
    for name in [
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ] {
        if set(name) {
            return Check::good(ABOUT, format!("by {name}"));
        }
    }
    let found = WAYS
        .iter()
        .find(|(member, _)| machine.of_profile(member).is_some());
    match found {
        Some((_, way)) => Check::good(ABOUT, format!("{way}, in a profile of ~/.aws")),
        None => Check::bad(
            ABOUT,
            "none, neither in the environment nor in a profile",
            "aws configure sso, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    fn machine(environment: &[(&str, &str)], files: &str) -> Machine {
        let pairs = environment.iter();
        Machine {
            environment: pairs.map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            files: files.to_owned(),
        }
    }

    #[test]
    fn credentials_are_found_where_the_tools_of_aws_look() {
        let check = |environment: &[(&str, &str)], files: &str, expected| {
            let check = super::check(&machine(environment, files));
            assert_eq!(check.verdict, expected, "{}", check.seen);
        };
        let key = ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE");
        check(&[key, ("AWS_SECRET_ACCESS_KEY", "s")], "", Verdict::Good);
        check(&[key], "", Verdict::Bad);
        check(&[], "", Verdict::Bad);
        check(&[], "[default]\naws_access_key_id = AKIA\n", Verdict::Good);
        check(&[], "[other]\naws_access_key_id = AKIA\n", Verdict::Bad);
        let profile = [("AWS_PROFILE", "work")];
        check(&profile, "[profile work]\nsso_session = x\n", Verdict::Good);
        check(
            &profile,
            "[default]\naws_access_key_id = AKIA\n",
            Verdict::Bad,
        );
    }

    #[test]
    fn nothing_of_a_credential_is_said() {
        let secret = "wJalrXUtnFEMI";
        let environment = [
            ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", secret),
        ];
        let files =
            format!("[default]\naws_access_key_id=AKIAOTHER\naws_secret_access_key={secret}\n");
        for machine in [machine(&environment, ""), machine(&[], &files)] {
            let said = super::check(&machine).to_json().to_string();
            assert!(!said.contains(secret) && !said.contains("AKIA"), "{said}");
        }
    }
}
