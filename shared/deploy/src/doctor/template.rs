//! The deployment's template, as far as this program needs it: what its parameters allow.

use anyhow::Context;
use saphyr::{LoadableYamlNode, Yaml};

/// The template that this program was built with.
const TEMPLATE: &str = include_str!("../../../../infra/template.yaml");

/// What a parameter may be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its default.
    pub default: String,
    /// If not empty, one of these.
    pub allowed: Vec<String>,
    /// A pattern it must fit.
    pub pattern: Option<String>,
    /// For numbers, the least and the most.
    pub least: Option<i64>,
    /// See `least`.
    pub most: Option<i64>,
}

/// Every parameter of the template.
///
/// # Errors
/// None, as long as the template is one.
pub fn parameters() -> anyhow::Result<Vec<Parameter>> {
    let documents = Yaml::load_from_str(TEMPLATE).context("reading the template")?;
    let parameters = documents
        .first()
        .and_then(|template| template.as_mapping_get("Parameters"))
        .and_then(Yaml::as_mapping)
        .context("the template has parameters")?;
    Ok(parameters
        .iter()
        .map(|(name, it)| Parameter {
            name: text(name),
            default: it.as_mapping_get("Default").map(text).unwrap_or_default(),
            allowed: list(it.as_mapping_get("AllowedValues")),
            pattern: it.as_mapping_get("AllowedPattern").map(text),
            least: it.as_mapping_get("MinValue").and_then(Yaml::as_integer),
            most: it.as_mapping_get("MaxValue").and_then(Yaml::as_integer),
        })
        .collect())
}

/// Metrics that the alarms look at, each of which is paid for: of all alarms, or of those that
/// `Small` keeps.
///
/// # Errors
/// None, as long as the template is one.
pub fn alarm_metrics(small: bool) -> anyhow::Result<usize> {
    let documents = Yaml::load_from_str(TEMPLATE).context("reading the template")?;
    let resources = documents
        .first()
        .and_then(|template| template.as_mapping_get("Resources"))
        .and_then(Yaml::as_mapping)
        .context("the template has resources")?;
    let member = |resource: &Yaml<'_>, name: &str| resource.as_mapping_get(name).map(text);
    let alarms = resources.values().filter(|it| {
        let is_alarm = member(it, "Type").as_deref() == Some("AWS::CloudWatch::Alarm");
        is_alarm && !(small && member(it, "Condition").as_deref() == Some("HasAllAlarms"))
    });
    Ok(alarms.map(metrics_of).sum())
}

/// One metric, or as many as an expression is made of.
fn metrics_of(alarm: &Yaml<'_>) -> usize {
    let properties = alarm.as_mapping_get("Properties");
    let metrics = properties.and_then(|it| it.as_mapping_get("Metrics"));
    let Some(metrics) = metrics.and_then(Yaml::as_sequence) else {
        return 1;
    };
    let is_metric = |it: &&Yaml<'_>| it.as_mapping_get("MetricStat").is_some();
    metrics.iter().filter(is_metric).count()
}

fn list(values: Option<&Yaml<'_>>) -> Vec<String> {
    let values = values.and_then(Yaml::as_sequence);
    values.into_iter().flatten().map(text).collect()
}

/// CloudFormation knows texts only.
fn text(value: &Yaml<'_>) -> String {
    match (value.as_str(), value.as_integer()) {
        (Some(text), _) => text.to_owned(),
        (None, Some(number)) => number.to_string(),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bill_counts_the_alarms_of_the_template() {
        let counted = |small| alarm_metrics(small).unwrap() as f64;
        assert_eq!(counted(false), crate::costs::idle::ALARM_METRICS);
        assert_eq!(counted(true), crate::costs::idle::ALARM_METRICS_SMALL);
    }

    #[test]
    fn the_bill_counts_the_timers_of_the_template() {
        let mut runs_a_day = 0.0;
        for line in TEMPLATE.lines() {
            let Some(schedule) = line.trim().strip_prefix("Schedule: ") else {
                continue;
            };
            runs_a_day += match schedule {
                "rate(1 minute)" => 1_440.0,
                "rate(5 minutes)" => 288.0,
                "rate(1 hour)" => 24.0,
                "rate(6 hours)" => 4.0,
                other => panic!("how often is {other}?"),
            };
        }
        assert_eq!(runs_a_day, crate::costs::idle::TIMER_RUNS_A_DAY);
    }

    #[test]
    fn the_parameters_of_the_template_are_read() {
        let all = parameters().unwrap();
        let named = |name: &str| all.iter().find(|it| it.name == name).unwrap();
        assert_eq!(named("Stage").default, "dev");
        assert!(named("Stage").pattern.is_some());
        assert_eq!(named("Architecture").allowed, ["arm64", "x86_64"]);
        assert_eq!(named("LogDays").allowed[0], "7");
        let concurrency = named("IngestConcurrency");
        assert_eq!(
            (concurrency.least, concurrency.most),
            (Some(2), Some(1_000))
        );
    }
}
