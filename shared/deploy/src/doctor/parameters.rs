//! Whether the parameters of a deployment are ones that the template takes.

use std::collections::BTreeMap;

use ipnet::IpNet;

use super::Check;
use super::template::Parameter;

const ABOUT: &str = "parameters";

/// How `sam deploy` was told of the stages, next to this program's sources.
const SAM_CONFIGURATION: &str = include_str!("../../../../samconfig.toml");

/// `Name=value` pairs, as `sam deploy --parameter-overrides` takes them.
pub type Chosen = BTreeMap<String, String>;

/// The pairs of a text such as `Stage=prod Small=true`.
///
/// # Errors
/// The word that is no pair.
pub fn parse(text: &str) -> Result<Chosen, String> {
    let pair = |word: &str| {
        let (name, value) = word.split_once('=').ok_or_else(|| word.to_owned())?;
        Ok((name.to_owned(), value.trim_matches(['"', '\'']).to_owned()))
    };
    text.split_whitespace().map(pair).collect()
}

/// The pairs that `samconfig.toml` has for a stage; none if it knows no such stage.
pub fn of_stage(stage: &str) -> Option<String> {
    let section = format!("[{stage}.deploy.parameters]");
    let (_, behind) = SAM_CONFIGURATION.split_once(&section)?;
    let own = behind.split("\n[").next().unwrap_or_default();
    let line = own
        .lines()
        .find_map(|line| line.trim().strip_prefix("parameter_overrides"))?;
    let value = line.trim_start_matches([' ', '=']);
    Some(value.trim().trim_matches('"').to_owned())
}

/// A parameter's value: the chosen one, or the template's.
pub fn value<'a>(chosen: &'a Chosen, known: &'a [Parameter], name: &str) -> &'a str {
    let default = known.iter().find(|it| it.name == name);
    let default = default.map_or("", |it| it.default.as_str());
    chosen.get(name).map_or(default, String::as_str)
}

/// Every choice that the template would refuse, or that would not do what it says.
pub fn check(chosen: &Chosen, known: &[Parameter]) -> Vec<Check> {
    let mut faults = Vec::new();
    for (name, value) in chosen {
        match known.iter().find(|it| it.name == *name) {
            None => faults.push(unknown(name, known)),
            Some(parameter) => faults.extend(fault(parameter, value)),
        }
    }
    let value = |name: &str| value(chosen, known, name);
    let networks = value("WebhookNetworks").split(',').map(str::trim);
    if let Some(bad) = networks
        .filter(|network| !network.is_empty())
        .find(|network| network.parse::<IpNet>().is_err())
    {
        let seen = format!("WebhookNetworks: {bad} is no network");
        faults.push(Check::bad(
            ABOUT,
            seen,
            "write networks as in 203.0.113.0/24",
        ));
    }
    if value("AlarmEmail").is_empty() {
        let hint = "AlarmEmail=somebody@example.org; alarms then reach a person";
        faults.push(Check::doubtful(ABOUT, "nobody is told of alarms", hint));
    } else if !value("AlarmEmail").contains('@') {
        faults.push(Check::bad(
            ABOUT,
            "AlarmEmail is no address",
            "write name@host",
        ));
    }
    if faults.iter().all(|it| it.verdict != super::Verdict::Bad) {
        faults.insert(0, Check::good(ABOUT, format!("stage {}", value("Stage"))));
    }
    faults
}

fn unknown(name: &str, known: &[Parameter]) -> Check {
    let names: Vec<_> = known.iter().map(|it| it.name.as_str()).collect();
    let seen = format!("the template has no {}", console::terminal::escaped(name));
    Check::bad(ABOUT, seen, format!("there are {}", names.join(", ")))
}

fn fault(parameter: &Parameter, value: &str) -> Option<Check> {
    let name = &parameter.name;
    if !parameter.allowed.is_empty() && !parameter.allowed.iter().any(|it| it == value) {
        let hint = format!("one of {}", parameter.allowed.join(", "));
        return Some(Check::bad(ABOUT, format!("{name} is not allowed so"), hint));
    }
    if let Some(pattern) = &parameter.pattern
        && !regex_lite::Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(value))
    {
        let seen = format!("{name} does not fit");
        return Some(Check::bad(ABOUT, seen, format!("it must fit {pattern}")));
    }
    let (Some(least), Some(most)) = (parameter.least, parameter.most) else {
        return None;
    };
    let fits = value
        .parse()
        .is_ok_and(|number: i64| (least..=most).contains(&number));
    (!fits).then(|| {
        let hint = format!("a number from {least} to {most}");
        Check::bad(ABOUT, format!("{name} is out of range"), hint)
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Verdict, template};
    use super::*;

    fn worst(text: &str) -> Verdict {
        let chosen = parse(text).unwrap();
        let checks = check(&chosen, &template::parameters());
        checks.iter().map(|it| it.verdict).max().unwrap()
    }

    #[test]
    fn what_the_template_would_refuse_is_found_before() {
        let check = |text: &str, expected| assert_eq!(worst(text), expected, "{text}");
        check("Stage=prod AlarmEmail=a@b.example", Verdict::Good);
        check("Stage=prod", Verdict::Doubtful);
        check("Stage=Prod AlarmEmail=a@b.example", Verdict::Bad);
        check("Architecture=riscv", Verdict::Bad);
        check("IngestConcurrency=1", Verdict::Bad);
        check("IngestConcurrency=ten", Verdict::Bad);
        check("LogDays=8", Verdict::Bad);
        check("Colour=red", Verdict::Bad);
        check("WebhookNetworks=10.0.0.0/8,nonsense", Verdict::Bad);
        check("AlarmEmail=nobody", Verdict::Bad);
        assert_eq!(parse("Stage"), Err("Stage".to_owned()));
    }

    #[test]
    fn the_stages_of_the_sam_configuration_are_good() {
        for stage in ["dev", "prod", "default"] {
            let text = of_stage(stage).unwrap();
            assert_eq!(
                worst(&text),
                Verdict::Doubtful,
                "{text}: only the alarms' address lacks"
            );
        }
        assert_eq!(of_stage("staging"), None);
    }
}
